/**
 * Who owns what after a write, as kube-apiserver keeps `metadata.managedFields`: what an update changed belongs to the updater
 * alone. (What an applied configuration names belongs to the applier: see application.ts.)
 */
import type { JsonObject, ManagedFieldsEntry } from '../object.ts';
import { compare } from './compare.ts';
import { difference, isEmpty, SELF, union, type FieldSet } from './fieldset.ts';
import { capManagers, owning, readManagers, sameManager, writeManagers, type Manager } from './managers.ts';
import { DEDUCED, type Shape } from './shape.ts';
import { Comparisons, type Versions } from './versions.ts';

/** One write's manager. */
export interface Writer {
  readonly name: string;
  readonly apiVersion: string;
  readonly subresource: string;
  /** Now, RFC 3339 with seconds. */
  readonly time: string;
}

/** Fields of `metadata` that are the server's. */
const SYSTEM_FIELDS: ReadonlySet<string> = new Set([
  'name', 'namespace', 'creationTimestamp', 'selfLink', 'uid', 'clusterName', 'generation', 'managedFields', 'resourceVersion',
]);

/** The part of a kind's shape that has owners, for writes to one of its parts. */
export interface OwnedParts {
  /** False where the write cannot change it. */
  owns(field: string): boolean;
  /** The same of `metadata`. */
  ownsMeta(field: string): boolean;
}

const tracked = new WeakMap<Shape, WeakMap<OwnedParts, Shape>>();

function trackedShape(shape: Shape, parts: OwnedParts): Shape {
  const metadata = shape.field?.('metadata');
  const owned: Shape | undefined = metadata && {
    ...metadata, field: (name) => (SYSTEM_FIELDS.has(name) || !parts.ownsMeta(name) ? undefined : metadata.field?.(name)),
  };
  // Of a schema that keeps unknown fields, what it does not declare is found out; the names below are never among that.
  const other = shape.type === 'deduced' ? DEDUCED : shape.item;
  return {
    type: 'struct',
    field: (name) => {
      switch (name) {
        case 'apiVersion': case 'kind': return undefined;
        case 'metadata': return owned;
        default: return parts.owns(name) ? shape.field?.(name) ?? other : undefined;
      }
    },
  };
}

/** The shape of a kind without what nobody owns: its type, the server's own metadata, and what `parts` leaves out. Made once each. */
export function ownedShape(shape: Shape, parts: OwnedParts): Shape {
  let byParts = tracked.get(shape);
  if (byParts === undefined) {
    byParts = new WeakMap();
    tracked.set(shape, byParts);
  }
  let result = byParts.get(parts);
  if (result === undefined) {
    result = trackedShape(shape, parts);
    byParts.set(parts, result);
  }
  return result;
}

/** Without `metadata` itself, which belongs to nobody. */
export function stripped(set: FieldSet): FieldSet {
  const metadata = set['f:metadata'];
  if (metadata === undefined || !(SELF in metadata || isEmpty(metadata))) {
    return set;
  }
  const { [SELF]: _self, ...below } = metadata;
  const { 'f:metadata': _metadata, ...rest } = set;
  return isEmpty(below) ? rest : { ...rest, 'f:metadata': below };
}

export const NOTHING: JsonObject = {};

/** `[{}]`: a client wants all of it forgotten. */
const isReset = (entries: readonly ManagedFieldsEntry[]): boolean =>
  entries.length === 1 && Object.values(entries[0] ?? {}).every((value) => value === undefined);

/** The managers a write starts from: those the client sent, if it can be read and holds any, else those that were there. */
function startingPoint(live: readonly ManagedFieldsEntry[] | undefined, sent: readonly ManagedFieldsEntry[] | undefined): Manager[] {
  if (sent !== undefined && sent !== live) {
    if (isReset(sent)) {
      return [];
    }
    const managers = readManagers(sent);
    if (managers !== undefined && managers.length > 0) {
      return managers;
    }
  }
  return readManagers(live) ?? [];
}

export const withFields = (manager: Manager, fields: FieldSet): Manager => (fields === manager.fields ? manager : { ...manager, fields });

/** Everybody loses what was taken or removed, each in the version it wrote in; who wrote in one that is no longer served loses all. */
export function takenFrom(managers: readonly Manager[], comparisons: Comparisons): Manager[] {
  return owning(managers.flatMap((manager) => {
    const comparison = comparisons.in(manager.apiVersion);
    return comparison === undefined ? [] : [withFields(manager, difference(manager.fields, comparison.taken))];
  }));
}

/** Adds an updater's new fields to what it owns. */
export function withUpdater(managers: readonly Manager[], { name, apiVersion, subresource, time }: Writer, fields: FieldSet): readonly Manager[] {
  if (isEmpty(fields)) {
    return managers;
  }
  const updater: Manager = { name, operation: 'Update', apiVersion, subresource, time, fields };
  const known = managers.find((one) => sameManager(one, updater));
  const all = known === undefined ? [...managers, updater]
    : managers.map((one) => (one === known ? { ...updater, fields: union(known.fields, fields) } : one));
  return capManagers(all);
}

export interface UpdateWrite {
  /** Absent for an object about to be created. */
  readonly live: JsonObject | undefined;
  readonly next: JsonObject;
  /** From `ownedShape`. */
  readonly shape: Shape;
  /** Not changed, and given back as it is when it still holds. */
  readonly liveEntries: ManagedFieldsEntry[] | undefined;
  /** What the client sent; of subresources undefined, since there it counts for nothing. */
  readonly sentEntries: readonly ManagedFieldsEntry[] | undefined;
  readonly versions?: Versions;
}

/** `metadata.managedFields` after an update or create: the very list that was there when nothing of it changed. */
export function afterUpdate({ live, next, shape, liveEntries, sentEntries, versions }: UpdateWrite, writer: Writer): ManagedFieldsEntry[] | undefined {
  if (live === undefined && sentEntries === undefined) {
    return writeManagers(withUpdater([], writer, stripped(compare(NOTHING, next, shape).changed)));
  }
  const asSent = sentEntries !== undefined && sentEntries !== liveEntries;
  if (!asSent && (liveEntries ?? []).length === 0) {
    // Nothing was noted of this object, and half of it would be misleading.
    return undefined;
  }
  const comparisons = new Comparisons({ old: live ?? NOTHING, next, shape, apiVersion: writer.apiVersion, versions });
  const own = stripped(comparisons.own.changed);
  if (!asSent && isEmpty(own) && isEmpty(comparisons.own.removed)) {
    return liveEntries;
  }
  const managers = startingPoint(liveEntries, sentEntries);
  if (live !== undefined && managers.length === 0) {
    return undefined;
  }
  return writeManagers(withUpdater(takenFrom(managers, comparisons), writer, own));
}
