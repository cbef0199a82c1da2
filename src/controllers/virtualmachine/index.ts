/** VirtualMachines and their instances: one controller to switch on and off, two work queues inside. */
import type { Controller } from '../../client/controller.ts';
import { newVmController, type VmContext } from './vmcontroller.ts';
import { newVmiController } from './vmicontroller.ts';

export function newVirtualMachineController(context: VmContext): Controller {
  const parts = [newVmController(context), newVmiController(context)];
  return {
    name: 'virtualmachine',
    async start(signal) {
      await Promise.all(parts.map((part) => part.start(signal)));
    },
    stopped: Promise.all(parts.map((part) => part.stopped)).then(() => undefined),
  };
}
