/**
 * Who owns what after a write, as kube-apiserver keeps `metadata.managedFields`: what an update changed belongs to the updater
 * alone, what an applied configuration names belongs to the applier, with others where they agree on the value.
 */
import type { Json, JsonObject, ManagedFieldsEntry } from '../object.ts';
import { compare } from './compare.ts';
import { fieldsOf } from './extract.ts';
import { contains, difference, EMPTY_SET, intersection, isEmpty, members, SELF, union, unionAll, type FieldSet } from './fieldset.ts';
import { capManagers, owning, readManagers, sameManager, writeManagers, type Manager } from './managers.ts';
import { merge } from './merge.ts';
import { pathText } from './pathelement.ts';
import { reconcile, removeFields, withNamedFields } from './remove.ts';
import { DEDUCED, type Shape } from './shape.ts';

/** The updater that owns what was there before the first application to an object of which nothing was noted. */
export const BEFORE_FIRST_APPLY = 'before-first-apply';

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
function stripped(set: FieldSet): FieldSet {
  const metadata = set['f:metadata'];
  if (metadata === undefined || !(SELF in metadata || isEmpty(metadata))) {
    return set;
  }
  const { [SELF]: _self, ...below } = metadata;
  const { 'f:metadata': _metadata, ...rest } = set;
  return isEmpty(below) ? rest : { ...rest, 'f:metadata': below };
}

const NOTHING: JsonObject = {};

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

const withFields = (manager: Manager, fields: FieldSet): Manager => (fields === manager.fields ? manager : { ...manager, fields });

/** Everybody loses what was taken or removed. */
function takenFrom(managers: readonly Manager[], taken: FieldSet): Manager[] {
  return owning(managers.map((manager) => withFields(manager, difference(manager.fields, taken))));
}

/** Adds an updater's new fields to what it owns. */
function withUpdater(managers: readonly Manager[], { name, apiVersion, subresource, time }: Writer, fields: FieldSet): readonly Manager[] {
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
}

/** `metadata.managedFields` after an update or create: the very list that was there when nothing of it changed. */
export function afterUpdate({ live, next, shape, liveEntries, sentEntries }: UpdateWrite, writer: Writer): ManagedFieldsEntry[] | undefined {
  if (live === undefined && sentEntries === undefined) {
    return writeManagers(withUpdater([], writer, stripped(compare(NOTHING, next, shape).changed)));
  }
  const asSent = sentEntries !== undefined && sentEntries !== liveEntries;
  if (!asSent && (liveEntries ?? []).length === 0) {
    // Nothing was noted of this object, and half of it would be misleading.
    return undefined;
  }
  const { changed, removed } = compare(live ?? NOTHING, next, shape);
  const own = stripped(changed);
  if (!asSent && isEmpty(own) && isEmpty(removed)) {
    return liveEntries;
  }
  const managers = startingPoint(liveEntries, sentEntries);
  if (live !== undefined && managers.length === 0) {
    return undefined;
  }
  return writeManagers(withUpdater(takenFrom(managers, union(changed, removed)), writer, own));
}

/** One field that somebody else owns with another value. */
export interface Conflict {
  /** `"kubectl"`, `"kubectl-edit" using v1`, `"x" with subresource "status" using apps/v1`: the manager as messages show it. */
  readonly manager: string;
  /** `.spec.replicas` */
  readonly path: string;
}

export class ApplyConflict extends Error {
  override name = 'ApplyConflict';
  readonly conflicts: readonly Conflict[];
  /** The fields in conflict. */
  readonly fields: FieldSet;

  constructor(conflicts: readonly Conflict[], fields: FieldSet) {
    super(conflictMessage(conflicts));
    this.conflicts = conflicts;
    this.fields = fields;
  }
}

function conflictMessage(conflicts: readonly Conflict[]): string {
  const [first] = conflicts;
  if (first !== undefined && conflicts.length === 1) {
    return `Apply failed with 1 conflict: conflict with ${first.manager}: ${first.path}`;
  }
  const names = [...new Set(conflicts.map(({ manager }) => manager))];
  const parts = names.map((name) => [`conflicts with ${name}:`, ...conflicts.filter(({ manager }) => manager === name).map(({ path }) => `- ${path}`)].join('\n'));
  return `Apply failed with ${conflicts.length} conflicts: ${parts.join('\n')}`;
}

function shownManager({ name, operation, apiVersion, subresource }: Manager): string {
  const shown = subresource === '' ? JSON.stringify(name) : `${JSON.stringify(name)} with subresource ${JSON.stringify(subresource)}`;
  return operation === 'Update' ? `${shown} using ${apiVersion}` : shown;
}

