/** The entries of `metadata.managedFields`: reading, writing, ordering, and how many there may be. */
import type { JsonObject, ManagedFieldsEntry } from '../object.ts';
import { isObject } from '../values.ts';
import { isEmpty, union, type FieldSet } from './fieldset.ts';
import { FieldSetError, parseFieldSet } from './parse.ts';

/** Entries of updates kept apart; the oldest beyond it are joined. */
export const MAX_UPDATE_MANAGERS = 10;
/** Entries of one object, updaters and appliers together. Kubernetes has no bound but the object's size. */
export const MAX_MANAGERS = 1_000;
/** The manager of joined entries. */
export const ANCIENT_CHANGES = 'ancient-changes';

/** One manager and what it owns. Immutable. */
export interface Manager {
  readonly name: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  /** Empty for the resource itself. */
  readonly subresource: string;
  /** RFC 3339 with seconds; absent where nobody noted it. */
  readonly time?: string | undefined;
  readonly fields: FieldSet;
}

/** Who a manager is: appliers are the same in every version. */
const identityOf = ({ name, operation, apiVersion, subresource }: Manager): string =>
  JSON.stringify([name, operation, operation === 'Apply' ? '' : apiVersion, subresource]);

export const sameManager = (a: Manager, b: Manager): boolean =>
  a.name === b.name && a.operation === b.operation && a.subresource === b.subresource && (a.operation === 'Apply' || a.apiVersion === b.apiVersion);

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

function readEntry(entry: unknown): Manager {
  if (!isObject(entry)) {
    throw new FieldSetError('an entry must be an object');
  }
  const { operation, apiVersion, fieldsType, time } = entry;
  if (operation !== 'Apply' && operation !== 'Update') {
    throw new FieldSetError('operation must be `Apply` or `Update`');
  }
  if (textOf(apiVersion) === '') {
    throw new FieldSetError('apiVersion must not be empty');
  }
  if (fieldsType !== 'FieldsV1') {
    throw new FieldSetError(textOf(fieldsType) === '' ? 'missing fieldsType' : `invalid fieldsType ${JSON.stringify(fieldsType)}`);
  }
  return {
    name: textOf(entry['manager']), operation, apiVersion: textOf(apiVersion), subresource: textOf(entry['subresource']),
    ...(typeof time === 'string' ? { time } : {}), fields: parseFieldSet(entry['fieldsV1'] ?? {}),
  };
}

/** The managers of a `managedFields` list, one each: of two entries for the same the later counts. Undefined when it cannot be read. */
export function readManagers(entries: unknown): Manager[] | undefined {
  if (entries === undefined || entries === null) {
    return [];
  }
  if (!Array.isArray(entries)) {
    return undefined;
  }
  try {
    const managers = entries.map(readEntry);
    return [...new Map(managers.map((manager) => [identityOf(manager), manager])).values()];
  } catch (error) {
    if (error instanceof FieldSetError) {
      return undefined;
    }
    throw error;
  }
}

const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Appliers first, then by age. Times of one spelling order as texts. */
const byAge = (a: Manager, b: Manager): number => compareTexts(a.operation, b.operation) || compareTexts(a.time ?? '', b.time ?? '')
  || compareTexts(a.name, b.name) || compareTexts(a.apiVersion, b.apiVersion) || compareTexts(a.subresource, b.subresource);

function writeEntry({ name, operation, apiVersion, subresource, time, fields }: Manager): ManagedFieldsEntry {
  // A field set is JSON; only its type says less.
  const fieldsV1: JsonObject = fields;
  return {
    manager: name, operation, apiVersion, ...(time === undefined ? {} : { time }), fieldsType: 'FieldsV1', fieldsV1, ...(subresource === '' ? {} : { subresource }),
  };
}

/** The list as it is stored; undefined when nobody owns anything. */
export function writeManagers(managers: readonly Manager[]): ManagedFieldsEntry[] | undefined {
  return managers.length === 0 ? undefined : managers.toSorted(byAge).map(writeEntry);
}

/** Joins the oldest updaters of one version, so that there are at most MAX_UPDATE_MANAGERS where that can be had. */
export function capManagers(managers: readonly Manager[]): readonly Manager[] {
  const updaters = managers.filter(({ operation }) => operation === 'Update');
  if (updaters.length <= MAX_UPDATE_MANAGERS) {
    return managers;
  }
  let surplus = updaters.length - MAX_UPDATE_MANAGERS;
  const buckets = new Map<string, Manager>();
  const joined = new Set<Manager>();
  const oldest = updaters.toSorted((a, b) => compareTexts(a.time ?? '', b.time ?? '') || compareTexts(a.name, b.name));
  for (const manager of oldest) {
    if (surplus === 0) {
      break;
    }
    const bucket = buckets.get(manager.apiVersion);
    // The first of a version only becomes a bucket when a second one joins it.
    buckets.set(manager.apiVersion, bucket === undefined ? manager
      : { name: ANCIENT_CHANGES, operation: 'Update', apiVersion: manager.apiVersion, subresource: '', time: manager.time, fields: union(bucket.fields, manager.fields) });
    joined.add(manager);
    surplus -= bucket === undefined ? 0 : 1;
  }
  return unified([...managers.filter((manager) => !joined.has(manager)), ...buckets.values()]);
}

/** One entry for each manager: a bucket may stand there from before. */
function unified(managers: readonly Manager[]): Manager[] {
  const found = new Map<string, Manager>();
  for (const manager of managers) {
    const identity = identityOf(manager);
    const known = found.get(identity);
    found.set(identity, known === undefined ? manager : { ...manager, fields: union(known.fields, manager.fields) });
  }
  return [...found.values()];
}

/** Those that still own something. */
export const owning = (managers: readonly Manager[]): Manager[] => managers.filter(({ fields }) => !isEmpty(fields));

/** Whether two lists say the same but for when. */
export function sameButTimes(a: readonly ManagedFieldsEntry[] | undefined, b: readonly ManagedFieldsEntry[] | undefined, equal: (a: unknown, b: unknown) => boolean): boolean {
  const timeless = (entries: readonly ManagedFieldsEntry[] | undefined): unknown => entries?.map(({ time: _time, ...rest }) => rest);
  return a === b || equal(timeless(a), timeless(b));
}
