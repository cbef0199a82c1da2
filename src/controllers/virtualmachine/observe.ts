/**
 * The half of an instance's status that follows from its launcher pod, as a pure function. The other half, from Running on, is
 * written by the node; the line between them is: the node never ends an instance, this never starts one.
 */
import { findCondition, setCondition } from '../../apimachinery/conditions.ts';
import { deepClone } from '../../apimachinery/values.ts';
import type { ContainerStatus, Pod } from '../../kinds/generated/core.ts';
import type { VirtualMachineInstance, VirtualMachineInstanceCondition, VirtualMachineInstanceStatus } from '../../kinds/generated/kubevirt.ts';
import { enterPhase } from '../../kinds/kubevirt/phases.ts';
import { isFinalPhase } from '../../kinds/kubevirt/wellknown.ts';

/** What the API knows of an instance's launcher. */
export type Launcher = { state: 'none' } | { state: 'gone' } | { state: 'pod'; pod: Pod };

export interface Notice {
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
}

export interface Observation {
  status: VirtualMachineInstanceStatus;
  createPod: boolean;
  deletePod: boolean;
  /** Nothing is left to wait for: the instance may go. */
  release: boolean;
  notices: Notice[];
}

/** Reasons of waiting containers that say a guest cannot start as things are. */
const WAITING_TROUBLE = new Set([
  'ErrImagePull', 'ImagePullBackOff', 'ErrImageNeverPull', 'InvalidImageName', 'CreateContainerConfigError', 'CreateContainerError',
  'RunContainerError', 'CrashLoopBackOff',
]);

const containersOf = (pod: Pod): ContainerStatus[] => [...pod.status?.initContainerStatuses ?? [], ...pod.status?.containerStatuses ?? []];

function trouble(pod: Pod): { reason: string; message: string } | undefined {
  for (const { state } of containersOf(pod)) {
    const { reason, message } = state?.waiting ?? {};
    if (reason !== undefined && WAITING_TROUBLE.has(reason)) {
      return { reason, message: message ?? reason };
    }
  }
  return undefined;
}

const ended = (pod: Pod): string | undefined => (isFinalPhase(pod.status?.phase) ? pod.status?.phase : undefined);

/** The guest's last words, or what is known instead. */
function endMessage(pod: Pod): string {
  const terminated = containersOf(pod).map(({ state }) => state?.terminated).find((one) => one !== undefined);
  if (terminated === undefined) {
    return pod.status?.message ?? pod.status?.reason ?? 'the launcher pod failed';
  }
  const how = terminated.signal !== undefined && terminated.signal !== 0 ? `was killed by signal ${terminated.signal}` : `ended with exit code ${terminated.exitCode}`;
  const reason = terminated.reason === 'OOMKilled' ? ' (out of memory: raise the memory limit of the instance)' : '';
  const words = terminated.message?.trim() ?? '';
  return `QEMU ${how}${reason}${words === '' ? '' : `: ${words}`}`;
}

function nextPhase(vmi: VirtualMachineInstance, launcher: Launcher): string {
  const phase = vmi.status?.phase ?? 'Pending';
  if (isFinalPhase(phase)) {
    return phase;
  }
  const deleting = vmi.metadata.deletionTimestamp !== undefined;
  switch (launcher.state) {
    case 'none': return deleting ? 'Failed' : phase;
    // It was stopped as asked, and what it ended with went with it; or somebody removed it.
    case 'gone': return deleting ? 'Succeeded' : 'Failed';
    case 'pod': {
      const end = ended(launcher.pod);
      if (end !== undefined) {
        return end;
      }
      if (phase === 'Running' || phase === 'Scheduled') {
        return phase;
      }
      return (launcher.pod.status?.containerStatuses ?? []).some(({ state }) => state?.running !== undefined) ? 'Scheduled' : 'Scheduling';
    }
    default: return launcher satisfies never;
  }
}

