/** Applying a configuration: what it names belongs to the applier, with others where they agree on the value, and what it names no longer goes. */
import type { Json, JsonObject, ManagedFieldsEntry } from '../object.ts';
import { compare } from './compare.ts';
import { fieldsOf } from './extract.ts';
import { contains, difference, EMPTY_SET, intersection, isEmpty, members, union, unionAll, type FieldSet } from './fieldset.ts';
import { owning, readManagers, sameManager, writeManagers, type Manager } from './managers.ts';
import { merge } from './merge.ts';
import { NOTHING, stripped, takenFrom, withFields, withUpdater, type Writer } from './ownership.ts';
import { pathText } from './pathelement.ts';
import { reconcile, removeFields, withNamedFields } from './remove.ts';
import type { Shape } from './shape.ts';
import { Comparisons, type Versions } from './versions.ts';

/** The updater that owns what was there before the first application to an object of which nothing was noted. */
export const BEFORE_FIRST_APPLY = 'before-first-apply';

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

function refuseConflicts(others: readonly Manager[], comparisons: Comparisons): void {
  const conflicts: Conflict[] = [];
  let length = 0;
  const fields: FieldSet[] = [];
  for (const manager of others.toSorted(byShownName)) {
    const both = intersection(manager.fields, comparisons.in(manager.apiVersion)?.changed ?? EMPTY_SET);
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
  readonly versions?: Versions;
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
    return managers.map((manager) => (manager.apiVersion === writer.apiVersion ? withFields(manager, reconcile(manager.fields, shape)) : manager));
  }
  return [...withUpdater([], { ...writer, name: BEFORE_FIRST_APPLY }, stripped(compare(NOTHING, live, shape).changed))];
}

/** Applies a configuration. Throws ApplyConflict unless forced. */
export function applyConfiguration(application: Application, writer: Writer): Applied {
  const { live, config, shape, force, versions } = application;
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
    const comparisons = new Comparisons({ old: base, next: object, shape, apiVersion: writer.apiVersion, versions });
    if (!force) {
      refuseConflicts(others, comparisons);
    }
    kept = takenFrom(others, comparisons);
  }
  // An application that changes nothing is not told anew.
  const time = before === undefined || changed ? writer.time : before.time;
  const all = owning([...kept, { ...applier, time }]);
  return { object, managedFields: writeManagers(all) };
}
