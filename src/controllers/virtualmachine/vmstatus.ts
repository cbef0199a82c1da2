/** `status` of a VirtualMachine as a pure function of the machine and its instance. */
import { findCondition, isConditionTrue, setCondition } from '../../apimachinery/conditions.ts';
import { deepClone } from '../../apimachinery/values.ts';
import type {
  VirtualMachine, VirtualMachineCondition, VirtualMachineInstance, VirtualMachineStatus,
} from '../../kinds/generated/kubevirt.ts';
import { ANNOTATION_VM_GENERATION } from '../../kinds/kubevirt/wellknown.ts';
import { holdOf, isSuspended, isSuspending } from './hold.ts';
import { hasStopRequestFor, isFinal, runStrategyOf } from './decide.ts';
import { restartRequired } from './instance.ts';

/** Conditions of the machine itself, never copied from the instance. */
const OWN_CONDITIONS = new Set(['Ready', 'Failure', 'RestartRequired', 'ManualRecoveryRequired', 'Initialized']);

type Test = (vm: VirtualMachine, vmi: VirtualMachineInstance | undefined, saved: boolean) => boolean;

const conditionReason = (vmi: VirtualMachineInstance | undefined, type: string): string => {
  const condition = findCondition(vmi?.status?.conditions, type);
  return condition?.status === 'False' ? condition.reason ?? '' : '';
};

const startExpected = (vm: VirtualMachine): boolean => {
  const strategy = runStrategyOf(vm);
  return strategy !== 'Halted' && strategy !== 'WaitAsReceiver'
    && (strategy !== 'Manual' || vm.status?.stateChangeRequests?.some(({ action }) => action === 'Start') === true);
};

/** In KubeVirt's order: the first that is true names the status. */
const PRINTABLE: readonly [string, Test][] = [
  ['Terminating', (vm) => vm.metadata.deletionTimestamp !== undefined],
  ['Stopping', (vm, vmi) => vmi !== undefined && !isFinal(vmi) && (vmi.metadata.deletionTimestamp !== undefined || hasStopRequestFor(vm, vmi))],
  ['Suspending', (_, vmi) => vmi !== undefined && !isFinal(vmi) && (isSuspending(vmi) || isSuspended(vmi))],
  ['Paused', (_, vmi) => vmi !== undefined && !isFinal(vmi) && isConditionTrue(vmi.status?.conditions, 'Paused')],
  ['Running', (_, vmi) => vmi?.status?.phase === 'Running'],
  ['ErrorPvcNotFound', (_, vmi) => conditionReason(vmi, 'Synchronized') === 'FailedPvcNotFound'],
  ['ErrorUnschedulable', (_, vmi) => vmi !== undefined && !isFinal(vmi) && conditionReason(vmi, 'PodScheduled') === 'Unschedulable'],
  ['ErrImagePull', (_, vmi) => vmi !== undefined && !isFinal(vmi) && conditionReason(vmi, 'Synchronized') === 'ErrImagePull'],
  ['ImagePullBackOff', (_, vmi) => vmi !== undefined && !isFinal(vmi) && conditionReason(vmi, 'Synchronized') === 'ImagePullBackOff'],
  ['Starting', (_, vmi) => vmi !== undefined && !isFinal(vmi)],
  ['Suspended', (_, vmi, saved) => (vmi === undefined && saved) || (vmi !== undefined && isSuspended(vmi))],
  ['WaitingForQuota', (vm, vmi) => (vmi === undefined || isFinal(vmi)) && startExpected(vm) && holdOf(vm) === 'stop'],
  ['CrashLoopBackOff', (vm, vmi) => (vmi === undefined || isFinal(vmi)) && startExpected(vm)
    && (vm.status?.startFailure?.consecutiveFailCount ?? 0) > 0],
  ['Stopped', (_, vmi) => vmi === undefined || isFinal(vmi)],
];

export function printableStatus(vm: VirtualMachine, vmi: VirtualMachineInstance | undefined, saved = false): string {
  return PRINTABLE.find(([, test]) => test(vm, vmi, saved))?.[0] ?? 'Unknown';
}

/** What a machine's status follows from, beside the machine and its instance. */
export interface Circumstances {
  /** What went wrong in this round, if anything did. */
  failure?: VmFailure | undefined;
  /** There is a record of a guest to go on with. */
  saved: boolean;
}

export interface VmFailure {
  reason: string;
  message: string;
}

function readyCondition(vmi: VirtualMachineInstance | undefined): VirtualMachineCondition {
  const ready = findCondition(vmi?.status?.conditions, 'Ready');
  if (vmi === undefined) {
    return { type: 'Ready', status: 'False', reason: 'VMINotExists', message: 'VMI does not exist' };
  }
  return ready === undefined
    ? { type: 'Ready', status: 'False', reason: 'VMIConditionMissing', message: 'VMI is missing the Ready condition' }
    : { type: 'Ready', status: ready.status, reason: ready.reason ?? '', message: ready.message ?? '' };
}

function conditionsOf(vm: VirtualMachine, vmi: VirtualMachineInstance | undefined, failure: VmFailure | undefined, now: Date): VirtualMachineCondition[] {
  const copied = new Set((vmi?.status?.conditions ?? []).map(({ type }) => type));
  const conditions = deepClone(vm.status?.conditions ?? [])
    .filter(({ type }) => (OWN_CONDITIONS.has(type) ? type !== 'Failure' && type !== 'RestartRequired' : copied.has(type)));
  const kept = (type: string): VirtualMachineCondition[] => (vm.status?.conditions ?? []).filter((one) => one.type === type).map(deepClone);
  if (failure !== undefined) {
    conditions.push(...kept('Failure'));
    setCondition(conditions, { type: 'Failure', status: 'True', ...failure }, now);
  }
  if (vmi !== undefined && !isFinal(vmi) && restartRequired(vm, vmi)) {
    conditions.push(...kept('RestartRequired'));
    setCondition(conditions, {
      type: 'RestartRequired', status: 'True', reason: 'RestartRequired',
      message: 'the template was changed: the change takes effect when the machine is restarted',
    }, now);
  }
  for (const condition of vmi?.status?.conditions ?? []) {
    if (!OWN_CONDITIONS.has(condition.type)) {
      setCondition<VirtualMachineCondition>(conditions, deepClone(condition), now);
    }
  }
  setCondition(conditions, readyCondition(vmi), now);
  return conditions;
}

/** The new status. `vm.status` already holds the requests and start failure that are to stay. */
export function vmStatus(vm: VirtualMachine, vmi: VirtualMachineInstance | undefined, { failure, saved }: Circumstances, now: Date): VirtualMachineStatus {
  const observed = Number(vmi?.metadata.annotations?.[ANNOTATION_VM_GENERATION]);
  const { created: _c, ready: _r, stateChangeRequests, startFailure, observedGeneration, ...rest } = vm.status ?? {};
  const generation = Number.isInteger(observed) ? observed : observedGeneration;
  return {
    ...rest,
    conditions: conditionsOf(vm, vmi, failure, now),
    printableStatus: printableStatus(vm, vmi, saved),
    runStrategy: runStrategyOf(vm),
    ...(vmi === undefined ? {} : { created: true }),
    ...(isConditionTrue(vmi?.status?.conditions, 'Ready') ? { ready: true } : {}),
    ...(stateChangeRequests === undefined || stateChangeRequests.length === 0 ? {} : { stateChangeRequests }),
    ...(startFailure === undefined ? {} : { startFailure }),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...(vm.metadata.generation === undefined ? {} : { desiredGeneration: vm.metadata.generation }),
  };
}
