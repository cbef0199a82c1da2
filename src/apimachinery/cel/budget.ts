/** What evaluating may cost. Costs are counted per operation as cel-go counts them, never by the clock: the same request always gets the same answer. */

/** One evaluation of one expression (Kubernetes' PerCallLimit). */
export const PER_CALL_COST_LIMIT = 1_000_000;
/** All expressions of one request on one policy, or of one custom resource (Kubernetes' RuntimeCELCostBudget). */
export const PER_REQUEST_COST_LIMIT = 10_000_000;
/** All match conditions of one webhook or policy (Kubernetes' RuntimeCELCostBudgetMatchConditions). */
export const MATCH_CONDITIONS_COST_LIMIT = 2_500_000;
/** What one rule of a custom resource may be estimated to cost at most (Kubernetes' StaticEstimatedCostLimit). */
export const STATIC_COST_LIMIT = 10_000_000;
/** What all rules of one custom resource may be estimated to cost together (Kubernetes' StaticEstimatedCRDCostLimit). */
export const STATIC_CRD_COST_LIMIT = 100_000_000;

/** The budget of a call or of a request is used up. */
export class CostExceeded extends Error {
  override name = 'CostExceeded';
  /** `call`: one expression went beyond its own limit; `budget`: the request's budget is gone. */
  readonly scope: 'call' | 'budget';

  constructor(scope: 'call' | 'budget') {
    super(scope === 'call' ? 'operation cancelled: actual cost limit exceeded'
      : 'validation failed due to running out of cost budget, no further validation rules will be run');
    this.scope = scope;
  }
}

/** Costs that several evaluations share, e.g. all of one request. */
export class CostBudget {
  #remaining: number;

  constructor(limit: number = PER_REQUEST_COST_LIMIT) {
    this.#remaining = limit;
  }

  get remaining(): number {
    return this.#remaining;
  }

  /** Takes what was used; never throws. */
  charge(cost: number): void {
    this.#remaining = Math.max(0, this.#remaining - cost);
  }

  /** Throws CostExceeded when less than `cost` is left. */
  spend(cost: number): void {
    this.#remaining -= cost;
    if (this.#remaining < 0) {
      throw new CostExceeded('budget');
    }
  }
}

/** Counts one evaluation. The evaluator adds to it at every operation. */
export class CostMeter {
  /** Of this evaluation so far. */
  used = 0;
  readonly limit: number;

  constructor(limit: number = PER_CALL_COST_LIMIT) {
    this.limit = limit;
  }

  spend(cost: number): void {
    this.used += cost;
    if (this.used > this.limit) {
      throw new CostExceeded('call');
    }
  }
}
