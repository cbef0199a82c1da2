/** `metadata.managedFields` of what is written: from a kind and a write to apimachinery's rules of ownership. */
import { afterUpdate, ownedShape, type OwnedParts, type Writer } from '../../apimachinery/apply/ownership.ts';
import { sameButTimes } from '../../apimachinery/apply/managers.ts';
import { shapeOfMessage, type Shape } from '../../apimachinery/apply/shape.ts';
import type { Versions } from '../../apimachinery/apply/versions.ts';
import { apiVersionOf, formatTime, parseApiVersion, type KubeObject, type ManagedFieldsEntry } from '../../apimachinery/object.ts';
import { invalid } from '../../apimachinery/status.ts';
import { deepEqual, isObject } from '../../apimachinery/values.ts';
import type { AnyKind } from '../../kinds/kind.ts';
import type { Registry } from '../../kinds/registry.ts';
import { asKubeObject } from './body.ts';
import { managedFieldsErrors } from './fieldmanager.ts';
import { asDocument } from './patch.ts';

const all = (): boolean => true;
const isStatus = (field: string): boolean => field === 'status';

/** Everything: kinds without a status of its own, and subresources whose handlers keep to what is theirs. */
const WHOLE: OwnedParts = { owns: all, ownsMeta: all };
/** The main resource of kinds with `/status`, which ignores the status. */
const MAIN: OwnedParts = { owns: (field) => field !== 'status', ownsMeta: all };
/** `/status` of custom resources: nothing of the metadata. */
const STATUS: OwnedParts = { owns: isStatus, ownsMeta: () => false };
/** `/status` of built-in kinds takes annotations. */
const ANNOTATED_STATUS: OwnedParts = { owns: isStatus, ownsMeta: (field) => field === 'annotations' };
/** That of nodes and pods takes labels too. */
const LABELLED_STATUS: OwnedParts = { owns: isStatus, ownsMeta: (field) => field === 'annotations' || field === 'labels' };

/** Kinds whose labels Kubernetes lets `/status` change: kubelets label what they run on and run. */
export const labelledByStatus = (kind: AnyKind): boolean => kind.group === '' && (kind.plural === 'nodes' || kind.plural === 'pods');

/** Which part of an object a request writes: the resource itself is ``. */
function partsOf(kind: AnyKind, subresource: string): OwnedParts {
  if (subresource === '') {
    return kind.status === true ? MAIN : WHOLE;
  }
  if (subresource !== 'status') {
    return WHOLE;
  }
  return kind.origin === 'custom' ? STATUS : labelledByStatus(kind) ? LABELLED_STATUS : ANNOTATED_STATUS;
}

/** Of all of a kind, whoever owns it. */
export const kindShape = (registry: Registry, kind: AnyKind): Shape => kind.custom?.shape ?? shapeOfMessage(registry.types, kind.type);

/** Of what a write to a kind or one of its subresources can own. */
export const writableShape = (registry: Registry, kind: AnyKind, subresource: string): Shape =>
  ownedShape(kindShape(registry, kind), partsOf(kind, subresource));

/** The other versions of a kind, for fields that were written in them. Where a webhook converts, their fields are taken for those of this version. */
export function versionsOf(registry: Registry, kind: AnyKind, subresource: string): Versions {
  return (apiVersion) => {
    const { group, version } = parseApiVersion(apiVersion);
    const other = registry.byKind(group, version, kind.kind);
    if (other === undefined || registry.storageKind(other) !== registry.storageKind(kind)) {
      return undefined;
    }
    const [from, to] = [kind.storedAs, other.storedAs];
    if (from?.remote !== undefined || to?.remote !== undefined) {
      return { shape: writableShape(registry, kind, subresource), convert: (object) => object };
    }
    return {
      shape: writableShape(registry, other, subresource),
      convert: (object) => {
        const given = asKubeObject({ ...(isObject(object) ? object : {}) });
        const stored = from === undefined ? given : from.encode(given);
        return asDocument(to === undefined ? stored : to.decode(stored));
      },
    };
  };
}

export const writerOf = (kind: AnyKind, name: string, subresource: string, time: string = formatTime()): Writer =>
  ({ name, apiVersion: apiVersionOf(kind), subresource, time });

function setManagedFields(object: KubeObject, entries: ManagedFieldsEntry[] | undefined): void {
  if (entries === undefined) {
    delete object.metadata.managedFields;
  } else {
    object.metadata.managedFields = entries;
  }
}

/** Throws Invalid for entries that say what none may, or are too many. */
export function checkEntries(kind: AnyKind, object: KubeObject, entries: readonly ManagedFieldsEntry[] | undefined): void {
  const errors = entries === undefined ? [] : managedFieldsErrors(entries);
  if (errors.length > 0) {
    throw invalid({ group: kind.group, resource: kind.kind, name: object.metadata.name }, errors);
  }
}

/** Notes who owns an object about to be created; before admission, whose changes are nobody's. Throws Invalid. */
export function trackCreate(registry: Registry, kind: AnyKind, object: KubeObject, manager: string): void {
  const { managedFields: sentEntries } = object.metadata;
  checkEntries(kind, object, sentEntries);
  setManagedFields(object, afterUpdate({
    live: undefined, next: asDocument(object), shape: writableShape(registry, kind, ''), liveEntries: undefined, sentEntries,
    ...(sentEntries === undefined ? {} : { versions: versionsOf(registry, kind, '') }),
  }, writerOf(kind, manager, '', object.metadata.creationTimestamp)));
}

export interface TrackedUpdate {
  readonly kind: AnyKind;
  /** Empty for the resource itself. */
  readonly subresource: string;
  readonly old: KubeObject;
  /** Its managedFields are what the client sent. */
  readonly next: KubeObject;
}

/** Notes who owns an object about to be changed; before admission, whose changes are nobody's. Throws Invalid. */
export function trackUpdate(registry: Registry, { kind, subresource, old, next }: TrackedUpdate, manager: string): void {
  const liveEntries = old.metadata.managedFields;
  const given = subresource === '' ? next.metadata.managedFields : undefined;
  const sentEntries = given === undefined || given.length === 0 || deepEqual(given, liveEntries) ? undefined : given;
  checkEntries(kind, next, sentEntries);
  setManagedFields(next, afterUpdate({
    live: asDocument(old), next: asDocument(next), shape: writableShape(registry, kind, subresource), liveEntries, sentEntries, versions: versionsOf(registry, kind, subresource),
  }, writerOf(kind, manager, subresource)));
}

/** Whether a write would change nothing but when its managers last wrote: then nothing is written at all. */
export function changesNothing(next: KubeObject, old: KubeObject): boolean {
  const [entries, before] = [next.metadata.managedFields, old.metadata.managedFields];
  if (entries === before) {
    return deepEqual(next, old);
  }
  // What was written differs more often than who wrote it.
  return deepEqual({ ...next, metadata: { ...next.metadata, managedFields: undefined } }, { ...old, metadata: { ...old.metadata, managedFields: undefined } })
    && sameButTimes(entries, before, deepEqual);
}
