/** The parts of `metadata` that belong to the server. */
import { randomUUID } from 'node:crypto';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../apimachinery/names.ts';
import { formatTime, type KubeObject, type ObjectMeta, type OwnerReference } from '../../apimachinery/object.ts';
import { badRequest, conflict, invalid, type FieldError } from '../../apimachinery/status.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import type { AnyKind } from '../../kinds/kind.ts';
import { MAX_WARNING_CHARS } from '../limits.ts';
import { refOf } from './core.ts';

export const hasGeneration = (kind: AnyKind): boolean => kind.rules.generation !== false;

const member = (object: KubeObject, name: string): unknown => Reflect.get(object, name);

/** Whether an update changes what is wanted of an object: then its generation rises. */
export function desiredStateChanged(kind: AnyKind, object: KubeObject, old: KubeObject): boolean {
  return kind.rules.desiredStateChanged?.(object, old) ?? !deepEqual(member(object, 'spec'), member(old, 'spec'));
}

/** Namespace of a written object: the path's, which its own must not contradict. Throws BadRequest. */
export function settleNamespace(kind: AnyKind, meta: ObjectMeta, namespace: string): void {
  if (!kind.namespaced) {
    delete meta.namespace;
    return;
  }
  if (meta.namespace === undefined || meta.namespace === '') {
    meta.namespace = namespace;
  } else if (meta.namespace !== namespace) {
    throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`);
  }
}

/** Makes the metadata of an object about to be created; its name is settled by the caller. */
export function beginLife(kind: AnyKind, meta: ObjectMeta): void {
  if (meta.resourceVersion !== undefined && meta.resourceVersion !== '') {
    throw badRequest('resourceVersion should not be set on objects to be created');
  }
  delete meta.resourceVersion;
  delete meta.deletionTimestamp;
  delete meta.deletionGracePeriodSeconds;
  delete meta.generation;
  meta.uid = randomUUID();
  meta.creationTimestamp = formatTime();
  if (hasGeneration(kind)) {
    meta.generation = 1;
  }
}

/** The members an update never changes: whatever the client sent for them is set aside, a differing uid refused. */
export function carryOver(kind: AnyKind, meta: ObjectMeta, old: ObjectMeta): void {
  if (meta.uid !== undefined && meta.uid !== '' && meta.uid !== old.uid) {
    throw conflict(refOf(kind, old.name), `Precondition failed: UID in precondition: ${meta.uid}, UID in object meta: ${old.uid ?? ''}`);
  }
  for (const name of ['uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'generation', 'resourceVersion'] as const) {
    const value = old[name];
    if (value === undefined) {
      Reflect.deleteProperty(meta, name);
    } else {
      Reflect.set(meta, name, value);
    }
  }
  // Never stored with a value of its own.
  Reflect.deleteProperty(meta, 'selfLink');
}

/** Drops owners that are given twice, as Kubernetes does, and warns of it. */
export function dropDuplicateOwners(meta: ObjectMeta, warnings: string[]): void {
  const { ownerReferences } = meta;
  if (ownerReferences === undefined || ownerReferences.length < 2) {
    return;
  }
  const kept = new Map<string, OwnerReference>();
  const duplicates: string[] = [];
  for (const owner of ownerReferences) {
    const { uid, apiVersion, kind, name, controller, blockOwnerDeletion } = owner;
    const identity = JSON.stringify([uid, apiVersion, kind, name, controller, blockOwnerDeletion]);
    if (kept.has(identity)) {
      duplicates.push(uid);
    } else {
      kept.set(identity, owner);
    }
  }
  if (duplicates.length > 0) {
    warnings.push('.metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; '
      + `please fix your requests; duplicate UID(s) observed: ${duplicates.join(', ')}`.slice(0, MAX_WARNING_CHARS));
    meta.ownerReferences = [...kept.values()];
  }
}

function fail(kind: AnyKind, name: string, errors: readonly FieldError[]): void {
  if (errors.length > 0) {
    throw invalid({ group: kind.group, resource: kind.kind, name }, errors);
  }
}

/** Throws Invalid with everything that is wrong. */
export function validateNew(kind: AnyKind, object: KubeObject): void {
  const meta = validateObjectMeta(object.metadata, { namespaced: kind.namespaced, ...(kind.rules.name === undefined ? {} : { name: kind.rules.name }) });
  fail(kind, object.metadata.name, [...meta, ...kind.rules.validate?.(object) ?? [], ...kind.rules.validateCreate?.(object) ?? []]);
}

/** Throws Invalid with everything that is wrong with a changed object and, for an `update`, with the change. */
export function validateChanged(kind: AnyKind, object: KubeObject, old: KubeObject, check: 'update' | 'object'): void {
  fail(kind, old.metadata.name, [
    ...validateObjectMeta(object.metadata, { namespaced: kind.namespaced, ...(kind.rules.name === undefined ? {} : { name: kind.rules.name }) }),
    ...validateObjectMetaUpdate(object.metadata, old.metadata),
    ...kind.rules.validate?.(object) ?? [],
    ...(check === 'update' ? kind.rules.validateUpdate?.(object, old) ?? [] : []),
  ]);
}

/** Throws Invalid with everything that is wrong with an update through `/status`. */
export function validateStatus(kind: AnyKind, object: KubeObject, old: KubeObject): void {
  fail(kind, old.metadata.name, [
    ...validateObjectMeta(object.metadata, { namespaced: kind.namespaced, ...(kind.rules.name === undefined ? {} : { name: kind.rules.name }) }),
    ...kind.rules.validateStatus?.(object, old) ?? [],
  ]);
}
