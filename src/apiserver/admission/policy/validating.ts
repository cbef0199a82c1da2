/** ValidatingAdmissionPolicy: expressions that refuse, warn or annotate. */
import { CostExceeded, typeNameOf } from '../../../apimachinery/cel/index.ts';
import type { KubeObject } from '../../../apimachinery/object.ts';
import { forbidden, type StatusError } from '../../../apimachinery/status.ts';
import type { Validation, ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding } from '../../../kinds/generated/admissionregistration.ts';
import type { AnyKind } from '../../../kinds/kind.ts';
import { typed } from '../../../kinds/typed.ts';
import type { Authorizer } from '../../authz/authorizer.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { Access, whenAnswered } from './access.ts';
import { Catalogue, type Hook } from './catalogue.ts';
import {
  compileConditions, compiled, compileVariables, conditionsMatch, Evaluation, type Compiled, type CompiledVariable, type Condition, type Outcome, type Subject,
} from './expressions.ts';
import { isPolicyResource, matchingHooks, matchResources, namespaceOf, type Match, type Matching } from './match.ts';
import { paramsOf, ParamsError } from './params.ts';
import { shown } from './views.ts';

/** Bytes of a message that an expression makes; longer ones are passed over. */
const MAX_MESSAGE_BYTES = 5 * 1024;
/** Characters of an audit annotation; the rest is cut off. */
const MAX_ANNOTATION_CHARS = 10 * 1024;
const FAILURE_KEY = 'validation.policy.admission.k8s.io/validation_failure';
const REASON_CODES: Readonly<Record<string, number>> = { Unauthorized: 401, Forbidden: 403, RequestEntityTooLarge: 413 };
const INVALID_CODE = 422;

interface Check { readonly validation: Validation; readonly expression: Compiled; readonly message: Compiled | undefined }

interface Program {
  readonly variables: readonly CompiledVariable[];
  readonly conditions: readonly Condition[];
  readonly checks: readonly Check[];
  readonly annotations: readonly { readonly key: string; readonly value: Compiled }[];
}

type PolicyHook = Hook<ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, Program>;

function compilePolicy({ spec }: ValidatingAdmissionPolicy): Program {
  const params = spec?.paramKind !== undefined;
  const { variables, scope } = compileVariables(spec?.variables ?? [], params);
  return {
    variables, conditions: compileConditions(spec?.matchConditions, { params }),
    checks: (spec?.validations ?? []).map((validation) => ({
      validation, expression: compiled(validation.expression, 'validation', scope),
      message: validation.messageExpression === undefined || validation.messageExpression === '' ? undefined : compiled(validation.messageExpression, 'message', scope),
    })),
    annotations: (spec?.auditAnnotations ?? []).map(({ key, valueExpression }) => ({ key, value: compiled(valueExpression, 'auditAnnotation', scope) })),
  };
}

/** What one validation says. */
interface Decision { readonly index: number; readonly denied: boolean; readonly message: string; readonly reason: string | undefined }
/** What an audit annotation comes to; with `error` the request is refused whatever the binding's actions. */
interface Annotation { readonly key: string; readonly value?: string; readonly error?: string }
interface Findings { readonly decisions: readonly Decision[]; readonly annotations: readonly Annotation[] }

const NOTHING: Findings = { decisions: [], annotations: [] };

const failing = (policy: ValidatingAdmissionPolicy): boolean => policy.spec?.failurePolicy !== 'Ignore';
const failed = (policy: ValidatingAdmissionPolicy, message: string, index = 0): Decision => ({ index, denied: failing(policy), message, reason: undefined });

/** The text of a message expression, when it gives one that can be shown on a line. */
function messageText(outcome: Outcome | undefined): string {
  const text = outcome?.error === undefined && typeof outcome?.value === 'string' ? outcome.value.trim() : '';
  return Buffer.byteLength(text) > MAX_MESSAGE_BYTES || text.includes('\n') ? '' : text;
}

