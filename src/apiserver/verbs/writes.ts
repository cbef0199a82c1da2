/** Creating, changing and removing objects: the rules every write passes, whoever asks. Requests are read elsewhere. */
import { generateName } from '../../apimachinery/names.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { alreadyExists, badRequest, conflict, tooLarge, type StatusError } from '../../apimachinery/status.ts';
import { deepClone } from '../../apimachinery/values.ts';
import type { AnyKind } from '../../kinds/kind.ts';
import { KeyExistsError, RevisionMismatchError, ValueTooLargeError, type Stored } from '../../store/store.ts';
import type { MutableRequest, Operation } from '../admission/admission.ts';
import { newRequest, type RequestContext } from '../admission/request.ts';
import { BIG_BODY_BYTES, MAX_MEMBERS, MAX_WRITE_RETRIES } from '../limits.ts';
import { breath, Pace } from '../pace.ts';
import { refOf, type Core, type Target } from './core.ts';
import { beginLife, carryOver, desiredStateChanged, dropDuplicateOwners, hasGeneration, settleNamespace, validateChanged, validateNew, validateStatus } from './meta.ts';
import { componentName } from './fieldmanager.ts';
import { changesNothing, trackCreate, trackUpdate } from './tracking.ts';

/** Who writes, and how. */
export interface WriteContext extends RequestContext {
  /** Who owns what this write changes; the user's component when absent. */
  readonly manager?: string;
  /** The object says already who owns it: it was applied. */
  readonly fieldsNoted?: true;
  /** What is written is long: each of the things that are done with it takes its time, so that others come in between. */
  readonly pace?: Pace;
}

const managerOf = ({ manager, user }: WriteContext): string => manager ?? componentName(user.name);

/** The outcome of a write: what is stored, or what a dry run would have stored. */
export interface Written {
  readonly stored: Stored | undefined;
  readonly object: KubeObject;
  /** The object is gone: `object` is its last state. */
  readonly deleted: boolean;
  readonly created: boolean;
}

const MODIFIED = 'the object has been modified; please apply your changes to the latest version and try again';
/** Random suffixes tried for one generateName. */
const MAX_NAME_TRIES = 8;

interface Admitting {
  operation: Operation;
  target: Target;
  subresource: string;
  object: KubeObject | undefined;
  old: KubeObject | undefined;
}

export const admissionRequest = (context: WriteContext, { operation, target: { kind, namespace, name }, subresource, object, old }: Admitting): MutableRequest =>
  newRequest(context, { operation, kind, namespace, name, subresource, object, old });

/** `shown`: the object of `kind` that was stored. */
const written = (core: Core, kind: AnyKind, stored: Stored, shown: KubeObject, created: boolean): Written => {
  const seen = core.view(kind, stored, shown);
  return { stored: seen, object: seen.object, deleted: false, created };
};

function nameTaken(core: Core, target: Target): StatusError {
  const error = alreadyExists(refOf(target.kind, target.name));
  if (core.store.get(core.key(target))?.object.metadata.deletionTimestamp !== undefined) {
    error.status.message = `object is being deleted: ${error.status.message ?? ''}`;
  }
  return error;
}

/** Whether an object inside of a value has more members than may be. */
function isTooWide(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) {
    return false;
  }
  const members: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  return (members.length > MAX_MEMBERS && !Array.isArray(value)) || members.some(isTooWide);
}

/** However it came about: by one long body, or by many short patches. Throws RequestEntityTooLarge. */
function checkWidth(object: KubeObject, old: KubeObject | undefined, pace: Pace | undefined): void {
  // What is stored already may have come from elsewhere: a restored backup.
  if (pace !== undefined && isTooWide(object) && !isTooWide(old)) {
    throw tooLarge(`Request entity too large: an object may have at most ${MAX_MEMBERS} members`);
  }
}

