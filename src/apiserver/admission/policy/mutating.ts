/** MutatingAdmissionPolicy: expressions that change what is written. */
import { CelEvaluationError, CostExceeded } from '../../../apimachinery/cel/index.ts';
import type { KubeObject } from '../../../apimachinery/object.ts';
import { forbidden, internalError, isStatusError, type StatusError } from '../../../apimachinery/status.ts';
import { deepEqual } from '../../../apimachinery/values.ts';
import type { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, Mutation } from '../../../kinds/generated/admissionregistration.ts';
import type { AnyKind } from '../../../kinds/kind.ts';
import { typed } from '../../../kinds/typed.ts';
import type { Authorizer } from '../../authz/authorizer.ts';
import { asDocument } from '../../verbs/patch.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { Access, whenAnswered } from './access.ts';
import { Catalogue, type Hook } from './catalogue.ts';
import { compileConditions, compiled, compileVariables, conditionsMatch, Evaluation, type Compiled, type CompiledVariable, type Condition, type Subject } from './expressions.ts';
import { isPolicyResource, matchingHooks, matchResources, namespaceOf, type Match, type Matching } from './match.ts';
import { applyConfiguration, applyPatches, MutationError } from './mutations.ts';
import { paramsOf, ParamsError } from './params.ts';
import { shapeOf } from './settle.ts';
import { adopted, shown, shownKind } from './views.ts';

interface Change { readonly type: Mutation['patchType']; readonly expression: Compiled }

interface Program {
  readonly variables: readonly CompiledVariable[];
  readonly conditions: readonly Condition[];
  readonly changes: readonly Change[];
}

type PolicyHook = Hook<MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, Program>;

function compilePolicy({ spec }: MutatingAdmissionPolicy): Program {
  const params = spec.paramKind !== undefined;
  const { variables, scope } = compileVariables(spec.variables ?? [], params);
  return {
    variables, conditions: compileConditions(spec.matchConditions, { params }),
    changes: (spec.mutations ?? []).map(({ patchType, applyConfiguration: configuration, jsonPatch }) => (patchType === 'JSONPatch'
      ? { type: patchType, expression: compiled(jsonPatch?.expression ?? '', 'jsonPatch', scope) }
      : { type: patchType, expression: compiled(configuration?.expression ?? '', 'applyConfiguration', scope) })),
  };
}

/** A mutation with what it is evaluated against. */
interface Step {
  readonly change: Change;
  readonly match: Match;
  readonly params: KubeObject | undefined;
  readonly variables: readonly CompiledVariable[];
}

/** What went wrong with a policy, to be acted upon by its failure policy. */
interface Failure { readonly message: string; readonly reason: string }

function refusal(request: AdmissionRequest, failures: readonly Failure[]): StatusError {
  const [first = { message: '', reason: '' }] = failures;
  const error = forbidden({ group: request.kind.group, resource: request.kind.plural, name: request.name }, 'admission request denied by policy');
  error.status.message = first.message;
  error.status.reason = first.reason === '' ? 'Forbidden' : first.reason;
  error.status.details = { ...error.status.details, causes: failures.map(({ message }) => ({ message })) };
  return error;
}

/** What the second pass must know of the first. */
interface Passed {
  /** Policies with reinvocationPolicy IfNeeded that have run, by policy, binding and parameter. */
  readonly reinvocable: Set<string>;
  /** Those of them that another one's change came after. */
  readonly again: Set<string>;
  /** The object as this plugin left it. */
  left: KubeObject | undefined;
}

const asPolicy = (object: KubeObject): MutatingAdmissionPolicy => typed('admissionregistration.k8s.io/v1 MutatingAdmissionPolicy', object);
const asBinding = (object: KubeObject): MutatingAdmissionPolicyBinding => typed('admissionregistration.k8s.io/v1 MutatingAdmissionPolicyBinding', object);

class Round {
  readonly failures: Failure[] = [];
  readonly #matching: Matching;
  readonly #request: AdmissionRequest;
  readonly #access: Access;
  readonly #passed: Passed;

  constructor(matching: Matching, request: AdmissionRequest, authorizer: Authorizer) {
    this.#matching = matching;
    this.#request = request;
    this.#access = new Access(authorizer, request.user);
    this.#passed = passedOf(request);
    if (request.reinvoked && !deepEqual(this.#passed.left, request.object)) {
      this.#demandAgain();
    }
  }

  /** Everybody who may be asked again will be: the object is no longer what they saw. */
  #demandAgain(): void {
    for (const key of this.#passed.reinvocable) {
      this.#passed.again.add(key);
    }
    this.#passed.reinvocable.clear();
  }

  finish(): void {
    this.#passed.left = structuredClone(this.#request.object);
  }

