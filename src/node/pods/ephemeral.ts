/** Ephemeral containers (`kubectl debug`): started once, whatever the rest of the pod does, and never again. */
import type { Pod } from '../../kinds/generated/core.ts';
import { PodStartError } from './errors.ts';
import { containersOf, freshRecord } from './state.ts';
import type { ContainerRecord } from './state.ts';

/** Takes up those that were added to the pod since it was seen last. */
export function addEphemeral(pod: Pod, records: Map<string, ContainerRecord>): void {
  for (const { container, kind } of containersOf(pod)) {
    if (kind === 'ephemeral' && !records.has(container.name)) {
      records.set(container.name, freshRecord(container.name, kind, 'ContainerCreating'));
    }
  }
}

/** Starts those that have not been; answers after how many milliseconds to look again (Infinity: no need). */
export async function startEphemeral(records: Iterable<ContainerRecord>, tryStart: (record: ContainerRecord) => Promise<number>): Promise<number> {
  let waitMs = Infinity;
  for (const record of records) {
    if (record.kind === 'ephemeral' && record.phase === 'waiting' && record.attempt < 0) {
      waitMs = Math.min(waitMs, await tryStart(record));
    }
  }
  return waitMs;
}

/**
 * Path of the PID namespace that an ephemeral container joins; undefined when it names no target. `pidOf` answers a running
 * container's process. Throws PodStartError when the target does not run.
 */
export async function targetNamespace(pod: Pod, name: string, pidOf: (target: string) => Promise<number>): Promise<string | undefined> {
  const target = pod.spec?.ephemeralContainers?.find((one) => one.name === name)?.targetContainerName ?? '';
  if (target === '') {
    return undefined;
  }
  const pid = await pidOf(target);
  if (pid <= 0) {
    throw new PodStartError('CreateContainerConfigError', `unable to find target container ${JSON.stringify(target)}: it is not running`);
  }
  return `/proc/${pid}/ns/pid`;
}
