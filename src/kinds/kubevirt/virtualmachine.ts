import type { VirtualMachine } from '../generated/kubevirt.ts';
import { defineKind } from '../kind.ts';

export const virtualMachine = defineKind<VirtualMachine>({
  group: 'kubevirt.io', version: 'v1', kind: 'VirtualMachine', plural: 'virtualmachines', singular: 'virtualmachine',
  namespaced: true, type: 'kubevirt/v1.VirtualMachine', origin: 'custom',
  shortNames: ['vm', 'vms'], categories: ['all', 'workloads'], status: true,
  columns: [],
  rules: {},
});
