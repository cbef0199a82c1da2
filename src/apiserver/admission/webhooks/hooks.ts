/** The webhooks there are, and whether one is to be called for a request. */
import type { KubeObject } from '../../../apimachinery/object.ts';
import { forbidden } from '../../../apimachinery/status.ts';
import type { MutatingWebhook, ValidatingWebhook } from '../../../kinds/generated/admissionregistration.ts';
import type { AnyKind } from '../../../kinds/kind.ts';
import type { Authorizer } from '../../authz/authorizer.ts';
import type { AdmissionRequest } from '../admission.ts';
import { Access, whenAnswered } from '../policy/access.ts';
import { compileConditions, conditionsMatch, Evaluation, type Condition } from '../policy/expressions.ts';
import { concernsAdmission, matchWebhookRules, selectorsMatch, type Match, type Matching } from '../policy/match.ts';
import { shown } from '../policy/views.ts';
import type { Reviewed } from './review.ts';

export interface Hook<Webhook> {
  readonly webhook: Webhook;
  readonly configuration: string;
  /** Among the webhooks of its configuration. */
  readonly index: number;
  /** Tells webhooks apart, also between passes. */
  readonly key: string;
  readonly conditions: readonly Condition[];
}

interface Configuration<Webhook> { readonly metadata: KubeObject['metadata']; readonly webhooks?: readonly Webhook[] }

/** Webhooks in the order they are called in: by the name of the configuration, then as it lists them. Read again when a configuration changed. */
export class Hooks<Webhook extends ValidatingWebhook | MutatingWebhook> {
  readonly #matching: Matching;
  readonly #plural: string;
  readonly #read: (object: KubeObject) => Configuration<Webhook>;
  #stale = true;
  #hooks: readonly Hook<Webhook>[] = [];

  constructor(matching: Matching, plural: string, read: (object: KubeObject) => Configuration<Webhook>) {
    this.#matching = matching;
    this.#plural = plural;
    this.#read = read;
  }

  committed(kind: AnyKind): void {
    if (!this.#stale && concernsAdmission(kind, [this.#plural])) {
      this.#stale = true;
    }
  }

  all(): readonly Hook<Webhook>[] {
    if (this.#stale) {
      const configurations = this.#matching.lookup.list(['admissionregistration.k8s.io', 'v1', this.#plural]).map(this.#read);
      this.#hooks = configurations.flatMap(({ metadata: { name }, webhooks = [] }) => webhooks.map((webhook, index) => ({
        webhook, index, configuration: name, key: `${name}/${webhook.name}/${index}`, conditions: compileConditions(webhook.matchConditions, { params: false }),
      })));
      this.#stale = false;
    }
    return this.#hooks;
  }
}

/** How the webhook matches by its rules and selectors; undefined when it does not. */
export function matchOf<Webhook extends ValidatingWebhook | MutatingWebhook>(matching: Matching, { webhook }: Hook<Webhook>, request: AdmissionRequest): Match | undefined {
  const match = matchWebhookRules(matching, webhook, request);
  return match !== undefined && selectorsMatch(matching, webhook, request) ? match : undefined;
}

/** What the webhook is to be shown; undefined when its match conditions say that it is not concerned. Throws Forbidden when they fail. */
export async function reviewedBy<Webhook extends ValidatingWebhook | MutatingWebhook>(
  hook: Hook<Webhook>, match: Match, request: AdmissionRequest, authorizer: Authorizer,
): Promise<Reviewed | undefined> {
  const { kind } = request;
  const [object, old] = [await shown(request, request.object, match), await shown(request, request.old, match)];
  const reviewed: Reviewed = { request, match, object, old };
  if (hook.conditions.length === 0) {
    return reviewed;
  }
  const access = new Access(authorizer, request.user);
  const { matches, error } = await whenAnswered(() => conditionsMatch(hook.conditions, new Evaluation({ ...reviewed, access }), hook.webhook.failurePolicy ?? 'Fail'));
  if (error !== undefined) {
    throw forbidden({ group: kind.group, resource: kind.plural, name: request.name }, error);
  }
  return matches ? reviewed : undefined;
}
