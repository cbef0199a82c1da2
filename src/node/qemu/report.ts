/** What the node says of a running guest in its instance's status, as a pure function; the other half is the controller's. */
import { removeCondition, setCondition } from '../../apimachinery/conditions.ts';
import { deepClone } from '../../apimachinery/values.ts';
import type { Pod } from '../../kinds/generated/core.ts';
import type {
  VirtualMachineInstance, VirtualMachineInstanceCondition, VirtualMachineInstanceNetworkInterface, VirtualMachineInstanceStatus, VolumeStatus,
} from '../../kinds/generated/kubevirt.ts';
import { enterPhase } from '../../kinds/kubevirt/phases.ts';
import { isFinalPhase } from '../../kinds/kubevirt/wellknown.ts';
import { planDisks } from './disks.ts';
import { macAddress, RUN_AS } from './identity.ts';
import { memoryOf } from './machine.ts';

export interface GuestFacts {
  /** The pod's address, which leads to the guest; undefined while unknown. */
  ip: string | undefined;
  paused: boolean;
  emulated: boolean;
}

/** Name of the interface an instance without any gets. */
export const DEFAULT_INTERFACE = 'default';

/** Whether the guest has a network, and under which name. */
export function interfaceName(vmi: VirtualMachineInstance): string | undefined {
  const { interfaces = [], autoattachPodInterface } = vmi.spec.domain.devices;
  return interfaces[0]?.name ?? (autoattachPodInterface === false ? undefined : DEFAULT_INTERFACE);
}

export function guestMac(vmi: VirtualMachineInstance, name: string): string {
  const wanted = vmi.spec.domain.devices.interfaces?.[0]?.macAddress;
  return wanted === undefined || wanted === '' ? macAddress(vmi, name) : wanted.toLowerCase().replaceAll('-', ':');
}

function interfacesOf(vmi: VirtualMachineInstance, ip: string | undefined): VirtualMachineInstanceNetworkInterface[] {
  const name = interfaceName(vmi);
  if (name === undefined) {
    return [];
  }
  return [{
    name, mac: guestMac(vmi, name), infoSource: 'domain', podInterfaceName: 'eth0', queueCount: 1, linkState: 'up',
    ...(ip === undefined ? {} : { ipAddress: ip, ipAddresses: [ip] }),
  }];
}

const volumesOf = (vmi: VirtualMachineInstance): VolumeStatus[] =>
  [...planDisks(vmi.spec).targets].map(([name, target]) => ({ name, target })).sort((a, b) => (a.name < b.name ? -1 : 1));

const NOT_MIGRATABLE: VirtualMachineInstanceCondition = {
  type: 'LiveMigratable', status: 'False', reason: 'NotMigratable', message: 'there is no other node this virtual machine could move to',
};

function conditions(list: VirtualMachineInstanceCondition[], facts: GuestFacts, now: Date): void {
  const set = (condition: VirtualMachineInstanceCondition): void => {
    setCondition(list, condition, now);
  };
  set(NOT_MIGRATABLE);
  set({ ...NOT_MIGRATABLE, type: 'StorageLiveMigratable' });
  if (facts.emulated) {
    set({
      type: 'SoftwareEmulation', status: 'True', reason: 'SoftwareEmulation',
      message: 'the processor is emulated in software, because this node has no KVM that works: guests are many times slower',
    });
  } else {
    removeCondition(list, 'SoftwareEmulation');
  }
  if (facts.paused) {
    set({ type: 'Paused', status: 'True', reason: 'PausedByUser', message: 'VMI was paused by user' });
  } else {
    removeCondition(list, 'Paused');
  }
}

/** The status the instance should have now. `undefined` when it has ended: then nothing is said of it any more. */
export function runningStatus(vmi: VirtualMachineInstance, pod: Pod, facts: GuestFacts, now: Date): VirtualMachineInstanceStatus | undefined {
  if (isFinalPhase(vmi.status?.phase)) {
    return undefined;
  }
  const status = deepClone(vmi.status ?? {});
  for (const phase of ['Pending', 'Scheduling', 'Scheduled', 'Running']) {
    enterPhase(status, phase, now);
  }
  const { uid } = pod.metadata;
  const { nodeName } = pod.spec;
  const { sockets = 1, cores = 1, threads = 1 } = vmi.spec.domain.cpu ?? {};
  const memory = `${Math.ceil(memoryOf(vmi.spec) / (1 << 20))}Mi`;
  const list = status.conditions ?? [];
  conditions(list, facts, now);
  return {
    ...status, conditions: list,
    ...(nodeName === undefined ? {} : { nodeName, ...(uid === undefined ? {} : { activePods: { [uid]: nodeName } }) }),
    interfaces: interfacesOf(vmi, facts.ip), volumeStatus: volumesOf(vmi), guestOSInfo: status.guestOSInfo ?? {},
    machine: { type: vmi.spec.domain.machine?.type ?? 'q35' }, runtimeUser: RUN_AS,
    memory: { guestAtBoot: memory, guestCurrent: memory, guestRequested: memory },
    currentCPUTopology: { sockets, cores, threads },
  };
}
