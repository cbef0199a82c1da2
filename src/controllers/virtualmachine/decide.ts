/**
 * What a VirtualMachine's run strategy asks for, as pure functions: state in, actions out. The table is KubeVirt's
 * (virt-controller's VM controller); a test holds every cell of it.
 */
import type {
  VirtualMachine, VirtualMachineInstance, VirtualMachineStartFailure, VirtualMachineStateChangeRequest,
} from '../../kinds/generated/kubevirt.ts';
import { isFinalPhase } from '../../kinds/kubevirt/wellknown.ts';
import { formatTime } from '../../apimachinery/object.ts';
import { holdOf, isSuspended, isSuspending } from './hold.ts';

export type RunStrategy = 'Always' | 'RerunOnFailure' | 'Manual' | 'Halted' | 'Once' | 'WaitAsReceiver';

export type Action =
  /** Make the instance; with `paused` its guest waits for `unpause`. */
  | { type: 'create'; paused: boolean }
  | { type: 'delete' }
  /** Write `spec.running` or `spec.runStrategy`, whichever the object uses. */
  | { type: 'setRunning' }
  /** Put a Start into `status.stateChangeRequests`, to survive what comes between. */
  | { type: 'requestStart' }
  /** Have the guest saved to disk. */
  | { type: 'suspend' }
  /** Not any more: the guest, which still runs, goes on. */
  | { type: 'unsuspend' }
  /** Nothing before this many milliseconds are over. */
  | { type: 'wait'; ms: number };

/** First delay after a failed start, grows with the square of the failures. */
const BACKOFF_STEP_SECONDS = 10;
const BACKOFF_MAX_SECONDS = 300;
/** Share of the delay that chance may add. */
const BACKOFF_JITTER = 0.5;

/** `spec.runStrategy`, or what `spec.running` means. */
export function runStrategyOf(vm: VirtualMachine): RunStrategy {
  const { running, runStrategy } = vm.spec;
  if (running !== undefined) {
    return running ? 'Always' : 'Halted';
  }
  switch (runStrategy) {
    case 'Always': case 'RerunOnFailure': case 'Manual': case 'Once': case 'WaitAsReceiver': return runStrategy;
    default: return 'Halted';
  }
}

export const isFinal = (vmi: VirtualMachineInstance): boolean => isFinalPhase(vmi.status?.phase);

/** Whether the guest ever ran: what tells a failed start from a guest that ended. */
export const wasRunning = (vmi: VirtualMachineInstance): boolean =>
  vmi.status?.phase === 'Running' || (vmi.status?.phaseTransitionTimestamps ?? []).some(({ phase }) => phase === 'Running');

const firstRequest = (vm: VirtualMachine): VirtualMachineStateChangeRequest | undefined => vm.status?.stateChangeRequests?.[0];

export const hasStartRequest = (vm: VirtualMachine): boolean => firstRequest(vm)?.action === 'Start';

export function hasStopRequestFor(vm: VirtualMachine, vmi: VirtualMachineInstance): boolean {
  const request = firstRequest(vm);
  return request?.action === 'Stop' && request.uid === vmi.metadata.uid;
}

/** The requests that still have something to do: a Stop lives until its instance is gone, a Start until a live one exists. */
export function pendingRequests(vm: VirtualMachine, vmi: VirtualMachineInstance | undefined): VirtualMachineStateChangeRequest[] {
  const requests = [...vm.status?.stateChangeRequests ?? []];
  const done = (request: VirtualMachineStateChangeRequest): boolean => (request.action === 'Stop'
    ? vmi === undefined || vmi.metadata.uid !== request.uid
    : vmi !== undefined && !isFinal(vmi) && vmi.metadata.deletionTimestamp === undefined);
  let first = requests[0];
  while (first !== undefined && done(first)) {
    requests.shift();
    first = requests[0];
  }
  return requests;
}

/** Seconds to wait before start number `failures` + 1; `chance` from 0 to 1. */
export function backoffSeconds(failures: number, chance: number): number {
  const delay = BACKOFF_STEP_SECONDS * failures ** 2;
  return Math.min(Math.round(delay * (1 + BACKOFF_JITTER * chance)), BACKOFF_MAX_SECONDS);
}

/**
 * `status.startFailure` after looking at the instance: one more for an instance that ended before it ran, none once one ran.
 * Each instance counts once.
 */
export function startFailure(
  vm: VirtualMachine, vmi: VirtualMachineInstance | undefined, now: Date, chance: number = Math.random(),
): VirtualMachineStartFailure | undefined {
  const current = vm.status?.startFailure;
  if (vmi === undefined) {
    return runStrategyOf(vm) === 'Halted' ? undefined : current;
  }
  if (wasRunning(vmi)) {
    return undefined;
  }
  const { uid } = vmi.metadata;
  if (!isFinal(vmi) || uid === undefined || current?.lastFailedVMIUID === uid) {
    return current;
  }
  const failures = (current?.consecutiveFailCount ?? 0) + 1;
  return {
    consecutiveFailCount: failures, lastFailedVMIUID: uid,
    retryAfterTimestamp: formatTime(new Date(now.getTime() + backoffSeconds(failures, chance) * 1000)),
  };
}

