/** Kinds that Kubernetes itself would have by CustomResourceDefinitions, and behave so here. */
import type { AnyKind } from './kind.ts';
import { virtualMachine } from './kubevirt/virtualmachine.ts';
import { virtualMachineInstance } from './kubevirt/virtualmachineinstance.ts';

export const CUSTOM_KINDS: readonly AnyKind[] = [virtualMachine, virtualMachineInstance];