/** Gives a new object a name, where it has none; answers what it is generated from, empty when it is not. */
function settleName(meta: KubeObject['metadata']): string {
  const base = meta.name === undefined || meta.name === '' ? meta.generateName ?? '' : '';
  if (base !== '' || meta.name === undefined) {
    // Without any it is empty, as in Kubernetes: rules are asked before the refusal and may count on a text.
    meta.name = base === '' ? '' : generateName(base);
  }
  return base;
}

/** Defaults, owners, admission and validation of a new object; resolves with what admission has made of it. */
async function settleNew(core: Core, kind: AnyKind, given: KubeObject, request: MutableRequest, context: WriteContext): Promise<KubeObject> {
  const { pace } = context;
  kind.rules.defaults?.(given);
  if (context.fieldsNoted !== true) {
    trackCreate(core.registry, kind, given, managerOf(context));
  }
  if (pace !== undefined) {
    await breath(pace);
  }
  await core.admission.admit(request);
  const object = request.object ?? given;
  if (pace !== undefined) {
    await breath(pace);
  }
  kind.rules.prepareCreate?.(object);
  validateNew(kind, object);
  if (pace !== undefined) {
    await breath(pace);
  }
  await core.admission.validate(request);
  context.warnings.push(...kind.rules.warnings?.(object) ?? []);
  if (pace !== undefined) {
    await breath(pace);
  }
  return object;
}

/** Stores a new object. `given` is the caller's to give: it is changed and kept. Throws StatusErrors. */
export async function createObject(core: Core, kind: AnyKind, namespace: string, given: KubeObject, context: WriteContext): Promise<Written> {
  const meta = given.metadata;
  settleNamespace(kind, meta, namespace);
  const base = settleName(meta);
  beginLife(kind, meta);
  dropDuplicateOwners(meta, context.warnings);
  checkWidth(given, undefined, context.pace);
  const target: Target = { kind, namespace: kind.namespaced ? namespace : '', name: meta.name ?? '' };
  const request = admissionRequest(context, { operation: 'CREATE', target, subresource: '', object: given, old: undefined });
  const object = await settleNew(core, kind, given, request, context);
  const reservation = core.admission.reserve(request);
  try {
    return context.dryRun ? dryCreate(core, target, object) : await storeNew(core, target, object, base);
  } finally {
    reservation.release();
  }
}

function dryCreate(core: Core, target: Target, object: KubeObject): Written {
  if (core.store.get(core.key(target)) !== undefined) {
    throw nameTaken(core, target);
  }
  return { stored: undefined, object, deleted: false, created: true };
}

async function storeNew(core: Core, target: Target, object: KubeObject, base: string): Promise<Written> {
  const { kind } = target;
  let place = target;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const stored = await core.store.create(core.key(place), await core.encode(kind, object));
      core.admission.committed(kind, stored.object, undefined);
      return written(core, kind, stored, object, true);
    } catch (error) {
      if (dropManagedFields(object, error)) {
        continue;
      }
      if (!(error instanceof KeyExistsError)) {
        throw error;
      }
      if (base === '' || attempt === MAX_NAME_TRIES) {
        throw nameTaken(core, place);
      }
      object.metadata.name = generateName(base);
      place = { ...place, name: object.metadata.name };
    }
  }
}

/** An object that is too long may be short enough without the notes on who owns it; true when there were any. */
function dropManagedFields(object: KubeObject, error: unknown): boolean {
  if (!(error instanceof ValueTooLargeError) || object.metadata.managedFields === undefined) {
    return false;
  }
  delete object.metadata.managedFields;
  return true;
}

/** Which part of an object an update may change. */
export type UpdateScope =
  | { readonly part: 'main' }
  | { readonly part: 'status' }
  /**
   * Another subresource, whose handler changes only what it may. `update` checks the change as one of the main resource, `object` only that
   * the result is valid (a binding sets what an update may not); `generation` says whether it can change what is wanted.
   */
  | { readonly part: 'other'; readonly subresource: string; readonly check: 'update' | 'object'; readonly generation: boolean };

