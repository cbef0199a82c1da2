/** All probes, in the order they are shown. */
import { cgroupsProbe, containerProbe } from './containers.ts';
import { kvmProbe, qemuProbe } from './machines.ts';
import { dhcpProbe, networkProbe } from './network.ts';
import { archiveProbe } from './packages.ts';
import type { Probe } from './probe.ts';
import { diskProbe, filesProbe, memoryProbe, portProbe } from './resources.ts';

export type { Probe, ProbeResult, ProbeStatus } from './probe.ts';

export interface ProbeTarget {
  dataDir: string;
  listen: string;
  port: number;
  /** The instance runs and has the port itself. */
  running: boolean;
}

export function probes(target: ProbeTarget): readonly Probe[] {
  return [
    containerProbe, cgroupsProbe, networkProbe, dhcpProbe, qemuProbe, kvmProbe, archiveProbe,
    diskProbe(target.dataDir), memoryProbe, filesProbe, portProbe({ listen: target.listen, port: target.port, ours: target.running }),
  ];
}
