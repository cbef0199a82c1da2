/** The policy of a server: members of system:masters may do everything; then the node authorizer and RBAC are asked, in this order. */
import type { User } from '../types.ts';
import type { Attributes, Authorizer, Decision, Rules } from './authorizer.ts';
import { MASTERS } from './masters.ts';

const ALLOWED: Decision = { allowed: true, reason: '' };

/** The first that allows decides; a refusal tells what each has to say, as kube-apiserver's union does. */
export class UnionAuthorizer implements Authorizer {
  readonly #authorizers: readonly Authorizer[];

  constructor(authorizers: readonly Authorizer[]) {
    this.#authorizers = authorizers;
  }

  authorize(attributes: Attributes): Decision | Promise<Decision> {
    if (attributes.user.groups.includes(MASTERS)) {
      return ALLOWED;
    }
    return this.#ask(attributes, 0, '');
  }

  /** Asks the authorizers from the `at`-th on; `reasons` is what those before had to say. */
  #ask(attributes: Attributes, at: number, reasons: string): Decision | Promise<Decision> {
    const authorizer = this.#authorizers[at];
    if (authorizer === undefined) {
      return { allowed: false, reason: reasons };
    }
    const decision = authorizer.authorize(attributes);
    return decision instanceof Promise ? this.#settled(decision, attributes, at, reasons) : this.#after(decision, attributes, at, reasons);
  }

  async #settled(decision: Promise<Decision>, attributes: Attributes, at: number, reasons: string): Promise<Decision> {
    return this.#after(await decision, attributes, at, reasons);
  }

  #after(decision: Decision, attributes: Attributes, at: number, reasons: string): Decision | Promise<Decision> {
    const { allowed, reason } = decision;
    return allowed ? decision : this.#ask(attributes, at + 1, reason === '' || reasons === '' ? reasons + reason : `${reasons}\n${reason}`);
  }

  rulesFor(user: User, namespace: string): Rules {
    const all = this.#authorizers.map((authorizer) => authorizer.rulesFor(user, namespace));
    const errors = all.map(({ evaluationError }) => evaluationError ?? '').filter((error) => error !== '');
    return {
      resourceRules: all.flatMap(({ resourceRules }) => resourceRules), nonResourceRules: all.flatMap(({ nonResourceRules }) => nonResourceRules),
      incomplete: all.some(({ incomplete }) => incomplete), ...(errors.length === 0 ? {} : { evaluationError: errors.join(', ') }),
    };
  }
}
