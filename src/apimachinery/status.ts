/**
 * metav1.Status and the error that carries it. Reasons, codes and messages are Kubernetes'
 * own (k8s.io/apimachinery/pkg/api/errors), because clients branch on them.
 */

export interface StatusCause {
  reason?: string;
  message?: string;
  field?: string;
}

export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
}

export interface Status {
  kind: 'Status';
  apiVersion: 'v1';
  metadata: { resourceVersion?: string };
  status: 'Success' | 'Failure';
  message?: string;
  reason?: string;
  details?: StatusDetails;
  code?: number;
}

/** Reason → HTTP code: the one table both server and client read. */
export const REASON_CODES = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  Conflict: 409,
  AlreadyExists: 409,
  Gone: 410,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
  ServerTimeout: 500,
} as const;

export type Reason = keyof typeof REASON_CODES;

/** What is said of one resource in an error: `pods "web-0" not found`, `deployments.apps "x" is invalid`. */
export interface ResourceRef {
  group: string;
  /** The plural for most errors, the kind for Invalid (Kubernetes does the same). */
  resource: string;
  name?: string;
  uid?: string;
}

/** An error that is answered as the Status it holds. */
export class StatusError extends Error {
  readonly status: Status;

  constructor(status: Omit<Status, 'kind' | 'apiVersion' | 'metadata'> & { metadata?: Status['metadata'] }, options?: ErrorOptions) {
    super(status.message ?? status.reason ?? 'unknown error', options);
    this.name = 'StatusError';
    this.status = { kind: 'Status', apiVersion: 'v1', metadata: {}, ...status };
  }

  get code(): number {
    return this.status.code ?? 500;
  }

  get reason(): string {
    return this.status.reason ?? 'Unknown';
  }
}

export function isStatusError(error: unknown, reason?: Reason): error is StatusError {
  return error instanceof StatusError && (reason === undefined || error.reason === reason);
}

function detailsOf(ref: ResourceRef, extra: StatusDetails = {}): StatusDetails {
  return {
    ...(ref.name === undefined ? {} : { name: ref.name }),
    ...(ref.group === '' ? {} : { group: ref.group }),
    ...(ref.resource === '' ? {} : { kind: ref.resource }),
    ...(ref.uid === undefined ? {} : { uid: ref.uid }),
    ...extra,
  };
}

/** `pods` or `deployments.apps`. */
export function qualifiedResource(ref: ResourceRef): string {
  return ref.group === '' ? ref.resource : `${ref.resource}.${ref.group}`;
}

export function failure(reason: Reason, message: string, details?: StatusDetails): StatusError {
  return new StatusError({
    status: 'Failure',
    message,
    reason,
    ...(details === undefined ? {} : { details }),
    code: REASON_CODES[reason],
  });
}

export const badRequest = (message: string): StatusError => failure('BadRequest', message);
export const unauthorized = (message = 'Unauthorized'): StatusError => failure('Unauthorized', message);
export const methodNotAllowed = (message: string): StatusError => failure('MethodNotAllowed', message);
export const notAcceptable = (message: string): StatusError => failure('NotAcceptable', message);
export const unsupportedMediaType = (message: string): StatusError => failure('UnsupportedMediaType', message);
export const expired = (message: string): StatusError => failure('Expired', message);
export const tooLarge = (message: string): StatusError => failure('RequestEntityTooLarge', message);
export const internalError = (message: string): StatusError =>
  failure('InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });

export const notFound = (ref: ResourceRef): StatusError =>
  failure('NotFound', `${qualifiedResource(ref)} "${ref.name ?? ''}" not found`, detailsOf(ref));

export const alreadyExists = (ref: ResourceRef): StatusError =>
  failure('AlreadyExists', `${qualifiedResource(ref)} "${ref.name ?? ''}" already exists`, detailsOf(ref));

export const conflict = (ref: ResourceRef, why: string): StatusError =>
  failure('Conflict', `Operation cannot be fulfilled on ${qualifiedResource(ref)} "${ref.name ?? ''}": ${why}`, detailsOf(ref));

export const forbidden = (ref: ResourceRef, why: string): StatusError =>
  failure(
    'Forbidden',
    ref.resource === ''
      ? `forbidden: ${why}`
      : `${qualifiedResource(ref)}${ref.name === undefined || ref.name === '' ? '' : ` "${ref.name}"`} is forbidden: ${why}`,
    detailsOf(ref),
  );

export const timeout = (message: string, retryAfterSeconds: number, causes?: StatusCause[]): StatusError =>
  failure('Timeout', message, { retryAfterSeconds, ...(causes === undefined ? {} : { causes }) });

/** One thing wrong with one field, worded as k8s.io/apimachinery/pkg/util/validation/field words it. */
export interface FieldError {
  type:
    | 'FieldValueRequired'
    | 'FieldValueInvalid'
    | 'FieldValueNotSupported'
    | 'FieldValueDuplicate'
    | 'FieldValueForbidden'
    | 'FieldValueNotFound'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
    | 'FieldValueTypeInvalid';
  field: string;
  /** Complete text after `field: `, e.g. `Required value: must be set`. */
  detail: string;
}

const shown = (value: unknown): string =>
  value === undefined || value === null ? 'null' : JSON.stringify(value);

export const fieldError = {
  required: (field: string, why = ''): FieldError => ({
    type: 'FieldValueRequired', field, detail: `Required value${why === '' ? '' : `: ${why}`}`,
  }),
  invalid: (field: string, value: unknown, why: string): FieldError => ({
    type: 'FieldValueInvalid', field, detail: `Invalid value: ${shown(value)}${why === '' ? '' : `: ${why}`}`,
  }),
  notSupported: (field: string, value: unknown, supported: readonly string[]): FieldError => ({
    type: 'FieldValueNotSupported', field,
    detail: `Unsupported value: ${shown(value)}${supported.length === 0 ? '' : `: supported values: ${supported.map((one) => JSON.stringify(one)).join(', ')}`}`,
  }),
  duplicate: (field: string, value: unknown): FieldError => ({
    type: 'FieldValueDuplicate', field, detail: `Duplicate value: ${shown(value)}`,
  }),
  forbidden: (field: string, why: string): FieldError => ({
    type: 'FieldValueForbidden', field, detail: `Forbidden: ${why}`,
  }),
  notFound: (field: string, value: unknown): FieldError => ({
    type: 'FieldValueNotFound', field, detail: `Not found: ${shown(value)}`,
  }),
  tooLong: (field: string, maxLength: number): FieldError => ({
    type: 'FieldValueTooLong', field, detail: `Too long: may not be more than ${maxLength} bytes`,
  }),
  tooMany: (field: string, actual: number, max: number): FieldError => ({
    type: 'FieldValueTooMany', field, detail: `Too many: ${actual}: must have at most ${max} items`,
  }),
  typeInvalid: (field: string, value: unknown, why: string): FieldError => ({
    type: 'FieldValueTypeInvalid', field, detail: `Invalid value: ${shown(value)}: ${why}`,
  }),
};

/** 422 for an object that fails validation; `ref.resource` is the kind. */
export function invalid(ref: ResourceRef, errors: readonly FieldError[]): StatusError {
  const texts = errors.map((error) => `${error.field}: ${error.detail}`);
  const list = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  return failure('Invalid', `${qualifiedResource(ref)} "${ref.name ?? ''}" is invalid: ${list ?? ''}`,
    detailsOf(ref, { causes: errors.map((error) => ({ reason: error.type, message: error.detail, field: error.field })) }));
}
