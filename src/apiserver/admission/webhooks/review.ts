/** AdmissionReview of admission.k8s.io: what webhooks are asked, and what their answers may say. */
import { randomUUID } from 'node:crypto';
import type { Json, KubeObject } from '../../../apimachinery/object.ts';
import { StatusError, type Status } from '../../../apimachinery/status.ts';
import { isObject } from '../../../apimachinery/values.ts';
import type { AdmissionRequest } from '../admission.ts';
import type { Match } from '../policy/match.ts';
import { requestFields } from '../policy/request.ts';

const GROUP = 'admission.k8s.io';
const VERSIONS = ['v1', 'v1beta1'];
/** Warnings and annotations taken from one answer. */
const MAX_WARNINGS = 100;
const MAX_ANNOTATIONS = 100;

/** The answer cannot be understood; the message follows `received invalid webhook response: `. */
export class ReviewError extends Error { override name = 'ReviewError'; }

export interface Review {
  readonly uid: string;
  readonly version: string;
  readonly body: unknown;
}

export interface Reviewed {
  readonly request: AdmissionRequest;
  readonly match: Match;
  readonly object: KubeObject | undefined;
  readonly old: KubeObject | undefined;
}

/** A review in the first version that the webhook and we both know. */
export function reviewOf({ request, match, object, old }: Reviewed, versions: readonly string[]): Review {
  const version = versions.find((one) => VERSIONS.includes(one)) ?? 'v1';
  const uid = randomUUID();
  return {
    uid, version,
    body: {
      kind: 'AdmissionReview', apiVersion: `${GROUP}/${version}`,
      request: { uid, ...requestFields(request, match), object: object ?? null, oldObject: old ?? null },
    },
  };
}

export interface Verdict {
  readonly allowed: boolean;
  /** Why not. */
  readonly result: Readonly<Record<string, unknown>> | undefined;
  /** JSON patch operations, not looked at yet. */
  readonly patch: Json | undefined;
  readonly warnings: readonly string[];
  readonly annotations: Readonly<Record<string, string>>;
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

function patchOf(response: Readonly<Record<string, unknown>>, version: string, mutating: boolean): Json | undefined {
  const patch = textOf(response['patch']);
  const type = textOf(response['patchType']);
  const strict = version === 'v1';
  if (patch === '' && type === '') {
    return undefined;
  }
  if (!mutating) {
    if (!strict) {
      return undefined;
    }
    throw new ReviewError(`webhook returned response.${patch === '' ? 'patchType' : 'patch'}, which is not allowed for validating webhooks`);
  }
  if (patch === '') {
    throw new ReviewError('webhook returned response.patchType but not response.patch');
  }
  if (strict && type === '') {
    throw new ReviewError('webhook returned response.patch but not response.patchType');
  }
  if (type !== '' && type !== 'JSONPatch') {
    throw new ReviewError(`unsupported patch type ${JSON.stringify(type)}`);
  }
  try {
    const operations: Json = JSON.parse(Buffer.from(patch, 'base64').toString('utf8'));
    return operations;
  } catch (error) {
    throw new ReviewError(`received undecodable patch in webhook response: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function textsOf(value: unknown): Record<string, string> {
  const entries = isObject(value) ? Object.entries(value).slice(0, MAX_ANNOTATIONS) : [];
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/** What an answer says. Throws ReviewError. */
export function verdictOf(answer: unknown, { uid, version }: Review, mutating: boolean): Verdict {
  const given = isObject(answer) ? answer : {};
  const wanted = `${GROUP}/${version}`;
  if (given['kind'] !== 'AdmissionReview' || given['apiVersion'] !== wanted) {
    throw new ReviewError(`expected webhook response of ${wanted}, Kind=AdmissionReview, got ${textOf(given['apiVersion'])}, Kind=${textOf(given['kind'])}`);
  }
  const response = given['response'];
  if (!isObject(response)) {
    throw new ReviewError('webhook response was absent');
  }
  if (version === 'v1' && response['uid'] !== uid) {
    throw new ReviewError(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(textOf(response['uid']))}`);
  }
  const { status, warnings } = response;
  return {
    allowed: response['allowed'] === true,
    result: isObject(status) ? status : undefined,
    patch: patchOf(response, version, mutating),
    warnings: Array.isArray(warnings) ? warnings.slice(0, MAX_WARNINGS).map(String) : [],
    annotations: textsOf(response['auditAnnotations']),
  };
}

/** Least code of a refusal, whatever the webhook says. */
const BAD_REQUEST = 400;

/** The Status a webhook's refusal is answered with. */
export function rejection(webhook: string, result: Verdict['result']): StatusError {
  const denied = `admission webhook ${JSON.stringify(webhook)} denied the request`;
  const message = textOf(result?.['message']);
  const reason = textOf(result?.['reason']);
  const code = result?.['code'];
  const details = result?.['details'];
  const status: Omit<Status, 'kind' | 'apiVersion' | 'metadata'> = {
    status: 'Failure', code: typeof code === 'number' && code >= BAD_REQUEST ? code : BAD_REQUEST,
    message: message !== '' ? `${denied}: ${message}` : reason !== '' ? `${denied}: ${reason}` : `${denied} without explanation`,
    ...(reason === '' ? {} : { reason }), ...(isObject(details) ? { details } : {}),
  };
  return new StatusError(status);
}