function decide(policy: ValidatingAdmissionPolicy, check: Check, index: number, evaluation: Evaluation): Decision {
  const { validation, expression } = check;
  const outcome = evaluation.evaluate(expression);
  if (outcome.error !== undefined) {
    return failed(policy, outcome.error, index);
  }
  if (outcome.value === true) {
    return { index, denied: false, message: '', reason: undefined };
  }
  const message = messageText(check.message === undefined ? undefined : evaluation.evaluate(check.message))
    || (validation.message ?? '').trim() || `failed expression: ${validation.expression.trim()}`;
  return { index, denied: true, message, reason: validation.reason ?? 'Invalid' };
}

function annotation(policy: ValidatingAdmissionPolicy, key: string, value: Compiled, evaluation: Evaluation): Annotation {
  const outcome = evaluation.evaluate(value);
  const error = (message: string): Annotation => (failing(policy) ? { key, error: message } : { key });
  if (outcome.error !== undefined) {
    return error(outcome.error);
  }
  if (typeof outcome.value !== 'string') {
    return outcome.value === null ? { key }
      : { key, error: `valueExpression '${value.source}' resulted in unsupported return type: ${typeNameOf(outcome.value)}. Return type must be either string or null.` };
  }
  const text = outcome.value.trim();
  return text === '' ? { key } : { key, value: text };
}

/** What a policy says of a request with one parameter. Free of side effects. */
function examine(policy: ValidatingAdmissionPolicy, program: Program, subject: Subject): Findings {
  const evaluation = new Evaluation({ ...subject, variables: program.variables });
  const conditions = conditionsMatch(program.conditions, evaluation, policy.spec?.failurePolicy ?? 'Fail');
  if (conditions.error !== undefined) {
    return { decisions: [failed(policy, conditions.error)], annotations: [] };
  }
  if (!conditions.matches) {
    return NOTHING;
  }
  try {
    const decisions = program.checks.map((check, index) => decide(policy, check, index, evaluation));
    evaluation.refill();
    return { decisions, annotations: program.annotations.map(({ key, value }) => annotation(policy, key, value, evaluation)) };
  } catch (error) {
    if (error instanceof CostExceeded) {
      return { decisions: [failed(policy, error.message)], annotations: [] };
    }
    throw error;
  }
}

interface Denial { readonly message: string; readonly reason: string }

function refusal(request: AdmissionRequest, { message, reason }: Denial): StatusError {
  const error = forbidden({ group: request.kind.group, resource: request.kind.plural, name: request.name }, message);
  error.status.reason = reason;
  error.status.code = REASON_CODES[reason] ?? INVALID_CODE;
  error.status.details = { ...error.status.details, causes: [{ message }] };
  return error;
}

const asPolicy = (object: KubeObject): ValidatingAdmissionPolicy => typed('admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy', object);
const asBinding = (object: KubeObject): ValidatingAdmissionPolicyBinding => typed('admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding', object);

/** One request's way through the policies: what they said is collected, then acted upon. */
class Round {
  readonly #matching: Matching;
  readonly #request: AdmissionRequest;
  readonly #access: Access;
  readonly #denials: Denial[] = [];

  constructor(matching: Matching, request: AdmissionRequest, authorizer: Authorizer) {
    this.#matching = matching;
    this.#request = request;
    this.#access = new Access(authorizer, request.user);
  }

  get denial(): Denial | undefined {
    return this.#denials[0];
  }

  async policy(hook: PolicyHook, match: Match): Promise<void> {
    const { policy, bindings } = hook;
    const annotations = new Map<string, Set<string>>();
    for (const binding of bindings) {
      if (matchResources(this.#matching, binding.spec.matchResources, this.#request) !== undefined) {
        await this.#binding(hook, binding, match, annotations);
      }
    }
    for (const [key, values] of annotations) {
      this.#request.annotate(`${policy.metadata.name}/${key}`, [...values].join(', '));
    }
  }

  #deny(policy: ValidatingAdmissionPolicy, binding: ValidatingAdmissionPolicyBinding, message: string, reason: string | undefined): void {
    const by = `ValidatingAdmissionPolicy '${policy.metadata.name}' with binding '${binding.metadata.name}'`;
    this.#denials.push({ message: `${by} denied request: ${message}`, reason: reason ?? 'Invalid' });
  }

