/** Validating webhooks: all that match are asked at once, and the first refusal in order counts. */
import type { Log } from '../../../apimachinery/log.ts';
import type { StatusError } from '../../../apimachinery/status.ts';
import type { ValidatingWebhook } from '../../../kinds/generated/admissionregistration.ts';
import type { AnyKind } from '../../../kinds/kind.ts';
import { typed } from '../../../kinds/typed.ts';
import type { Authorizer } from '../../authz/authorizer.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { isAdmissionResource, type Match, type Matching } from '../policy/match.ts';
import { callWebhook, fatal } from './call.ts';
import type { WebhookClient } from './client.ts';
import { Hooks, matchOf, reviewedBy, type Hook } from './hooks.ts';
import type { Reviewed } from './review.ts';

const FAILED_OPEN = 'failed-open.validating.webhook.admission.k8s.io/round_0_index_';

export interface WebhookOptions extends Matching {
  readonly client: WebhookClient;
  readonly authorizer: Authorizer;
  readonly log: Log;
}

interface Call { readonly hook: Hook<ValidatingWebhook>; readonly match: Match }

export class ValidatingWebhooks implements AdmissionPlugin {
  readonly name = 'ValidatingAdmissionWebhook';
  readonly #options: WebhookOptions;
  readonly #hooks: Hooks<ValidatingWebhook>;

  constructor(options: WebhookOptions) {
    this.#options = options;
    this.#hooks = new Hooks(options, 'validatingwebhookconfigurations', (object) => typed('admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration', object));
  }

  committed(kind: AnyKind): void {
    this.#hooks.committed(kind);
  }

  validate(request: AdmissionRequest): void | Promise<void> {
    const hooks = this.#hooks.all();
    if (hooks.length === 0 || isAdmissionResource(request)) {
      return undefined;
    }
    const calls = hooks.flatMap((hook): Call[] => {
      const match = matchOf(this.#options, hook, request);
      return match === undefined ? [] : [{ hook, match }];
    });
    return calls.length === 0 ? undefined : this.#call(calls, request);
  }

  async #call(calls: readonly Call[], request: AdmissionRequest): Promise<void> {
    const { authorizer } = this.#options;
    const asked: { hook: Hook<ValidatingWebhook>; reviewed: Reviewed }[] = [];
    for (const { hook, match } of calls) {
      const reviewed = await reviewedBy(hook, match, request, authorizer);
      if (reviewed !== undefined) {
        asked.push({ hook, reviewed });
      }
    }
    const errors = await Promise.all(asked.map(({ hook, reviewed }, index) => this.#ask(hook, reviewed, index)));
    const first = errors.find((error) => error !== undefined);
    if (first !== undefined) {
      throw first;
    }
  }

  async #ask(hook: Hook<ValidatingWebhook>, reviewed: Reviewed, index: number): Promise<StatusError | undefined> {
    const { client, log } = this.#options;
    try {
      await callWebhook(client, hook, reviewed, false);
      return undefined;
    } catch (error) {
      return fatal(error, hook, log, () => reviewed.request.annotate(`${FAILED_OPEN}${index}`, hook.webhook.name));
    }
  }
}
