/** Validation of `metadata`, the same for all kinds (k8s.io/apimachinery/pkg/api/validation). */
import type { ObjectMeta, OwnerReference } from './object.ts';
import {
  validateDns1035Label, validateDns1123Label, validateDns1123Subdomain, validateLabelValue, validatePathSegment, validateQualifiedName,
} from './namerules.ts';
import { fieldError, type FieldError } from './status.ts';
import { deepEqual } from './values.ts';

export type NameRule = 'dns1123label' | 'dns1123subdomain' | 'dns1035label' | 'pathSegment';

export interface ObjectMetaOptions {
  namespaced: boolean;
  /** Default: DNS-1123 subdomain. */
  name?: NameRule;
  /** Default `metadata`; `spec.template.metadata` for templates, say. */
  path?: string;
}

/** Bytes that all annotations of one object may take together. */
export const MAX_ANNOTATIONS_BYTES = 256 * 1024;

const NAME_RULES: Readonly<Record<NameRule, (value: string) => string[]>> = {
  dns1123label: validateDns1123Label,
  dns1123subdomain: validateDns1123Subdomain,
  dns1035label: validateDns1035Label,
  pathSegment: validatePathSegment,
};

const invalids = (field: string, value: unknown, whys: readonly string[]): FieldError[] =>
  whys.map((why) => fieldError.invalid(field, value, why));

export function validateLabels(labels: Readonly<Record<string, string>> | undefined, field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(labels ?? {})) {
    errors.push(...invalids(field, key, validateQualifiedName(key)), ...invalids(field, value, validateLabelValue(value)));
  }
  return errors;
}

export function validateAnnotations(annotations: Readonly<Record<string, string>> | undefined, field: string): FieldError[] {
  const errors: FieldError[] = [];
  let size = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    errors.push(...invalids(field, key, validateQualifiedName(key.toLowerCase())));
    size += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (size > MAX_ANNOTATIONS_BYTES) {
    errors.push(fieldError.tooLong(field, MAX_ANNOTATIONS_BYTES));
  }
  return errors;
}

function validateOwnerReferences(references: readonly OwnerReference[], field: string): FieldError[] {
  const errors: FieldError[] = [];
  let controller: OwnerReference | undefined;
  for (const reference of references) {
    const { apiVersion, kind, name, uid } = reference;
    errors.push(
      ...(apiVersion ? [] : [fieldError.invalid(`${field}.apiVersion`, apiVersion ?? '', 'version must not be empty')]),
      ...(kind ? [] : [fieldError.invalid(`${field}.kind`, kind ?? '', 'must not be empty')]),
      ...(name ? [] : [fieldError.invalid(`${field}.name`, name ?? '', 'must not be empty')]),
      ...(uid ? [] : [fieldError.invalid(`${field}.uid`, uid ?? '', 'must not be empty')]),
    );
    if (apiVersion === 'v1' && kind === 'Event') {
      errors.push(fieldError.invalid(field, reference, '/v1, Kind=Event is disallowed from being an owner'));
    }
    if (reference.controller === true) {
      if (controller !== undefined) {
        errors.push(fieldError.invalid(field, references,
          `Only one reference can have Controller set to true. Found "true" in references for ${controller.kind} and ${kind}`));
      }
      controller = reference;
    }
  }
  return errors;
}

const ORPHAN = 'orphan';
const FOREGROUND = 'foregroundDeletion';

function validateFinalizers(finalizers: readonly string[], field: string): FieldError[] {
  const errors = finalizers.flatMap((finalizer) => invalids(field, finalizer, validateQualifiedName(finalizer)));
  if (finalizers.includes(ORPHAN) && finalizers.includes(FOREGROUND)) {
    errors.push(fieldError.invalid(field, finalizers, `finalizer ${ORPHAN} and ${FOREGROUND} cannot be both set`));
  }
  return errors;
}

function validateName(meta: ObjectMeta, check: (value: string) => string[], field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (meta.generateName !== undefined && meta.generateName !== '') {
    // What follows the base is alphanumeric, so a base may end in a dash.
    errors.push(...invalids(`${field}.generateName`, meta.generateName, check(meta.generateName.replace(/-$/, 'a'))));
  }
  if (meta.name === undefined || meta.name === '') {
    errors.push(fieldError.required(`${field}.name`, 'name or generateName is required'));
  } else {
    errors.push(...invalids(`${field}.name`, meta.name, check(meta.name)));
  }
  return errors;
}

function validateNamespace(namespace: string | undefined, namespaced: boolean, field: string): FieldError[] {
  if (!namespaced) {
    return namespace ? [fieldError.forbidden(`${field}.namespace`, 'not allowed on this type')] : [];
  }
  return namespace ? invalids(`${field}.namespace`, namespace, validateDns1123Label(namespace)) : [fieldError.required(`${field}.namespace`)];
}

/** Everything wrong with the metadata of an object about to be stored. */
export function validateObjectMeta(meta: ObjectMeta, options: ObjectMetaOptions): FieldError[] {
  const field = options.path ?? 'metadata';
  const errors = [
    ...validateName(meta, NAME_RULES[options.name ?? 'dns1123subdomain'], field),
    ...validateNamespace(meta.namespace, options.namespaced, field),
  ];
  if (meta.generation !== undefined && meta.generation < 0) {
    errors.push(fieldError.invalid(`${field}.generation`, meta.generation, 'must be greater than or equal to 0'));
  }
  errors.push(...validateLabels(meta.labels, `${field}.labels`), ...validateAnnotations(meta.annotations, `${field}.annotations`));
  if (meta.ownerReferences !== undefined) {
    errors.push(...validateOwnerReferences(meta.ownerReferences, `${field}.ownerReferences`));
  }
  if (meta.finalizers !== undefined) {
    errors.push(...validateFinalizers(meta.finalizers, `${field}.finalizers`));
  }
  return errors;
}

const IMMUTABLE = ['name', 'namespace', 'uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const;

/** What an update may not change. Both objects hold the server's own values where the client left them out. */
export function validateObjectMetaUpdate(meta: ObjectMeta, old: ObjectMeta, field: string = 'metadata'): FieldError[] {
  const errors: FieldError[] = [];
  if (old.deletionTimestamp !== undefined) {
    const added = (meta.finalizers ?? []).filter((finalizer) => !(old.finalizers ?? []).includes(finalizer));
    if (added.length > 0) {
      errors.push(fieldError.forbidden(`${field}.finalizers`,
        `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((one) => JSON.stringify(one)).join(', ')}}`));
    }
  }
  for (const name of IMMUTABLE) {
    if (!deepEqual(meta[name], old[name])) {
      errors.push(fieldError.invalid(`${field}.${name}`, meta[name], 'field is immutable'));
    }
  }
  if ((meta.generation ?? 0) < (old.generation ?? 0)) {
    errors.push(fieldError.invalid(`${field}.generation`, meta.generation, 'must not be decremented'));
  }
  return errors;
}