function readyCondition(phase: string, launcher: Launcher): VirtualMachineInstanceCondition {
  const no = (reason: string, message: string): VirtualMachineInstanceCondition => ({ type: 'Ready', status: 'False', reason, message });
  if (launcher.state !== 'pod') {
    return no('PodNotExists', 'virt-launcher pod has not yet been scheduled');
  }
  if (isFinalPhase(phase) || ended(launcher.pod) !== undefined) {
    return no('PodTerminating', 'the guest has ended');
  }
  if (launcher.pod.metadata.deletionTimestamp !== undefined) {
    return no('PodTerminating', 'virt-launcher pod is terminating');
  }
  if (phase !== 'Running') {
    return no('GuestNotRunning', 'Guest VM is not reported as running');
  }
  const ready = findCondition(launcher.pod.status?.conditions, 'Ready');
  return ready?.status === 'True'
    ? { type: 'Ready', status: 'True', reason: '', message: '' }
    : no(ready?.reason ?? 'PodConditionMissing', ready?.message ?? 'virt-launcher pod is missing the Ready condition');
}

function scheduledCondition(pod: Pod): VirtualMachineInstanceCondition | undefined {
  const scheduled = findCondition(pod.status?.conditions, 'PodScheduled');
  return scheduled?.status === 'False'
    ? { type: 'PodScheduled', status: 'False', reason: scheduled.reason ?? '', message: scheduled.message ?? '' }
    : undefined;
}

function remove(conditions: VirtualMachineInstanceCondition[], type: string): void {
  const index = conditions.findIndex((one) => one.type === type);
  if (index >= 0) {
    conditions.splice(index, 1);
  }
}

function updateConditions(conditions: VirtualMachineInstanceCondition[], phase: string, launcher: Launcher, now: Date): void {
  setCondition(conditions, readyCondition(phase, launcher), now);
  const pod = launcher.state === 'pod' ? launcher.pod : undefined;
  const unscheduled = pod === undefined ? undefined : scheduledCondition(pod);
  if (unscheduled === undefined) {
    remove(conditions, 'PodScheduled');
  } else {
    setCondition(conditions, unscheduled, now);
  }
  const problem = pod === undefined || phase === 'Running' ? undefined : trouble(pod);
  if (problem !== undefined) {
    setCondition(conditions, { type: 'Synchronized', status: 'False', ...problem }, now);
  } else if (!isFinalPhase(phase)) {
    remove(conditions, 'Synchronized');
  }
  if (isFinalPhase(phase)) {
    remove(conditions, 'Paused');
  }
}

function placement(status: VirtualMachineInstanceStatus, pod: Pod): void {
  const { uid } = pod.metadata;
  const { nodeName } = pod.spec;
  if (nodeName === undefined || nodeName === '' || uid === undefined) {
    return;
  }
  status.nodeName = nodeName;
  status.activePods = { [uid]: nodeName };
  if (pod.status?.qosClass !== undefined) {
    status.qosClass = pod.status.qosClass;
  }
}

function noticesOf(before: string | undefined, phase: string, launcher: Launcher): Notice[] {
  if (before === phase || !isFinalPhase(phase)) {
    return [];
  }
  if (phase === 'Succeeded') {
    return [{ type: 'Normal', reason: 'ShuttingDown', message: 'The VirtualMachineInstance was shut down.' }];
  }
  const why = launcher.state === 'pod' ? endMessage(launcher.pod) : 'its virt-launcher pod is gone';
  return [{ type: 'Warning', reason: 'Stopped', message: `The VirtualMachineInstance crashed: ${why}` }];
}

/** A pod being deleted more patiently than the instance now asks is asked again. */
function needsDelete(pod: Pod, graceSeconds: number): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
  return deletionTimestamp === undefined || (deletionGracePeriodSeconds ?? 0) > graceSeconds;
}

export function observe(vmi: VirtualMachineInstance, launcher: Launcher, graceSeconds: number, now: Date): Observation {
  const status: VirtualMachineInstanceStatus = deepClone(vmi.status ?? {});
  const phase = nextPhase(vmi, launcher);
  const deleting = vmi.metadata.deletionTimestamp !== undefined;
  enterPhase(status, phase, now);
  const conditions = status.conditions ?? [];
  updateConditions(conditions, phase, launcher, now);
  status.conditions = conditions;
  if (launcher.state === 'pod') {
    placement(status, launcher.pod);
  }
  return {
    status,
    createPod: launcher.state === 'none' && !deleting && !isFinalPhase(phase),
    deletePod: launcher.state === 'pod' && deleting && needsDelete(launcher.pod, graceSeconds),
    release: deleting && isFinalPhase(phase) && launcher.state !== 'pod',
    notices: noticesOf(vmi.status?.phase, phase, launcher),
  };
}