function start(vm: VirtualMachine, now: Date): Action[] {
  const retryAt = Date.parse(vm.status?.startFailure?.retryAfterTimestamp ?? '');
  const left = retryAt - now.getTime();
  if (left > 0) {
    return [{ type: 'wait', ms: left }];
  }
  const paused = hasStartRequest(vm) && firstRequest(vm)?.data?.['paused'] === 'true';
  return [{ type: 'create', paused }];
}

/** A deletion once asked for needs no second. */
const stop = (vmi: VirtualMachineInstance): Action[] => (vmi.metadata.deletionTimestamp === undefined ? [{ type: 'delete' }] : []);

function rerunOnFailure(vm: VirtualMachine, vmi: VirtualMachineInstance | undefined, now: Date): Action[] {
  if (vmi === undefined) {
    // A strategy newly set starts the machine, one that was there already only on request.
    return hasStartRequest(vm) || vm.status?.runStrategy !== 'RerunOnFailure' ? start(vm, now) : [];
  }
  if (hasStopRequestFor(vm, vmi)) {
    return stop(vmi);
  }
  if (!isFinal(vmi) || vmi.metadata.deletionTimestamp !== undefined) {
    return [];
  }
  // The request comes first: a crash between the two must not leave the machine down.
  const again: Action[] = vmi.status?.phase === 'Failed' && (vm.status?.stateChangeRequests ?? []).length === 0 ? [{ type: 'requestStart' }] : [];
  return [...again, ...stop(vmi)];
}

type Strategy = (vm: VirtualMachine, vmi: VirtualMachineInstance | undefined, now: Date) => Action[];

const STRATEGIES: Readonly<Record<RunStrategy, Strategy>> = {
  Always(vm, vmi, now) {
    if (vmi === undefined) {
      return start(vm, now);
    }
    return hasStopRequestFor(vm, vmi) || isFinal(vmi) ? stop(vmi) : [];
  },
  RerunOnFailure: rerunOnFailure,
  Manual(vm, vmi, now) {
    if (vmi === undefined) {
      return hasStartRequest(vm) ? start(vm, now) : [];
    }
    return hasStopRequestFor(vm, vmi) ? stop(vmi) : [];
  },
  Once: (vm, vmi, now) => (vmi === undefined ? start(vm, now) : []),
  Halted(vm, vmi) {
    if (vmi === undefined) {
      return hasStartRequest(vm) ? [{ type: 'setRunning' }] : [];
    }
    return stop(vmi);
  },
  WaitAsReceiver: () => [],
};

/** A guest that never ran has nothing to lose. */
function suspend(vm: VirtualMachine, vmi: VirtualMachineInstance): Action[] {
  if (isFinal(vmi) || vmi.status?.phase !== 'Running' || hasStopRequestFor(vm, vmi)) {
    return stop(vmi);
  }
  return isSuspending(vmi) || vmi.metadata.deletionTimestamp !== undefined ? [] : [{ type: 'suspend' }];
}

/** What being saved, or having been, asks for; undefined when the run strategy alone decides. */
function suspension(vm: VirtualMachine, vmi: VirtualMachineInstance | undefined, now: Date, saved: boolean): Action[] | undefined {
  if (vmi !== undefined && isSuspended(vmi)) {
    // QEMU is about to end, or has.
    return isFinal(vmi) ? stop(vmi) : [];
  }
  switch (holdOf(vm)) {
    case 'stop': return vmi === undefined ? [] : stop(vmi);
    case 'suspend': return vmi === undefined ? [] : suspend(vm, vmi);
    case 'none':
      if (vmi === undefined) {
        // It ran when it was saved, so it runs again, also where a strategy would wait for a request.
        return saved ? start(vm, now) : undefined;
      }
      return isSuspending(vmi) && !isFinal(vmi) && vmi.metadata.deletionTimestamp === undefined ? [{ type: 'unsuspend' }] : undefined;
    default: return undefined;
  }
}

/** What to do for `vm` whose instance is `vmi`, in this order. `saved`: there is a record of a guest to go on with. */
export function decide(vm: VirtualMachine, vmi: VirtualMachineInstance | undefined, now: Date, saved = false): Action[] {
  if (vm.metadata.deletionTimestamp !== undefined) {
    return vmi === undefined ? [] : stop(vmi);
  }
  const strategy = runStrategyOf(vm);
  const held = strategy === 'Halted' ? undefined : suspension(vm, vmi, now, saved);
  return held ?? STRATEGIES[strategy](vm, vmi, now);
}