  async #binding({ policy, program }: PolicyHook, binding: ValidatingAdmissionPolicyBinding, match: Match, annotations: Map<string, Set<string>>): Promise<void> {
    const request = this.#request;
    let params: readonly (KubeObject | undefined)[];
    try {
      params = paramsOf(this.#matching, policy.spec?.paramKind, binding.spec.paramRef, request.namespace);
    } catch (error) {
      if (!(error instanceof ParamsError)) {
        throw error;
      }
      if (failing(policy)) {
        this.#deny(policy, binding, `failed to configure binding: ${error.message}`, undefined);
      }
      return;
    }
    const namespace = namespaceOf(this.#matching, request);
    const [object, old] = [await shown(request, request.object, match), await shown(request, request.old, match)];
    for (const one of params) {
      const subject: Subject = { request, match, object, old, params: one, namespace, access: this.#access };
      this.#act(policy, binding, await whenAnswered(() => examine(policy, program, subject)), annotations);
    }
  }

  #act(policy: ValidatingAdmissionPolicy, binding: ValidatingAdmissionPolicyBinding, findings: Findings, annotations: Map<string, Set<string>>): void {
    const actions = binding.spec.validationActions ?? [];
    for (const decision of findings.decisions.filter(({ denied }) => denied)) {
      for (const action of actions) {
        this.#take(action, policy, binding, decision);
      }
    }
    for (const { key, value, error } of findings.annotations) {
      if (error !== undefined) {
        this.#deny(policy, binding, error, undefined);
      } else if (value !== undefined) {
        annotations.set(key, (annotations.get(key) ?? new Set<string>()).add(value.slice(0, MAX_ANNOTATION_CHARS)));
      }
    }
  }

  #take(action: string, policy: ValidatingAdmissionPolicy, binding: ValidatingAdmissionPolicyBinding, decision: Decision): void {
    const { message, index } = decision;
    switch (action) {
      case 'Deny': this.#deny(policy, binding, message, decision.reason); break;
      case 'Warn':
        this.#request.warnings.push(`Validation failed for ValidatingAdmissionPolicy '${policy.metadata.name}' with binding '${binding.metadata.name}': ${message}`);
        break;
      default:
        this.#request.annotate(FAILURE_KEY, JSON.stringify([{
          message, policy: policy.metadata.name, binding: binding.metadata.name, expressionIndex: index, validationActions: binding.spec.validationActions,
        }]));
    }
  }
}

export class ValidatingPolicies implements AdmissionPlugin {
  readonly name = 'ValidatingAdmissionPolicy';
  readonly #matching: Matching;
  readonly #authorizer: Authorizer;
  readonly #catalogue: Catalogue<ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, Program>;

  constructor(matching: Matching, authorizer: Authorizer) {
    this.#matching = matching;
    this.#authorizer = authorizer;
    this.#catalogue = new Catalogue(matching, {
      plurals: ['validatingadmissionpolicies', 'validatingadmissionpolicybindings'], asPolicy, asBinding,
      policyNameOf: ({ spec }) => spec.policyName, compile: compilePolicy,
    });
  }

  committed(kind: AnyKind): void {
    this.#catalogue.committed(kind);
  }

  validate(request: AdmissionRequest): void | Promise<void> {
    const hooks = this.#catalogue.hooks();
    if (hooks.length === 0 || isPolicyResource(request)) {
      return undefined;
    }
    const matched = matchingHooks(this.#matching, hooks, request, ({ policy }) => policy.spec?.matchConstraints);
    return matched.length === 0 ? undefined : this.#examine(matched, request);
  }

  async #examine(matched: readonly { hook: PolicyHook; match: Match }[], request: AdmissionRequest): Promise<void> {
    const round = new Round(this.#matching, request, this.#authorizer);
    for (const { hook, match } of matched) {
      await round.policy(hook, match);
    }
    if (round.denial !== undefined) {
      throw refusal(request, round.denial);
    }
  }
}
