/** Phases of a VirtualMachineInstance, which the controller and the node both move on. */
import { formatTime } from '../../apimachinery/object.ts';
import type { VirtualMachineInstanceStatus } from '../generated/kubevirt.ts';

/** Sets the phase in place and notes when it was first reached. */
export function enterPhase(status: VirtualMachineInstanceStatus, phase: string, now: Date): void {
  status.phase = phase;
  const reached = status.phaseTransitionTimestamps ?? [];
  if (!reached.some((one) => one.phase === phase)) {
    reached.push({ phase, phaseTransitionTimestamp: formatTime(now) });
  }
  status.phaseTransitionTimestamps = reached;
}
