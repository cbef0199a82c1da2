/** What a guest keeps from one start to the next although nobody wrote it down, and who its QEMU runs as. Derived, never stored. */
import { createHash } from 'node:crypto';
import type { VirtualMachineInstance } from '../../kinds/generated/kubevirt.ts';

/**
 * User and group id of every QEMU: KubeVirt's, because disk images are made readable to it. Nothing on the host belongs to it that
 * QEMU's mount namespace would show.
 */
export const RUN_AS = 107;

const digest = (...parts: string[]): Buffer => createHash('sha256').update(parts.join('\0')).digest();

/** The guest's MAC when its interface names none: locally administered, the same for every start of an instance of this name. */
export function macAddress(vmi: VirtualMachineInstance, interfaceName: string): string {
  const bytes = digest('mac', vmi.metadata.namespace ?? '', vmi.metadata.name, interfaceName).subarray(0, 6);
  bytes.writeUInt8((bytes.readUInt8(0) & 0xfc) | 0x02, 0);
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}
