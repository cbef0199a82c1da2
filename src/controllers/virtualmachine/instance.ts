/** The VirtualMachineInstance a VirtualMachine is run as, and what tells whether the two have drifted apart. */
import { createHash } from 'node:crypto';
import { controllerReference } from '../../apimachinery/object.ts';
import { deepClone } from '../../apimachinery/values.ts';
import type { VirtualMachine, VirtualMachineInstance, VirtualMachineInstanceSpec } from '../../kinds/generated/kubevirt.ts';
import { firmwareUuid } from '../../kinds/kubevirt/defaults.ts';
import { ANNOTATION_VM_GENERATION, FINALIZER_VM, LABEL_VM_NAME } from '../../kinds/kubevirt/wellknown.ts';

/** On instances: digest of the template they were started from. */
export const ANNOTATION_TEMPLATE = 'telar.local/started-template';

/** JSON with sorted members, so that equal templates have equal digests. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(canonical);
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, member]) => [key, canonical(member)]));
}

/** Where to place the guest may change without a restart; everything else of the template may not. */
export function templateDigest(vm: VirtualMachine): string {
  const { nodeSelector: _n, affinity: _a, tolerations: _t, ...spec } = vm.spec.template.spec ?? { domain: { devices: {} } };
  return createHash('sha256').update(JSON.stringify(canonical(spec))).digest('hex').slice(0, 16);
}

/** Whether the running instance was made from another template than the machine has now. */
export function restartRequired(vm: VirtualMachine, vmi: VirtualMachineInstance): boolean {
  const started = vmi.metadata.annotations?.[ANNOTATION_TEMPLATE];
  return started !== undefined && started !== templateDigest(vm);
}

/** Throws when the machine was never stored. */
export function instanceOf(vm: VirtualMachine, paused: boolean): VirtualMachineInstance {
  const { template } = vm.spec;
  const { name, namespace, generation } = vm.metadata;
  const spec: VirtualMachineInstanceSpec = deepClone(template.spec ?? { domain: { devices: {} } });
  spec.domain.firmware = { ...spec.domain.firmware, uuid: spec.domain.firmware?.uuid ?? firmwareUuid(name) };
  if (paused) {
    spec.startStrategy = 'Paused';
  }
  return {
    apiVersion: vm.apiVersion, kind: 'VirtualMachineInstance',
    metadata: {
      name, ...(namespace === undefined ? {} : { namespace }),
      labels: { ...template.metadata?.labels, [LABEL_VM_NAME]: name },
      annotations: {
        ...template.metadata?.annotations,
        [ANNOTATION_VM_GENERATION]: String(generation ?? 1),
        [ANNOTATION_TEMPLATE]: templateDigest(vm),
      },
      ownerReferences: [controllerReference(vm)],
      finalizers: [FINALIZER_VM],
    },
    spec,
  };
}
