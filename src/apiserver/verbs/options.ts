/** Options of writes: from the query and, for deletes, the body. */
import { badRequest, fieldError, invalid, type FieldError, type StatusError } from '../../apimachinery/status.ts';
import type { JsonObject } from '../../apimachinery/object.ts';
import { isObject } from '../../apimachinery/values.ts';
import { Pace } from '../pace.ts';
import type { Call } from '../types.ts';
import { APPLY_PATCH, mediaTypeOf } from './mediatype.ts';
import type { DeleteOptions } from './deletes.ts';
import { fieldManagerErrors, updaterOf } from './fieldmanager.ts';
import { isBig } from './parsedbody.ts';
import type { WriteContext } from './writes.ts';

export type FieldValidation = 'ignore' | 'warn' | 'strict';

const FIELD_VALIDATION: Readonly<Record<string, FieldValidation>> = { '': 'warn', Ignore: 'ignore', Warn: 'warn', Strict: 'strict' };
const POLICIES = ['Foreground', 'Background', 'Orphan'] as const;

const invalidOptions = (kind: string, errors: readonly FieldError[]): StatusError =>
  invalid({ group: 'meta.k8s.io', resource: kind, name: '' }, errors);

function checkDryRun(kind: string, values: readonly string[]): boolean {
  const unknown = values.filter((value) => value !== 'All');
  if (unknown.length > 0) {
    throw invalidOptions(kind, [fieldError.notSupported('dryRun', unknown[0], ['All'])]);
  }
  return values.length > 0;
}

/** The options of a write as an object of meta.k8s.io/v1, as admission webhooks and policies see them: a patch is an update to them. */
function optionsObject(asked: string, query: URLSearchParams): JsonObject {
  const kind = asked === 'PatchOptions' ? 'UpdateOptions' : asked;
  const dryRun = query.getAll('dryRun').filter((one) => one !== '');
  const [fieldManager, fieldValidation] = [query.get('fieldManager') ?? '', query.get('fieldValidation') ?? ''];
  return {
    kind, apiVersion: 'meta.k8s.io/v1',
    ...(dryRun.length === 0 ? {} : { dryRun }),
    ...(fieldManager === '' ? {} : { fieldManager }),
    ...(fieldValidation === '' ? {} : { fieldValidation }),
  };
}

/** What is wrong with the options that say who writes; `applying` of PatchOptions with an applied configuration. */
function managerErrors(kind: string, query: URLSearchParams, fieldManager: string, applying: boolean): FieldError[] {
  return [
    ...(kind === 'PatchOptions' && !applying && query.has('force') ? [fieldError.forbidden('force', 'may not be specified for non-apply patch')] : []),
    ...(applying && fieldManager === '' ? [fieldError.required('fieldManager', 'is required for apply patch')] : []),
    ...(fieldManager === '' ? [] : fieldManagerErrors(fieldManager, 'fieldManager')),
  ];
}

/** `kind` names the options in errors: CreateOptions, UpdateOptions, PatchOptions. Throws Invalid. */
export function writeOptions(call: Call, kind: string): { context: WriteContext; validation: FieldValidation } {
  const { query, user, warnings } = call;
  const applying = kind === 'PatchOptions' && mediaTypeOf(call.body) === APPLY_PATCH;
  const options = (): JsonObject => optionsObject(kind, query);
  if (query.size === 0 && !applying) {
    return { context: { user, dryRun: false, warnings, options, manager: updaterOf(call, ''), annotate: call.annotate }, validation: 'warn' };
  }
  const fieldManager = query.get('fieldManager') ?? '';
  const errors = managerErrors(kind, query, fieldManager, applying);
  if (errors.length > 0) {
    throw invalidOptions(kind, errors);
  }
  const text = query.get('fieldValidation') ?? '';
  const validation = Object.hasOwn(FIELD_VALIDATION, text) ? FIELD_VALIDATION[text] : undefined;
  if (validation === undefined) {
    throw invalidOptions(kind, [fieldError.notSupported('fieldValidation', text, ['', 'Ignore', 'Strict', 'Warn'])]);
  }
  const dryRun = checkDryRun(kind, query.getAll('dryRun').filter((one) => one !== ''));
  return { context: { user, dryRun, warnings, options, manager: updaterOf(call, fieldManager), annotate: call.annotate, ...(isBig(call.body) ? { pace: new Pace() } : {}) }, validation };
}