export interface Update {
  readonly target: Target;
  readonly scope: UpdateScope;
  /** The wanted object from the current one, which must not be changed. Called again after a lost race. `pace` when it may take long. */
  mutate(current: KubeObject, pace?: Pace): KubeObject | Promise<KubeObject>;
}

/** Changes an object. A resourceVersion in the mutated object that is not the current one is a Conflict. Throws StatusErrors. */
export async function updateObject(core: Core, update: Update, given: WriteContext): Promise<Written> {
  for (let attempt = 1; ; attempt += 1) {
    const current = await core.fetch(update.target);
    const context = given.pace === undefined && current.json.length > BIG_BODY_BYTES ? { ...given, pace: new Pace() } : given;
    if (context.pace !== undefined) {
      await breath(context.pace);
    }
    const next = await update.mutate(current.object, context.pace);
    checkWidth(next, current.object, context.pace);
    if (context.pace !== undefined) {
      await breath(context.pace);
    }
    const wanted = next.metadata.resourceVersion;
    const conditional = wanted !== undefined && wanted !== '' && wanted !== current.object.metadata.resourceVersion;
    if (conditional) {
      throw conflict(refOf(update.target.kind, update.target.name), MODIFIED);
    }
    try {
      return await replace(core, update, current, next, context);
    } catch (error) {
      if (!(error instanceof RevisionMismatchError)) {
        throw error;
      }
      if (attempt === MAX_WRITE_RETRIES) {
        throw conflict(refOf(update.target.kind, update.target.name), MODIFIED);
      }
    }
  }
}

interface Settling {
  readonly kind: AnyKind;
  readonly old: KubeObject;
  readonly request: MutableRequest;
  readonly pace: Pace | undefined;
  /** Notes who owns what has changed. */
  readonly track: (next: KubeObject) => void;
}

/** Brings an update to the shape its scope allows, with defaults, and checks it; resolves with what admission has made of it. */
function settle(core: Core, update: Update, current: Stored, request: MutableRequest, context: WriteContext): Promise<KubeObject> {
  const { kind } = update.target;
  const old = current.object;
  const next = request.object ?? old;
  carryOver(kind, next.metadata, old.metadata);
  dropDuplicateOwners(next.metadata, context.warnings);
  const { subresource } = request;
  const settling: Settling = {
    kind, old, request, pace: context.pace,
    track: (changed) => {
      // A binding is a scheduler's word on a pod, not an update of it.
      if (context.fieldsNoted !== true && subresource !== 'binding') {
        trackUpdate(core.registry, { kind, subresource, old, next: changed }, managerOf(context));
      }
    },
  };
  return update.scope.part === 'status' ? settleStatus(core, settling, next) : settleWanted(core, settling, update.scope, next);
}

async function settleStatus(core: Core, { kind, old, request, pace, track }: Settling, given: KubeObject): Promise<KubeObject> {
  kind.rules.defaultStatus?.(given);
  track(given);
  if (pace !== undefined) {
    await breath(pace);
  }
  await core.admission.admit(request);
  const next = request.object ?? given;
  validateStatus(kind, next, old);
  if (pace !== undefined) {
    await breath(pace);
  }
  await core.admission.validate(request);
  return next;
}

async function settleWanted(core: Core, { kind, old, request, pace, track }: Settling, scope: Exclude<UpdateScope, { part: 'status' }>, given: KubeObject): Promise<KubeObject> {
  if (scope.part === 'main' && kind.status === true) {
    keepStatus(given, old);
  }
  kind.rules.defaults?.(given);
  track(given);
  if (pace !== undefined) {
    await breath(pace);
  }
  await core.admission.admit(request);
  const next = request.object ?? given;
  if (pace !== undefined) {
    await breath(pace);
  }
  if (scope.part === 'main') {
    kind.rules.prepareUpdate?.(next, old);
  }
  const rules = scope.part === 'other' ? scope : { check: 'update', generation: true } as const;
  validateChanged(kind, next, old, rules.check);
  if (rules.generation && hasGeneration(kind) && desiredStateChanged(kind, next, old)) {
    next.metadata.generation = (old.metadata.generation ?? 0) + 1;
  }
  if (pace !== undefined) {
    await breath(pace);
  }
  await core.admission.validate(request);
  return next;
}

