/** A pod's status from what is known of its containers: pure, and worded as the kubelet words it. */
import { findCondition, setCondition } from '../../apimachinery/conditions.ts';
import { formatTime } from '../../apimachinery/object.ts';
import type { Container, ContainerState, ContainerStatus, Pod, PodCondition, PodStatus } from '../../kinds/generated/core.ts';
import { qosClass } from './resources.ts';
import { containerId } from './state.ts';
import type { ContainerRecord, PodState } from './state.ts';

export interface StatusContext {
  hostIp: string;
  now: Date;
}

function stateOf(record: ContainerRecord): ContainerState {
  if (record.phase === 'running') {
    return { running: record.startedAt === undefined ? {} : { startedAt: formatTime(record.startedAt) } };
  }
  if (record.phase === 'exited' && record.terminated !== undefined) {
    return { terminated: record.terminated };
  }
  return { waiting: { ...record.waiting } };
}

/** What a running container has, where it was given something. */
function resourcesOf({ phase, resources = {} }: ContainerRecord): Pick<ContainerStatus, 'resources' | 'allocatedResources'> {
  if (phase !== 'running' || (resources.limits === undefined && resources.requests === undefined)) {
    return {};
  }
  return { resources, ...(resources.requests === undefined ? {} : { allocatedResources: resources.requests }) };
}

function containerStatus(container: Container, record: ContainerRecord): ContainerStatus {
  const running = record.phase === 'running';
  return {
    name: record.name,
    state: stateOf(record),
    lastState: record.last === undefined ? {} : { terminated: record.last },
    ready: record.kind === 'ephemeral' ? false : record.kind === 'init' ? record.terminated?.exitCode === 0 : running && record.ready,
    restartCount: Math.max(0, record.attempt),
    image: container.image ?? '',
    imageID: record.imageId,
    ...(record.id === '' ? {} : { containerID: containerId(record.id) }),
    ...resourcesOf(record),
    // Nobody waits for an ephemeral container to have started.
    ...(record.kind === 'ephemeral' ? {} : { started: running && record.started }),
  };
}

interface Counts {
  initPending: number;
  initFailed: number;
  waiting: number;
  running: number;
  stopped: number;
  succeeded: number;
}

function countInit(record: ContainerRecord, counts: Counts): void {
  if (record.kind === 'sidecar') {
    if (record.phase === 'running' ? !record.started : record.phase === 'waiting' && record.last === undefined) {
      counts.initPending += 1;
    }
  } else if (record.phase === 'exited') {
    counts.initFailed += record.terminated?.exitCode === 0 ? 0 : 1;
  } else if (record.phase === 'waiting' && record.last !== undefined && record.last.exitCode !== 0) {
    counts.initFailed += 1;
  } else {
    counts.initPending += 1;
  }
}

function countApp(record: ContainerRecord, counts: Counts): void {
  if (record.phase === 'running') {
    counts.running += 1;
  } else if (record.phase === 'exited') {
    counts.stopped += 1;
    counts.succeeded += record.terminated?.exitCode === 0 ? 1 : 0;
  } else if (record.last !== undefined) {
    counts.stopped += 1;
  } else {
    counts.waiting += 1;
  }
}

/** The containers that make a pod what it is: all but those somebody added to look at it. */
const lasting = (state: PodState): ContainerRecord[] => [...state.containers.values()].filter((record) => record.kind !== 'ephemeral');

export type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

/** The phase by the rules of the kubelet's getPhase. */
export function phaseOf(pod: Pod, state: PodState): Phase {
  if (state.ended !== undefined) {
    return 'Failed';
  }
  const counts: Counts = { initPending: 0, initFailed: 0, waiting: 0, running: 0, stopped: 0, succeeded: 0 };
  for (const record of lasting(state)) {
    (record.kind === 'app' ? countApp : countInit)(record, counts);
  }
  const policy = pod.spec?.restartPolicy ?? 'Always';
  if (counts.initFailed > 0 && policy === 'Never') {
    return 'Failed';
  }
  if (counts.initPending > 0 && counts.running + counts.stopped === 0 || counts.initFailed > 0 || counts.waiting > 0) {
    return 'Pending';
  }
  if (counts.running > 0 || policy === 'Always') {
    return 'Running';
  }
  if (counts.stopped === counts.succeeded) {
    return 'Succeeded';
  }
  return policy === 'Never' ? 'Failed' : 'Running';
}

interface ConditionState {
  status: boolean;
  reason?: string;
  message?: string;
}

const isInitialized = (record: ContainerRecord): boolean =>
  record.kind === 'sidecar' ? record.started : record.terminated?.exitCode === 0;

function initialized(pod: Pod, state: PodState, phase: Phase): ConditionState {
  const missing = lasting(state).filter((record) => record.kind !== 'app' && !isInitialized(record)).map((record) => record.name);
  if (phase === 'Succeeded') {
    return { status: true, reason: 'PodCompleted' };
  }
  // Once an application container was made, initialisation is over, whatever became of the sidecars.
  const begun = [...state.containers.values()].some((record) => record.kind === 'app' && record.attempt >= 0);
  return missing.length === 0 || begun ? { status: true }
    : { status: false, reason: 'ContainersNotInitialized', message: `containers with incomplete status: [${missing.join(' ')}]` };
}