/** What `force` means in a query, as Kubernetes reads booleans: everything but an explicit no. */
export function forced(query: URLSearchParams): boolean {
  const text = query.get('force')?.toLowerCase();
  return text !== undefined && text !== 'false' && text !== '0';
}

function optionalInteger(value: unknown, field: string): number | undefined {
  if (value === undefined || value === null || value === '') {
    return undefined;
  }
  const number = typeof value === 'string' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) {
    throw badRequest(`json: cannot unmarshal ${typeof value} into Go struct field DeleteOptions.${field} of type int64`);
  }
  return number;
}

function optionalText(value: unknown, field: string): string | undefined {
  if (value === undefined || value === null || value === '') {
    return undefined;
  }
  if (typeof value !== 'string') {
    throw badRequest(`json: cannot unmarshal ${typeof value} into Go struct field DeleteOptions.${field} of type string`);
  }
  return value;
}

function policyOf(policy: string | undefined, orphan: unknown): DeleteOptions['propagationPolicy'] {
  if (policy !== undefined && orphan !== undefined && orphan !== null) {
    throw invalidOptions('DeleteOptions', [fieldError.invalid('propagationPolicy', policy, 'orphanDependents and deletionPropagation cannot be both set')]);
  }
  if (policy === undefined) {
    return typeof orphan === 'boolean' ? (orphan ? 'Orphan' : 'Background') : undefined;
  }
  const known = POLICIES.find((one) => one === policy);
  if (known === undefined) {
    throw invalidOptions('DeleteOptions', [fieldError.notSupported('propagationPolicy', policy, [...POLICIES, 'nil'])]);
  }
  return known;
}

const dryRunsOf = (query: URLSearchParams): string[] => query.getAll('dryRun').filter((one) => one !== '');

/** What the query says, in the shape of a DeleteOptions body: for clients that send none. */
function fromQuery(query: URLSearchParams): Record<string, unknown> {
  const orphan = query.get('orphanDependents');
  return {
    gracePeriodSeconds: query.get('gracePeriodSeconds'),
    propagationPolicy: query.get('propagationPolicy'),
    ...(orphan === null ? {} : { orphanDependents: orphan === 'true' }),
    dryRun: dryRunsOf(query),
  };
}

/** `body` is a decoded DeleteOptions, undefined when there was none. Throws Invalid or BadRequest. */
export function deleteOptions(call: Call, body: Record<string, unknown> | undefined): { options: DeleteOptions; context: WriteContext } {
  const source = body ?? fromQuery(call.query);
  // Decoded from JSON, or made from texts above.
  const given = source as JsonObject;
  const preconditions = isObject(source['preconditions']) ? source['preconditions'] : {};
  const gracePeriodSeconds = optionalInteger(source['gracePeriodSeconds'], 'gracePeriodSeconds');
  const uid = optionalText(preconditions['uid'], 'preconditions.uid');
  const resourceVersion = optionalText(preconditions['resourceVersion'], 'preconditions.resourceVersion');
  const propagationPolicy = policyOf(optionalText(source['propagationPolicy'], 'propagationPolicy'), source['orphanDependents']);
  const dryRun: unknown = source['dryRun'];
  // Kubernetes reads the query only where there is no body; whoever said in either that nothing should happen must not lose anything.
  const dryRuns = [...Array.isArray(dryRun) ? dryRun.map(String) : [], ...(body === undefined ? [] : dryRunsOf(call.query))];
  return {
    options: {
      ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
    },
    context: {
      user: call.user, warnings: call.warnings, dryRun: checkDryRun('DeleteOptions', dryRuns),
      options: () => ({ ...given, kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1' }),
    },
  };
}