function keepStatus(next: KubeObject, old: KubeObject): void {
  const status: unknown = Reflect.get(old, 'status');
  if (status === undefined) {
    Reflect.deleteProperty(next, 'status');
  } else {
    Reflect.set(next, 'status', deepClone(status));
  }
}

async function replace(core: Core, update: Update, current: Stored, wanted: KubeObject, context: WriteContext): Promise<Written> {
  const { target, scope } = update;
  const { kind } = target;
  const subresource = scope.part === 'other' ? scope.subresource : scope.part === 'status' ? 'status' : '';
  const request = admissionRequest(context, { operation: 'UPDATE', target, subresource, object: wanted, old: current.object });
  const next = await settle(core, update, current, request, context);
  if (context.pace !== undefined) {
    await breath(context.pace);
  }
  if (subresource === '') {
    context.warnings.push(...kind.rules.warnings?.(next) ?? []);
  }
  const reservation = core.admission.reserve(request);
  try {
    return await commit(core, target, current, next, context);
  } finally {
    reservation.release();
  }
}

/** A deleted object that nothing holds any longer: no finalizer, no grace period, no namespace content. */
export function isReleased(object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata;
  return deletionTimestamp !== undefined && (deletionGracePeriodSeconds ?? 0) === 0 && (finalizers ?? []).length === 0 && specFinalizers(object).length === 0;
}

/** `spec.finalizers` of a namespace; no other kind has them. */
export function specFinalizers(object: KubeObject): readonly unknown[] {
  if (object.kind !== 'Namespace' || object.apiVersion !== 'v1') {
    return [];
  }
  const spec: unknown = Reflect.get(object, 'spec');
  const finalizers: unknown = typeof spec === 'object' && spec !== null ? Reflect.get(spec, 'finalizers') : undefined;
  return Array.isArray(finalizers) ? finalizers : [];
}

/** Writes `next` over `current`, or nothing when they are equal, or removes it when this update released it. */
export async function commit(core: Core, target: Target, current: Stored, next: KubeObject, { dryRun, pace }: Pick<WriteContext, 'dryRun' | 'pace'>): Promise<Written> {
  const { kind } = target;
  if (changesNothing(next, current.object) && !core.isStale(target, current)) {
    return { stored: current, object: current.object, deleted: false, created: false };
  }
  if (pace !== undefined) {
    await breath(pace);
  }
  const released = isReleased(next);
  if (dryRun) {
    return { stored: undefined, object: next, deleted: released, created: false };
  }
  if (released) {
    await removeStored(core, target, current);
    return { stored: undefined, object: next, deleted: true, created: false };
  }
  const stored = await storeChanged(core, target, current, next);
  core.admission.committed(kind, stored.object, current.object);
  return written(core, kind, stored, next, false);
}

async function storeChanged(core: Core, target: Target, current: Stored, next: KubeObject): Promise<Stored> {
  try {
    return await core.store.update(core.key(target), current.revision, await core.encode(target.kind, next));
  } catch (error) {
    if (!dropManagedFields(next, error)) {
      throw error;
    }
    return core.store.update(core.key(target), current.revision, await core.encode(target.kind, next));
  }
}

export async function removeStored(core: Core, target: Target, current: Stored): Promise<Stored> {
  const gone = await core.store.delete(core.key(target), current.revision);
  core.admission.committed(target.kind, undefined, current.object);
  return core.view(target.kind, gone, current.object);
}

/** Name and namespace of a PUT body against the path. Throws BadRequest. */
export function checkIdentity(target: Target, object: KubeObject): void {
  settleNamespace(target.kind, object.metadata, target.namespace);
  const { name } = object.metadata;
  if (name === undefined || name === '') {
    throw badRequest(`the name of the object (${target.name} based on URL) was undeterminable: name must be provided`);
  }
  if (name !== target.name) {
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${target.name})`);
  }
}
