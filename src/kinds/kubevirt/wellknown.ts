/** Labels, annotations and finalizers of KubeVirt's objects that several rooms must agree on. */

/** On launcher pods: `virt-launcher`. */
export const LABEL_COMPONENT = 'kubevirt.io';
export const LAUNCHER = 'virt-launcher';
/** On launcher pods: uid of the VirtualMachineInstance. */
export const LABEL_CREATED_BY = 'kubevirt.io/created-by';
/** On instances and launcher pods: name of the node they run on. */
export const LABEL_NODE_NAME = 'kubevirt.io/nodeName';
/** On instances and launcher pods: name of the VirtualMachine. */
export const LABEL_VM_NAME = 'vm.kubevirt.io/name';
/** On launcher pods: name of the instance, shortened when too long for a label; what `virtctl expose` selects. */
export const LABEL_VMI_ID = 'vmi.kubevirt.io/id';
/** On launcher pods: full name of the instance. */
export const ANNOTATION_DOMAIN = 'kubevirt.io/domain';
/** On instances: generation of the VirtualMachine they were made from. */
export const ANNOTATION_VM_GENERATION = 'kubevirt.io/vm-generation';

/** On VirtualMachines in a queue (written by the queue): whether the guest may run, as `QUEUE_STATES` has it. */
export const ANNOTATION_QUEUE_STATE = 'telar.dev/queue-state';
export const QUEUE_STATES = ['pending', 'admitted', 'stopped', 'suspended'] as const;
/** On VirtualMachines: what becomes of the guest when the queue takes its quota back: `stop` (default) or `suspend`. */
export const ANNOTATION_ON_PREEMPTION = 'telar.dev/on-preemption';
/** On VirtualMachines, `true`: the user wants the guest saved to disk until this is taken off. On instances: the node is to save it. */
export const ANNOTATION_SUSPEND = 'telar.dev/suspend';
/** On instances: uid of the instance whose saved state the guest goes on from. */
export const ANNOTATION_RESUME_FROM = 'telar.dev/resume-from';
/** On instances that resume, `true`: the state is known to be saved, so that a start without it would lose something. */
export const ANNOTATION_RESUME_REQUIRED = 'telar.dev/resume-required';
/** Of the ControllerRevision that remembers, by the machine's uid, from which instance its guest goes on. */
export const savedRevisionName = (vmUid: string): string => `suspended-${vmUid}`;
/** Condition of instances: `True` when all of the guest is on disk, `False` with a reason while it cannot be saved. */
export const CONDITION_SUSPENDED = 'Suspended';
/** On VirtualMachines and workloads: the LocalQueue they wait in. */
export const LABEL_QUEUE_NAME = 'kueue.x-k8s.io/queue-name';

/** On VirtualMachines, and on the instances made from them: removed by the VirtualMachine controller. */
export const FINALIZER_VM = 'kubevirt.io/virtualMachineControllerFinalize';
/** On instances: removed by the instance controller when no launcher is left. */
export const FINALIZER_VMI = 'kubevirt.io/foregroundDeleteVirtualMachine';

/** Name of the container in a launcher pod that runs the guest. */
export const COMPUTE_CONTAINER = 'compute';
/** Image named in launcher pods; nodes recognise it and run the machine's own QEMU instead. */
export const LAUNCHER_IMAGE = 'telar.local/virt-launcher';

/** Instance phases after which the guest never runs again. */
export const isFinalPhase = (phase: string | undefined): boolean => phase === 'Succeeded' || phase === 'Failed';
