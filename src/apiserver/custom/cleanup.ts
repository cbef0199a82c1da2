/** The objects of a definition that is being deleted: deleted in turn, and waited for. */
import { setTimeout as delay } from 'node:timers/promises';
import { isStatusError } from '../../apimachinery/status.ts';
import type { AnyKind } from '../../kinds/kind.ts';
import { CLEANUP_BATCH, CLEANUP_POLL_MS } from '../limits.ts';
import type { Core } from '../verbs/core.ts';
import { deleteObject } from '../verbs/deletes.ts';
import type { WriteContext } from '../verbs/writes.ts';

async function deleteOne(core: Core, kind: AnyKind, namespace: string, name: string, context: WriteContext): Promise<void> {
  try {
    await deleteObject(core, { kind, namespace, name }, {}, context);
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) {
      throw error;
    }
  }
}

/** Deletes every object under the kind's prefix and resolves when none is left, or with false when `signal` ends the wait. */
export async function deleteInstances(core: Core, kind: AnyKind, context: WriteContext, signal: AbortSignal): Promise<boolean> {
  const prefix = core.registry.storagePrefix(kind);
  while (!signal.aborted && core.store.count(prefix) > 0) {
    const pending = core.store.list(prefix).items.map(({ object: { metadata } }) => metadata).filter(({ deletionTimestamp }) => deletionTimestamp === undefined);
    for (let at = 0; at < pending.length; at += CLEANUP_BATCH) {
      await Promise.all(pending.slice(at, at + CLEANUP_BATCH).map(({ namespace = '', name }) => deleteOne(core, kind, namespace, name, context)));
    }
    if (core.store.count(prefix) > 0) {
      // What is left waits for its own finalizers.
      await delay(CLEANUP_POLL_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }
  return core.store.count(prefix) === 0;
}
