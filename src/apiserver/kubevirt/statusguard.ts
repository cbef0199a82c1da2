/**
 * VirtualMachineInstances have no status subresource, so their controllers write status with the whole object. What others write
 * there is put back silently, as KubeVirt's webhook does.
 */
import type { AdmissionPlugin } from '../admission/admission.ts';

/** The account of the controller of virtual machines. */
const CONTROLLER = 'system:serviceaccount:kube-system:virtualmachine-controller';

/** Components of the control plane and nodes; service accounts are users' programs. */
const isComponent = (name: string): boolean => name === CONTROLLER || (name.startsWith('system:') && !name.startsWith('system:serviceaccount:'));

export const instanceStatusGuard: AdmissionPlugin = {
  name: 'VirtualMachineInstanceStatus',
  admit({ operation, kind, object, old, user }) {
    if (operation !== 'UPDATE' || kind.group !== 'kubevirt.io' || kind.plural !== 'virtualmachineinstances' || object === undefined || old === undefined
      || isComponent(user.name)) {
      return;
    }
    const status: unknown = Reflect.get(old, 'status');
    if (status === undefined) {
      Reflect.deleteProperty(object, 'status');
    } else {
      Reflect.set(object, 'status', structuredClone(status));
    }
  },
};
