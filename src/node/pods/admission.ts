/** Whether this node can run a pod as it is written; what it cannot is refused, never run differently. */
import type { Pod } from '../../kinds/generated/core.ts';
import { unsupportedVolume } from '../volumes/volumes.ts';

export interface Refusal {
  reason: string;
  message: string;
}

const refuse = (message: string): Refusal => ({ reason: 'UnsupportedPodSpec', message: `Pod was rejected: ${message}` });

/** Undefined when the node runs it. */
export function refusalOf(pod: Pod): Refusal | undefined {
  const { spec } = pod;
  if (spec === undefined) {
    return refuse('it has no spec');
  }
  const volume = unsupportedVolume(pod);
  if (volume !== undefined) {
    return refuse(volume);
  }
  const containers = [...spec.containers, ...spec.initContainers ?? []];
  if (spec.os?.name !== undefined && spec.os.name !== 'linux') {
    return refuse(`its operating system is ${spec.os.name}, this node runs linux`);
  }
  if (spec.hostUsers === false) {
    return refuse('hostUsers: false (user namespaces) is not supported by this node');
  }
  if ((spec.resourceClaims ?? []).length > 0) {
    return refuse('resourceClaims are not supported by this node');
  }
  const device = containers.find((container) => (container.volumeDevices ?? []).length > 0);
  if (device !== undefined) {
    return refuse(`container "${device.name}" uses volumeDevices, which this node does not provide`);
  }
  return undefined;
}