function byShownName(a: Manager, b: Manager): number {
  const [one, other] = [shownManager(a), shownManager(b)];
  return one < other ? -1 : one > other ? 1 : 0;
}

/** Characters of all the paths that are named in conflicts: their keys come from outside. */
const MAX_CONFLICT_CHARS = 256 * 1024;

function refuseConflicts(others: readonly Manager[], changed: FieldSet): void {
  const conflicts: Conflict[] = [];
  let length = 0;
  const fields: FieldSet[] = [];
  for (const manager of others.toSorted(byShownName)) {
    const both = intersection(manager.fields, changed);
    if (!isEmpty(both)) {
      fields.push(both);
      for (const keys of members(both)) {
        if (length > MAX_CONFLICT_CHARS) {
          break;
        }
        const path = pathText(keys);
        length += path.length;
        conflicts.push({ manager: shownManager(manager), path });
      }
    }
  }
  if (conflicts.length > 0) {
    throw new ApplyConflict(conflicts, unionAll(fields));
  }
}

interface Pruning {
  /** What the applier owned, and owns now. */
  readonly last: FieldSet;
  readonly now: FieldSet;
  readonly others: readonly Manager[];
  readonly config: JsonObject;
  readonly shape: Shape;
}

/** The merged object without what this applier named last time, does not name now, and nobody else owns. */
function pruned(merged: Json, { last, now, others, config, shape }: Pruning): Json {
  if (contains(now, last)) {
    return merged;
  }
  const owned = unionAll([now, ...others.map(({ fields }) => fields)]);
  const named = (set: FieldSet): FieldSet => withNamedFields(set, shape);
  const fieldsLeft = (value: Json | undefined): FieldSet => named(value === undefined ? EMPTY_SET : fieldsOf(value, shape));
  const all = fieldsLeft(merged);
  const lastNamed = named(last);
  const withoutLast = fieldsLeft(removeFields(merged, lastNamed, shape));
  const kept = fieldsLeft(removeFields(merged, difference(all, union(withoutLast, named(owned))), shape));
  // What was never this applier's stays, even inside something that goes.
  const rest = removeFields(merged, stripped(intersection(difference(all, kept), lastNamed)), shape) ?? NOTHING;
  // What has lost its last member may be wanted empty.
  return merge(rest, config, shape);
}

export interface Application {
  /** Absent for an object about to be created. */
  readonly live: JsonObject | undefined;
  readonly liveEntries: readonly ManagedFieldsEntry[] | undefined;
  /** Without what the write cannot change. */
  readonly config: JsonObject;
  /** From `ownedShape`. */
  readonly shape: Shape;
  /** Take what others own with another value. */
  readonly force: boolean;
}

export interface Applied {
  /** Shares parts with the live object and the configuration, and is the live one when nothing changed: copy it before changing it. */
  readonly object: Json;
  readonly managedFields: ManagedFieldsEntry[] | undefined;
}

/** The managers before an application: where nothing was noted, somebody must own what is there, or everything could be taken silently. */
function managersBefore({ live, liveEntries, shape }: Application, writer: Writer): Manager[] {
  const managers = readManagers(liveEntries) ?? [];
  if (live === undefined || managers.length > 0) {
    return managers.map((manager) => withFields(manager, reconcile(manager.fields, shape)));
  }
  return [...withUpdater([], { ...writer, name: BEFORE_FIRST_APPLY }, stripped(compare(NOTHING, live, shape).changed))];
}

/** Applies a configuration. Throws ApplyConflict unless forced. */
export function applyConfiguration(application: Application, writer: Writer): Applied {
  const { live, config, shape, force } = application;
  const managers = managersBefore(application, writer);
  const applier: Manager = { ...writer, operation: 'Apply', fields: stripped(fieldsOf(config, shape)) };
  const before = managers.find((one) => sameManager(one, applier));
  const others = managers.filter((one) => one !== before);
  const base: Json = live ?? NOTHING;
  const merged = merge(base, config, shape);
  const object = before === undefined ? merged : pruned(merged, { last: before.fields, now: applier.fields, others, config, shape });
  const changed = object !== base;
  let kept: Manager[] = others;
  if (changed) {
    const found = compare(base, object, shape);
    if (!force) {
      refuseConflicts(others, found.changed);
    }
    kept = takenFrom(others, union(found.changed, found.removed));
  }
  // An application that changes nothing is not told anew.
  const time = before === undefined || changed ? writer.time : before.time;
  const all = owning([...kept, { ...applier, time }]);
  return { object, managedFields: writeManagers(all) };
}
