/** What `kubectl get pods` shows: readiness, the one word that sums the state up, restarts, and where the pod is. */
import { humanDuration } from '../../apimachinery/tables.ts';
import { findCondition } from '../../apimachinery/conditions.ts';
import { AGE, column, NAME, NONE, wide } from '../columns.ts';
import type { Container, ContainerState, ContainerStatus, Pod } from '../generated/core.ts';
import type { Column } from '../kind.ts';

/** The reason Kubernetes gives pods on a node that cannot be reached. */
const NODE_LOST = 'NodeLost';

interface Summary {
  reason: string;
  ready: number;
  total: number;
  restarts: number;
  lastRestart: number | undefined;
}

const isSidecar = (container: Container | undefined): boolean => container?.restartPolicy === 'Always';

function terminatedWord({ terminated }: ContainerState): string {
  if (terminated === undefined) {
    return '';
  }
  if (terminated.reason) {
    return terminated.reason;
  }
  return terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`;
}

function countRestarts(summary: Summary, statuses: readonly ContainerStatus[]): void {
  for (const status of statuses) {
    summary.restarts += status.restartCount ?? 0;
    const finished = Date.parse(status.lastState?.terminated?.finishedAt ?? '');
    if (!Number.isNaN(finished) && finished > (summary.lastRestart ?? 0)) {
      summary.lastRestart = finished;
    }
  }
}

/** Word for the first init container that has not done its work; undefined when all have. */
function initialisation(pod: Pod, statuses: readonly ContainerStatus[], summary: Summary): string | undefined {
  const containers = pod.spec.initContainers ?? [];
  for (const [index, status] of statuses.entries()) {
    const state = status.state ?? {};
    const sidecar = isSidecar(containers.find(({ name }) => name === status.name));
    if (state.terminated?.exitCode === 0) {
      continue;
    }
    if (sidecar && status.started === true) {
      summary.ready += status.ready ? 1 : 0;
      continue;
    }
    if (state.terminated !== undefined) {
      return `Init:${terminatedWord(state)}`;
    }
    const waiting = state.waiting?.reason ?? '';
    return waiting !== '' && waiting !== 'PodInitializing' ? `Init:${waiting}` : `Init:${index}/${containers.length}`;
  }
  return undefined;
}

/** Word for the main containers, the last one that has trouble first. */
function mainState(pod: Pod, statuses: readonly ContainerStatus[], summary: Summary, reason: string): string {
  let word = reason;
  let hasRunning = false;
  for (const status of [...statuses].reverse()) {
    const state = status.state ?? {};
    if (state.waiting?.reason) {
      word = state.waiting.reason;
    } else if (state.terminated !== undefined) {
      word = terminatedWord(state);
    } else if (status.ready && state.running !== undefined) {
      hasRunning = true;
      summary.ready += 1;
    }
  }
  if (word === 'Completed' && hasRunning) {
    return findCondition(pod.status?.conditions, 'Ready')?.status === 'True' ? 'Running' : 'NotReady';
  }
  return word;
}

function firstWord({ status }: Pod): string {
  return findCondition(status?.conditions, 'PodScheduled')?.reason === 'SchedulingGated' ? 'SchedulingGated' : status?.reason || status?.phase || '';
}

function deletionWord({ metadata, status }: Pod): string | undefined {
  if (metadata.deletionTimestamp === undefined) {
    return undefined;
  }
  if (status?.reason === NODE_LOST) {
    return 'Unknown';
  }
  return status?.phase === 'Succeeded' || status?.phase === 'Failed' ? undefined : 'Terminating';
}

/** The state of a pod in one word (and counts), after k8s.io/kubernetes/pkg/printers' printPod. */
export function summarize(pod: Pod): Summary {
  const { status = {}, spec } = pod;
  const sidecars = (spec.initContainers ?? []).filter(isSidecar);
  const summary: Summary = {
    reason: firstWord(pod), ready: 0, total: spec.containers.length + sidecars.length, restarts: 0, lastRestart: undefined,
  };
  const initStatuses = status.initContainerStatuses ?? [];
  const init = initialisation(pod, initStatuses, summary);
  if (init !== undefined) {
    countRestarts(summary, initStatuses);
    summary.reason = init;
  }
  if (init === undefined || findCondition(status.conditions, 'Initialized')?.status === 'True') {
    summary.restarts = 0;
    const sidecarNames = new Set(sidecars.map(({ name }) => name));
    countRestarts(summary, initStatuses.filter(({ name }) => sidecarNames.has(name)));
    countRestarts(summary, status.containerStatuses ?? []);
    summary.reason = mainState(pod, status.containerStatuses ?? [], summary, summary.reason);
  }
  summary.reason = deletionWord(pod) ?? summary.reason;
  return summary;
}

function restarts(pod: Pod, now: number): string {
  const { restarts, lastRestart } = summarize(pod);
  return restarts > 0 && lastRestart !== undefined ? `${restarts} (${humanDuration(now - lastRestart)} ago)` : String(restarts);
}

function readinessGates({ spec, status }: Pod): string {
  const gates = spec.readinessGates ?? [];
  const met = gates.filter(({ conditionType }) => findCondition(status?.conditions, conditionType)?.status === 'True');
  return gates.length === 0 ? NONE : `${met.length}/${gates.length}`;
}

export const POD_COLUMNS: readonly Column<Pod>[] = [
  NAME,
  column('Ready', (pod) => {
    const { ready, total } = summarize(pod);
    return `${ready}/${total}`;
  }, { description: 'Containers that are ready, of all.' }),
  column('Status', (pod) => summarize(pod).reason, { description: 'The state of the pod and its containers in one word.' }),
  column('Restarts', restarts, { description: 'How often containers of this pod have been restarted, and when last.' }),
  AGE,
  wide('IP', ({ status }) => status?.podIPs?.[0]?.ip || status?.podIP || NONE),
  wide('Node', ({ spec }) => spec.nodeName || NONE),
  wide('Nominated Node', ({ status }) => status?.nominatedNodeName || NONE),
  wide('Readiness Gates', readinessGates),
];
