/** Mutating webhooks: one after the other, each seeing what those before it made of the object. */
import type { Json, JsonObject, KubeObject } from '../../../apimachinery/object.ts';
import { applyJsonPatch } from '../../../apimachinery/patch/json.ts';
import { internalError, isStatusError } from '../../../apimachinery/status.ts';
import { deepEqual, isObject } from '../../../apimachinery/values.ts';
import type { MutatingWebhook } from '../../../kinds/generated/admissionregistration.ts';
import type { AnyKind } from '../../../kinds/kind.ts';
import { typed } from '../../../kinds/typed.ts';
import { asDocument } from '../../verbs/patch.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { isAdmissionResource, type Match } from '../policy/match.ts';
import { adopted } from '../policy/views.ts';
import { callWebhook, fatal } from './call.ts';
import { Hooks, matchOf, reviewedBy, type Hook } from './hooks.ts';
import type { Reviewed } from './review.ts';
import type { WebhookOptions } from './validating.ts';

const NOTE = 'MutatingAdmissionWebhook';
const MUTATION = 'mutation.webhook.admission.k8s.io/';

/** What the second pass must know of the first. */
interface Passed {
  /** Webhooks with reinvocationPolicy IfNeeded that were called. */
  readonly reinvocable: Set<string>;
  /** Those of them that another one's change came after. */
  readonly again: Set<string>;
  /** The object as the webhooks left it. */
  left: KubeObject | undefined;
}

/** The notes of the first pass are of this plugin's own making. */
function passedOf(request: AdmissionRequest): Passed {
  const known = request.notes.get(NOTE) as Passed | undefined;
  const passed = known ?? { reinvocable: new Set<string>(), again: new Set<string>(), left: undefined };
  request.notes.set(NOTE, passed);
  return passed;
}

/** Everybody who may be asked again will be. */
function demandAgain({ reinvocable, again }: Passed): void {
  for (const key of reinvocable) {
    again.add(key);
  }
  reinvocable.clear();
}

const isDocument = (value: Json): value is JsonObject => isObject(value);

/** The object with a webhook's patch; undefined when there is nothing to do. */
function patched(hook: Hook<MutatingWebhook>, object: KubeObject | undefined, patch: Json | undefined): JsonObject | undefined {
  if (patch === undefined || (Array.isArray(patch) && patch.length === 0)) {
    return undefined;
  }
  if (object === undefined) {
    throw internalError(`admission webhook ${JSON.stringify(hook.webhook.name)} attempted to modify the object, which is not supported for this operation`);
  }
  try {
    const result = applyJsonPatch(asDocument(object), patch);
    return isDocument(result) ? result : undefined;
  } catch (error) {
    // A patch that does not apply is the webhook's fault, not the client's.
    throw isStatusError(error) ? internalError(error.status.details?.causes?.[0]?.message ?? error.message) : error;
  }
}

export class MutatingWebhooks implements AdmissionPlugin {
  readonly name = NOTE;
  readonly #options: WebhookOptions;
  readonly #hooks: Hooks<MutatingWebhook>;

  constructor(options: WebhookOptions) {
    this.#options = options;
    this.#hooks = new Hooks(options, 'mutatingwebhookconfigurations', (object) => typed('admissionregistration.k8s.io/v1 MutatingWebhookConfiguration', object));
  }

  committed(kind: AnyKind): void {
    this.#hooks.committed(kind);
  }

  admit(request: AdmissionRequest): void | Promise<void> {
    const hooks = this.#hooks.all();
    return hooks.length === 0 || isAdmissionResource(request) ? undefined : this.#run(hooks, request);
  }

  async #run(hooks: readonly Hook<MutatingWebhook>[], request: AdmissionRequest): Promise<void> {
    const passed = passedOf(request);
    if (request.reinvoked && !deepEqual(passed.left, request.object)) {
      demandAgain(passed);
    }
    for (const [index, hook] of hooks.entries()) {
      const match = matchOf(this.#options, hook, request);
      const wanted = !request.reinvoked || passed.again.has(hook.key);
      if (match !== undefined && wanted) {
        await this.#invoke(hook, { match, index, passed }, request);
      }
    }
    passed.left = structuredClone(request.object);
  }

  async #invoke(hook: Hook<MutatingWebhook>, { match, index, passed }: { match: Match; index: number; passed: Passed }, request: AdmissionRequest): Promise<void> {
    const reviewed = await reviewedBy(hook, match, request, this.#options.authorizer);
    if (reviewed === undefined) {
      return;
    }
    const place = `round_${request.reinvoked ? 1 : 0}_index_${index}`;
    let mutated = false;
    try {
      mutated = await this.#ask(hook, reviewed);
    } catch (error) {
      const end = fatal(error, hook, this.#options.log, () => request.annotate(`failed-open.${MUTATION}${place}`, hook.webhook.name));
      if (end !== undefined) {
        throw end;
      }
    } finally {
      request.annotate(`${MUTATION}${place}`, JSON.stringify({ configuration: hook.configuration, webhook: hook.webhook.name, mutated }));
    }
    if (mutated) {
      demandAgain(passed);
      request.reinvoke();
    }
    if (hook.webhook.reinvocationPolicy === 'IfNeeded') {
      passed.reinvocable.add(hook.key);
    }
  }

  /** True when the webhook changed the object. */
  async #ask(hook: Hook<MutatingWebhook>, reviewed: Reviewed): Promise<boolean> {
    const { request, match, object } = reviewed;
    const verdict = await callWebhook(this.#options.client, hook, reviewed, true);
    const document = patched(hook, object, verdict.patch);
    if (document === undefined) {
      return false;
    }
    const changed = await adopted(this.#options.registry, request, match, document);
    if (deepEqual(changed, request.object)) {
      return false;
    }
    request.object = changed;
    return true;
  }
}
