import type { VirtualMachineInstance } from '../generated/kubevirt.ts';
import { defineKind } from '../kind.ts';

export const virtualMachineInstance = defineKind<VirtualMachineInstance>({
  group: 'kubevirt.io', version: 'v1', kind: 'VirtualMachineInstance', plural: 'virtualmachineinstances', singular: 'virtualmachineinstance',
  namespaced: true, type: 'kubevirt/v1.VirtualMachineInstance', origin: 'custom',
  shortNames: ['vmi', 'vmis'], categories: ['all'],
  columns: [],
  rules: {},
});
