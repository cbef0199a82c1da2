/** One call of a webhook: dry run, review, verdict, and what becomes of warnings and annotations. */
import type { Log } from '../../../apimachinery/log.ts';
import { badRequest, internalError, isStatusError, type StatusError } from '../../../apimachinery/status.ts';
import type { MutatingWebhook, ValidatingWebhook } from '../../../kinds/generated/admissionregistration.ts';
import { WebhookCallError, type WebhookClient } from './client.ts';
import type { Hook } from './hooks.ts';
import { rejection, ReviewError, reviewOf, verdictOf, type Reviewed, type Verdict } from './review.ts';

/** A webhook without a timeout of its own; the API server fills this in when it stores one. */
const DEFAULT_TIMEOUT_SECONDS = 10;
const DRY_RUN_SAFE: ReadonlySet<string> = new Set(['None', 'NoneOnDryRun']);

type Webhook = ValidatingWebhook | MutatingWebhook;

/** The webhook could not be asked, or its answer not be understood: its failure policy decides what that means. */
export class CallFailure extends Error {
  override name = 'CallFailure';
  constructor(webhook: string, reason: string, options?: ErrorOptions) {
    super(`failed calling webhook ${JSON.stringify(webhook)}: ${reason}`, options);
  }
}

async function ask(client: WebhookClient, webhook: Webhook, reviewed: Reviewed, mutating: boolean): Promise<Verdict> {
  const review = reviewOf(reviewed, webhook.admissionReviewVersions);
  try {
    const answer = await client.post(webhook.clientConfig, review.body, webhook.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS);
    return verdictOf(answer, review, mutating);
  } catch (error) {
    if (error instanceof WebhookCallError) {
      throw new CallFailure(webhook.name, `failed to call webhook: ${error.message}`, { cause: error });
    }
    if (error instanceof ReviewError) {
      throw new CallFailure(webhook.name, `received invalid webhook response: ${error.message}`, { cause: error });
    }
    throw error;
  }
}

/** What the webhook says of the request, annotated and warned. Throws CallFailure, and Status errors where it refuses or cannot take dry runs. */
export async function callWebhook<W extends Webhook>(client: WebhookClient, { webhook }: Hook<W>, reviewed: Reviewed, mutating: boolean): Promise<Verdict> {
  const { request } = reviewed;
  if (request.dryRun && !DRY_RUN_SAFE.has(webhook.sideEffects)) {
    throw badRequest(`admission webhook ${JSON.stringify(webhook.name)} does not support dry run`);
  }
  const verdict = await ask(client, webhook, reviewed, mutating);
  for (const [key, value] of Object.entries(verdict.annotations)) {
    request.annotate(`${webhook.name}/${key}`, value);
  }
  request.warnings.push(...verdict.warnings);
  if (!verdict.allowed) {
    throw rejection(webhook.name, verdict.result);
  }
  return verdict;
}

/** An error that ends the request; undefined when the webhook is one whose failures are passed over, which the log and the audit event tell. */
export function fatal(error: unknown, { webhook }: Hook<Webhook>, log: Log, failedOpen: () => void): StatusError | undefined {
  if (isStatusError(error)) {
    return error;
  }
  if (!(error instanceof CallFailure)) {
    throw error;
  }
  if (webhook.failurePolicy === 'Ignore') {
    log.warn({ webhook: webhook.name, error: error.message }, 'a webhook failed and is passed over, as its failurePolicy says');
    failedOpen();
    return undefined;
  }
  return internalError(error.message);
}
