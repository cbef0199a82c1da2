/** What the node knows of a pod's containers: the input of the status and of the next step. */
import { formatTime } from '../../apimachinery/object.ts';
import type { Container, ContainerStateTerminated, ContainerStatus, Pod, ResourceRequirements } from '../../kinds/generated/core.ts';

/** `sidecar`: an init container that runs on (restartPolicy Always). `ephemeral`: added later, for debugging; nothing waits for it. */
export type ContainerKind = 'init' | 'sidecar' | 'app' | 'ephemeral';

export interface ContainerRecord {
  readonly name: string;
  readonly kind: ContainerKind;
  phase: 'waiting' | 'running' | 'exited';
  /** Counts containers made for this name: the restart count while it is not -1 (none made yet). */
  attempt: number;
  /** Podman's id of the current attempt; empty before the first. */
  id: string;
  imageId: string;
  /** Why it is not running, while it waits. */
  waiting: { reason: string; message?: string };
  startedAt?: Date;
  /** What its process was given, while it runs. */
  resources?: ResourceRequirements;
  /** The current attempt's end. */
  terminated?: ContainerStateTerminated;
  /** The attempt's end before. */
  last?: ContainerStateTerminated;
  /** Startup probe passed, or there is none. */
  started: boolean;
  /** Readiness probe passes, or there is none. */
  ready: boolean;
}

export interface PodState {
  readonly containers: Map<string, ContainerRecord>;
  /** The pod's address; empty before its network stands. */
  podIp: string;
  sandboxReady: boolean;
  /** Set when the whole pod was ended for a reason of its own (DeadlineExceeded, Evicted, refused). */
  ended?: { reason: string; message: string };
  /** Why the pod's containers do not have the resources it asks for. */
  resize?: { type: 'PodResizePending' | 'PodResizeInProgress'; reason: string; message: string } | undefined;
  /** First time this node saw the pod, RFC 3339. */
  startTime?: string;
}

export function kindOf(container: Container, init: boolean): ContainerKind {
  return init ? container.restartPolicy === 'Always' ? 'sidecar' : 'init' : 'app';
}

/** All containers with their kind, init containers first, in the order they start; ephemeral ones last. */
export function containersOf(pod: Pod): { container: Container; kind: ContainerKind }[] {
  return [
    ...(pod.spec?.initContainers ?? []).map((container) => ({ container, kind: kindOf(container, true) })),
    ...(pod.spec?.containers ?? []).map((container) => ({ container, kind: kindOf(container, false) })),
    ...(pod.spec?.ephemeralContainers ?? []).map((container) => ({ container, kind: 'ephemeral' as const })),
  ];
}

/** A container that the status calls running and Podman does not know: it went with a reboot or was removed by hand. */
function lost(status: ContainerStatus): ContainerStateTerminated {
  const started = status.state?.running?.startedAt;
  return {
    exitCode: 137, reason: 'ContainerStatusUnknown', message: 'The container could not be located when the pod was checked',
    finishedAt: formatTime(), ...(started === undefined ? {} : { startedAt: started }),
    ...(status.containerID === undefined ? {} : { containerID: status.containerID }),
  };
}

export function freshRecord(name: string, kind: ContainerKind, waiting: string): ContainerRecord {
  return { name, kind, phase: 'waiting', attempt: -1, id: '', imageId: '', waiting: { reason: waiting }, started: false, ready: false };
}

function recordFromStatus(record: ContainerRecord, status: ContainerStatus): ContainerRecord {
  const last = status.lastState?.terminated;
  const end = status.state?.terminated ?? (status.state?.running === undefined ? undefined : lost(status));
  const made = (status.containerID !== undefined && status.containerID !== '') || last !== undefined;
  return {
    ...record, attempt: made ? status.restartCount : -1, id: idOf(status.containerID), imageId: status.imageID,
    ...(end === undefined ? {} : { phase: 'exited' as const, terminated: end }),
    ...(last === undefined ? {} : { last }),
  };
}

/** Records as the last published status has them, before Podman is asked. */
export function recordsFromStatus(pod: Pod): Map<string, ContainerRecord> {
  const statuses = [...pod.status?.initContainerStatuses ?? [], ...pod.status?.containerStatuses ?? [], ...pod.status?.ephemeralContainerStatuses ?? []];
  const waiting = (pod.spec?.initContainers ?? []).length > 0 ? 'PodInitializing' : 'ContainerCreating';
  return new Map(containersOf(pod).map(({ container, kind }) => {
    const status = statuses.find((one) => one.name === container.name);
    const fresh = freshRecord(container.name, kind, waiting);
    return [container.name, status === undefined ? fresh : recordFromStatus(fresh, status)];
  }));
}

/** `podman://<id>` as statuses write it. */
export function containerId(id: string): string {
  return `podman://${id}`;
}

function idOf(text: string | undefined): string {
  return text === undefined ? '' : text.slice(text.indexOf('://') + 3);
}

export function isTerminal(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** Whether a container that ended is to be started again. */
export function shouldRestart(pod: Pod, record: ContainerRecord): boolean {
  if (record.kind === 'sidecar' || record.kind === 'ephemeral') {
    return record.kind === 'sidecar';
  }
  const container = containersOf(pod).find((one) => one.container.name === record.name)?.container;
  const policy = pod.spec?.restartPolicy ?? 'Always';
  const exitCode = record.terminated?.exitCode ?? 0;
  if (record.kind === 'init') {
    return exitCode !== 0 && policy !== 'Never';
  }
  const own = container?.restartPolicy ?? policy;
  return own === 'Always' || (own === 'OnFailure' && exitCode !== 0);
}

/** init and sidecar containers hold back those after them until they are done or up. */
export function holdsBack(record: ContainerRecord): boolean {
  return record.kind === 'init' || (record.kind === 'sidecar' && !(record.phase === 'running' && record.started));
}

/** Where a container stands in its pod's spec. */
export function listOf(record: ContainerRecord): 'containers' | 'initContainers' | 'ephemeralContainers' {
  return record.kind === 'app' ? 'containers' : record.kind === 'ephemeral' ? 'ephemeralContainers' : 'initContainers';
}