  #fail(policy: MutatingAdmissionPolicy, binding: MutatingAdmissionPolicyBinding, message: string, reason: string): void {
    if (policy.spec.failurePolicy !== 'Ignore') {
      const by = `policy '${policy.metadata.name}' with binding '${binding.metadata.name}'`;
      this.failures.push({ message: `${by} denied request: ${message}`, reason });
    }
  }

  async policy(hook: PolicyHook, match: Match): Promise<void> {
    for (const binding of hook.bindings) {
      if (matchResources(this.#matching, binding.spec.matchResources, this.#request) !== undefined) {
        await this.#binding(hook, binding, match);
      }
    }
  }

  async #binding(hook: PolicyHook, binding: MutatingAdmissionPolicyBinding, match: Match): Promise<void> {
    const { policy } = hook;
    let params: readonly (KubeObject | undefined)[];
    try {
      params = paramsOf(this.#matching, policy.spec.paramKind, binding.spec.paramRef, this.#request.namespace);
    } catch (error) {
      if (!(error instanceof ParamsError)) {
        throw error;
      }
      this.#fail(policy, binding, `failed to configure binding: ${error.message}`, '');
      return;
    }
    for (const one of params) {
      const key = [policy.metadata.name, binding.metadata.name, one?.metadata.namespace ?? '', one?.metadata.name ?? ''].join('/');
      if (!this.#request.reinvoked || this.#passed.again.has(key)) {
        await this.#invoke(hook, binding, { match, params: one, key });
      }
    }
  }

  async #subject(match: Match, params: KubeObject | undefined): Promise<Subject> {
    const request = this.#request;
    return {
      request, match, params, access: this.#access, namespace: namespaceOf(this.#matching, request),
      object: await shown(request, request.object, match), old: await shown(request, request.old, match),
    };
  }

  async #invoke({ policy, program }: PolicyHook, binding: MutatingAdmissionPolicyBinding, { match, params, key }: { match: Match; params: KubeObject | undefined; key: string }): Promise<void> {
    const subject = await this.#subject(match, params);
    const conditions = await whenAnswered(() => conditionsMatch(program.conditions, new Evaluation(subject), policy.spec.failurePolicy ?? 'Fail'));
    if (conditions.error !== undefined) {
      this.#fail(policy, binding, conditions.error, 'Invalid');
    }
    if (!conditions.matches) {
      return;
    }
    const before = this.#request.object;
    for (const change of program.changes) {
      await this.#change(policy, binding, { change, match, params, variables: program.variables });
    }
    if (this.#request.object !== before && !deepEqual(before, this.#request.object)) {
      this.#demandAgain();
      this.#request.reinvoke();
    }
    if (policy.spec.reinvocationPolicy === 'IfNeeded') {
      this.#passed.reinvocable.add(key);
    }
  }

  /** One mutation, which sees what those before it did. */
  async #change(policy: MutatingAdmissionPolicy, binding: MutatingAdmissionPolicyBinding, step: Step): Promise<void> {
    const request = this.#request;
    if (request.object === undefined) {
      return;
    }
    const subject = { ...await this.#subject(step.match, step.params), variables: step.variables };
    try {
      const outcome = await whenAnswered(() => new Evaluation(subject).evaluate(step.change.expression));
      if (outcome.error !== undefined) {
        this.#fail(policy, binding, outcome.error, 'Invalid');
        return;
      }
      await this.#adopt(step, subject, (document, kind) => {
        if (step.change.type === 'JSONPatch') {
          return applyPatches(document, outcome.value);
        }
        const shape = shapeOf(this.#matching.registry, request, kind, shownKind(request));
        if (shape === undefined) {
          throw new MutationError(`Resource kind ${request.objectKind.kind} not found.`);
        }
        return applyConfiguration(document, outcome.value, shape);
      });
    } catch (error) {
      if (isStatusError(error) || !(error instanceof MutationError || error instanceof CelEvaluationError || error instanceof CostExceeded)) {
        throw error;
      }
      this.#fail(policy, binding, error.message, 'Invalid');
    }
  }

  /** Changes the object in the version that was matched and takes it over in the request's own. */
  async #adopt({ match }: { match: Match }, subject: Subject, change: (document: ReturnType<typeof asDocument>, kind: AnyKind) => ReturnType<typeof asDocument>): Promise<void> {
    const request = this.#request;
    const kind = match.convertTo ?? request.kind;
    if (subject.object === undefined) {
      throw internalError('the object cannot be converted');
    }
    const document = asDocument(subject.object);
    const changed = change(document, kind);
    if (changed === document) {
      return;
    }
    request.object = await adopted(this.#matching.registry, request, match, changed);
  }
}

const NOTE = 'MutatingAdmissionPolicy';

/** The notes of the first pass are of this plugin's own making. */
function passedOf(request: AdmissionRequest): Passed {
  const known = request.notes.get(NOTE) as Passed | undefined;
  const passed = known ?? { reinvocable: new Set<string>(), again: new Set<string>(), left: undefined };
  request.notes.set(NOTE, passed);
  return passed;
}

export class MutatingPolicies implements AdmissionPlugin {
  readonly name = NOTE;
  readonly #matching: Matching;
  readonly #authorizer: Authorizer;
  readonly #catalogue: Catalogue<MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, Program>;

  constructor(matching: Matching, authorizer: Authorizer) {
    this.#matching = matching;
    this.#authorizer = authorizer;
    this.#catalogue = new Catalogue(matching, {
      plurals: ['mutatingadmissionpolicies', 'mutatingadmissionpolicybindings'], asPolicy, asBinding,
      policyNameOf: ({ spec }) => spec.policyName, compile: compilePolicy,
    });
  }

  committed(kind: AnyKind): void {
    this.#catalogue.committed(kind);
  }

  admit(request: AdmissionRequest): void | Promise<void> {
    const hooks = this.#catalogue.hooks();
    if (hooks.length === 0 || isPolicyResource(request) || request.object === undefined) {
      return undefined;
    }
    const matched = matchingHooks(this.#matching, hooks, request, ({ policy }) => policy.spec.matchConstraints);
    return matched.length === 0 ? undefined : this.#mutate(matched, request);
  }

  async #mutate(matched: readonly { hook: PolicyHook; match: Match }[], request: AdmissionRequest): Promise<void> {
    const round = new Round(this.#matching, request, this.#authorizer);
    for (const { hook, match } of matched) {
      await round.policy(hook, match);
    }
    round.finish();
    if (round.failures.length > 0) {
      throw refusal(request, round.failures);
    }
  }
}
