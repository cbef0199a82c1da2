/** What keeps a machine from running although its run strategy would have it run: its queue, or its user's wish to have it on disk. Pure. */
import { isConditionTrue } from '../../apimachinery/conditions.ts';
import type { VirtualMachine, VirtualMachineInstance } from '../../kinds/generated/kubevirt.ts';
import { ANNOTATION_QUEUE_STATE, ANNOTATION_SUSPEND, CONDITION_SUSPENDED, LABEL_QUEUE_NAME } from '../../kinds/kubevirt/wellknown.ts';

/** `stop`: no guest. `suspend`: none but on disk, where there was one. */
export type Hold = 'none' | 'stop' | 'suspend';

/** A machine in a queue runs only while the queue says so; what the queue has not seen yet waits. */
export function holdOf({ metadata }: VirtualMachine): Hold {
  const annotations = metadata.annotations ?? {};
  const queued = metadata.labels?.[LABEL_QUEUE_NAME] !== undefined;
  const state = annotations[ANNOTATION_QUEUE_STATE];
  if (queued && state !== 'admitted' && state !== 'suspended') {
    return 'stop';
  }
  return annotations[ANNOTATION_SUSPEND] === 'true' || (queued && state === 'suspended') ? 'suspend' : 'none';
}

/** The node has saved all of the guest: there is no way back but to resume. */
export const isSuspended = (vmi: VirtualMachineInstance): boolean => isConditionTrue(vmi.status?.conditions, CONDITION_SUSPENDED);

/** The node was told to save the guest. */
export const isSuspending = (vmi: VirtualMachineInstance): boolean => vmi.metadata.annotations?.[ANNOTATION_SUSPEND] === 'true';