function containersReady(state: PodState, phase: Phase): ConditionState {
  const unready = lasting(state)
    .filter((record) => record.kind !== 'init' && !(record.phase === 'running' && record.ready)).map((record) => record.name);
  if (phase === 'Succeeded' || phase === 'Failed') {
    return { status: false, reason: phase === 'Succeeded' ? 'PodCompleted' : 'PodFailed' };
  }
  return unready.length === 0 ? { status: true }
    : { status: false, reason: 'ContainersNotReady', message: `containers with unready status: [${unready.join(' ')}]` };
}

function ready(pod: Pod, containers: ConditionState): ConditionState {
  if (!containers.status) {
    return containers;
  }
  const problems: string[] = [];
  for (const { conditionType } of pod.spec?.readinessGates ?? []) {
    const found = findCondition(pod.status?.conditions, conditionType);
    if (found === undefined) {
      problems.push(`corresponding condition of pod readiness gate "${conditionType}" does not exist.`);
    } else if (found.status !== 'True') {
      problems.push(`the status of pod readiness gate "${conditionType}" is not "True", but ${found.status}`);
    }
  }
  return problems.length === 0 ? { status: true } : { status: false, reason: 'ReadinessGatesNotReady', message: problems.join(', ') };
}

/** There only while a resize waits or fails. */
const RESIZE_CONDITIONS: ReadonlySet<string> = new Set(['PodResizePending', 'PodResizeInProgress']);

function conditionsOf(pod: Pod, state: PodState, phase: Phase, now: Date): PodCondition[] {
  // Conditions of others (scheduler, readiness gates, disruption) stay as they are.
  const conditions: PodCondition[] = (pod.status?.conditions ?? []).filter(({ type }) => !RESIZE_CONDITIONS.has(type) || type === state.resize?.type)
    .map((condition) => ({ ...condition }));
  const containers = containersReady(state, phase);
  const over = phase === 'Succeeded' || phase === 'Failed';
  const wanted: [string, ConditionState][] = [
    ['PodReadyToStartContainers', { status: state.sandboxReady && !over }],
    ['Initialized', initialized(pod, state, phase)],
    ['Ready', ready(pod, containers)],
    ['ContainersReady', containers],
    ['PodScheduled', { status: true }],
    ...(state.resize === undefined ? [] : [[state.resize.type, { status: true, reason: state.resize.reason, message: state.resize.message }] satisfies [string, ConditionState]]),
  ];
  for (const [type, { status, reason, message }] of wanted) {
    const old = conditions.find((condition) => condition.type === type);
    if (old !== undefined) {
      delete old.reason;
      delete old.message;
    }
    setCondition(conditions, {
      type, status: status ? 'True' : 'False',
      ...(reason === undefined ? {} : { reason }), ...(message === undefined ? {} : { message }),
    }, now);
  }
  return conditions;
}

function statusesOf(containers: readonly Container[] | undefined, state: PodState): ContainerStatus[] {
  return (containers ?? []).flatMap((container) => {
    const record = state.containers.get(container.name);
    return record === undefined ? [] : [containerStatus(container, record)];
  });
}

/** Statuses of all containers; a pod that was refused has none to speak of. */
function containerStatuses(pod: Pod, state: PodState): Pick<PodStatus, 'initContainerStatuses' | 'containerStatuses' | 'ephemeralContainerStatuses'> {
  if (state.ended !== undefined && [...state.containers.values()].every((record) => record.attempt < 0)) {
    return {};
  }
  const init = statusesOf(pod.spec?.initContainers, state);
  const ephemeral = statusesOf(pod.spec?.ephemeralContainers, state);
  return {
    ...(init.length === 0 ? {} : { initContainerStatuses: init }),
    containerStatuses: statusesOf(pod.spec?.containers, state),
    ...(ephemeral.length === 0 ? {} : { ephemeralContainerStatuses: ephemeral }),
  };
}

/** What `status` of the pod should say now. */
export function podStatus(pod: Pod, state: PodState, context: StatusContext): PodStatus {
  const phase = phaseOf(pod, state);
  const { ended } = state;
  return {
    ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    phase,
    conditions: conditionsOf(pod, state, phase, context.now),
    ...(ended === undefined ? {} : { reason: ended.reason, message: ended.message }),
    hostIP: context.hostIp,
    hostIPs: [{ ip: context.hostIp }],
    ...(state.podIp === '' ? {} : { podIP: state.podIp, podIPs: [{ ip: state.podIp }] }),
    startTime: pod.status?.startTime ?? state.startTime ?? formatTime(context.now),
    ...containerStatuses(pod, state),
    qosClass: pod.status?.qosClass ?? qosClass(pod),
  };
}
