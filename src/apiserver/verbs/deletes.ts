/** delete: preconditions, grace periods, finalizers and propagation, as Kubernetes' registry store decides them. */
import { formatTime, type KubeObject, type ObjectMeta } from '../../apimachinery/object.ts';
import { conflict, type StatusError } from '../../apimachinery/status.ts';
import { deepClone, deepEqual, isObject } from '../../apimachinery/values.ts';
import type { AnyKind } from '../../kinds/kind.ts';
import { RevisionMismatchError, type Stored } from '../../store/store.ts';
import { MAX_WRITE_RETRIES } from '../limits.ts';
import { refOf, type Core, type Target } from './core.ts';
import { admissionRequest, commit, isReleased, removeStored, specFinalizers, type WriteContext, type Written } from './writes.ts';

export interface DeleteOptions {
  gracePeriodSeconds?: number;
  uid?: string;
  resourceVersion?: string;
  propagationPolicy?: 'Orphan' | 'Background' | 'Foreground';
}

const ORPHAN = 'orphan';
const FOREGROUND = 'foregroundDeletion';
const DEFAULT_POD_GRACE_SECONDS = 30;

const isKind = (kind: AnyKind, group: string, plural: string): boolean => kind.group === group && kind.plural === plural;

/** Kinds whose dependents Kubernetes by default leaves alone. */
const orphansByDefault = (kind: AnyKind): boolean => isKind(kind, 'batch', 'jobs') || isKind(kind, '', 'replicationcontrollers');

/** The finalizers with which the garbage collector is told what to do about dependents. */
function finalizersFor(kind: AnyKind, meta: ObjectMeta, options: DeleteOptions): string[] {
  const present = meta.finalizers ?? [];
  const others = present.filter((one) => one !== ORPHAN && one !== FOREGROUND);
  switch (options.propagationPolicy) {
    case 'Orphan': return [...others, ORPHAN];
    case 'Foreground': return [...others, FOREGROUND];
    case 'Background': return others;
    default: break;
  }
  // What was asked for at an earlier delete stands.
  return present.includes(ORPHAN) || present.includes(FOREGROUND) || !orphansByDefault(kind) ? [...present] : [...others, ORPHAN];
}

function text(value: unknown, ...path: string[]): unknown {
  let at = value;
  for (const step of path) {
    at = isObject(at) ? at[step] : undefined;
  }
  return at;
}

/** Seconds a pod gets; 0 when nobody runs it. */
function podGrace(pod: KubeObject, options: DeleteOptions): number {
  const phase = text(pod, 'status', 'phase');
  const node = text(pod, 'spec', 'nodeName');
  if (node === undefined || node === '' || phase === 'Succeeded' || phase === 'Failed') {
    return 0;
  }
  const own = text(pod, 'spec', 'terminationGracePeriodSeconds');
  const period = options.gracePeriodSeconds ?? (typeof own === 'number' ? own : DEFAULT_POD_GRACE_SECONDS);
  return period < 0 ? 1 : period;
}

const inSeconds = (seconds: number, from: number = Date.now()): string => formatTime(new Date(from + seconds * 1000));

/** Graceful deletion of a pod: the first delete sets the deadline, later ones may only bring it forward. */
function markPod(pod: KubeObject, options: DeleteOptions): void {
  const meta = pod.metadata;
  if (meta.deletionTimestamp === undefined) {
    const grace = podGrace(pod, options);
    meta.deletionTimestamp = inSeconds(grace);
    meta.deletionGracePeriodSeconds = grace;
    if (meta.generation !== undefined) {
      meta.generation += 1;
    }
    return;
  }
  const before = meta.deletionGracePeriodSeconds ?? 0;
  const wanted = options.gracePeriodSeconds === undefined ? before : Math.max(options.gracePeriodSeconds, options.gracePeriodSeconds < 0 ? 1 : 0);
  if (wanted < before) {
    meta.deletionTimestamp = inSeconds(wanted - before, Date.parse(meta.deletionTimestamp));
    meta.deletionGracePeriodSeconds = wanted;
  }
}

function markNamespace(namespace: KubeObject): void {
  const status = text(namespace, 'status');
  Reflect.set(namespace, 'status', { ...(isObject(status) ? status : {}), phase: 'Terminating' });
}

/** The object as deletion leaves it, were it to stay. */
function marked(kind: AnyKind, current: KubeObject, options: DeleteOptions): KubeObject {
  const next = deepClone(current);
  const meta = next.metadata;
  if (meta.deletionTimestamp === undefined) {
    kind.rules.prepareDelete?.(next);
  }
  const finalizers = finalizersFor(kind, meta, options);
  if (finalizers.length === 0) {
    delete meta.finalizers;
  } else if (!deepEqual(finalizers, meta.finalizers)) {
    meta.finalizers = finalizers;
  }
  if (isKind(kind, '', 'pods')) {
    markPod(next, options);
    return next;
  }
  const held = finalizers.length > 0 || specFinalizers(next).length > 0;
  if (meta.deletionTimestamp === undefined) {
    meta.deletionTimestamp = formatTime();
    if (held && meta.generation !== undefined) {
      meta.generation += 1;
    }
  }
  if (isKind(kind, '', 'namespaces')) {
    markNamespace(next);
  } else {
    meta.deletionGracePeriodSeconds = 0;
  }
  return next;
}

function failedPrecondition(target: Target, meta: ObjectMeta, options: DeleteOptions): StatusError | undefined {
  if (options.uid !== undefined && options.uid !== meta.uid) {
    return conflict(refOf(target.kind, target.name),
      `the UID in the precondition (${options.uid}) does not match the UID in record (${meta.uid ?? ''}). The object might have been deleted and then recreated`);
  }
  if (options.resourceVersion !== undefined && options.resourceVersion !== meta.resourceVersion) {
    return conflict(refOf(target.kind, target.name), `the ResourceVersion in the precondition (${options.resourceVersion}) does not match the ResourceVersion `
      + `in record (${meta.resourceVersion ?? ''}). The object might have been modified`);
  }
  return undefined;
}

async function deleteOnce(core: Core, target: Target, current: Stored, options: DeleteOptions, dryRun: boolean): Promise<Written> {
  const next = marked(target.kind, current.object, options);
  if (!isReleased(next)) {
    return commit(core, target, current, next, { dryRun });
  }
  if (!dryRun) {
    const gone = await removeStored(core, target, current);
    return { stored: undefined, object: gone.object, deleted: true, created: false };
  }
  return { stored: undefined, object: current.object, deleted: true, created: false };
}

/** Deletes an object, or marks it as being deleted while finalizers or a grace period hold it. Throws StatusErrors. */
export async function deleteObject(core: Core, target: Target, options: DeleteOptions, context: WriteContext): Promise<Written> {
  for (let attempt = 1; ; attempt += 1) {
    const current = await core.fetch(target);
    const failed = failedPrecondition(target, current.object.metadata, options);
    if (failed !== undefined) {
      throw failed;
    }
    const request = admissionRequest(context, { operation: 'DELETE', target, subresource: '', object: undefined, old: current.object });
    await core.admission.admit(request);
    await core.admission.validate(request);
    try {
      return await deleteOnce(core, target, current, options, context.dryRun);
    } catch (error) {
      if (!(error instanceof RevisionMismatchError)) {
        throw error;
      }
      if (attempt === MAX_WRITE_RETRIES) {
        throw conflict(refOf(target.kind, target.name), 'the object changed faster than it could be deleted; try again');
      }
    }
  }
}
