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
