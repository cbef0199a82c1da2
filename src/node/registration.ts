/** This machine as a Node object and its Lease: what it has, how it is, that it is alive. */
import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { arch, cpus, hostname, release, totalmem } from 'node:os';
import { missingAs } from '../apimachinery/errno.ts';
import type { Instance } from '../apimachinery/instance.ts';
import type { Log } from '../apimachinery/log.ts';
import { setCondition } from '../apimachinery/conditions.ts';
import { formatMicroTime, formatTime } from '../apimachinery/object.ts';
import { isStatusError } from '../apimachinery/status.ts';
import { deepClone, deepEqual } from '../apimachinery/values.ts';
import type { Client } from '../client/client.ts';
import { LEASES, NODES } from '../client/resources.ts';
import type { Lease } from '../kinds/generated/coordination.ts';
import type { Node, NodeCondition, NodeStatus } from '../kinds/generated/core.ts';
import { memInfo } from './metrics/stats.ts';
import type { ListedImage } from './podman/types.ts';

const KUBELET_VERSION = 'v1.36.0+telar';
const LEASE_NAMESPACE = 'kube-node-lease';
const LEASE_SECONDS = 40;
const RENEW_MS = 10_000;
/** A status that does not change is written anew this often, milliseconds. */
const REPORT_MS = 300_000;
const MAX_PODS = 110;
/** As the kubelet's default eviction thresholds. */
const MIN_MEMORY_BYTES = 100 * 1024 * 1024;
const MIN_DISK_SHARE = 0.1;
const MIN_INODE_SHARE = 0.05;
const MIN_PID_SHARE = 0.1;
/** The kubelet lists as many images. */
const MAX_IMAGES = 50;
const GOARCH: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', s390x: 's390x', ppc64: 'ppc64le', riscv64: 'riscv64' };

const readText = (path: string): string => {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    return missingAs('')(error);
  }
};

function osImage(): string {
  return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(readText('/etc/os-release'))?.[1] ?? 'Linux';
}

export interface Capacity {
  cores: number;
  memoryBytes: number;
  /** What pods may ask for. */
  allocatableMemoryBytes: number;
}

export function machineCapacity(): Capacity {
  const memoryBytes = totalmem();
  return { cores: cpus().length, memoryBytes, allocatableMemoryBytes: memoryBytes - MIN_MEMORY_BYTES };
}

export interface RegistrationOptions {
  client: Client;
  instance: Instance;
  log: Log;
  /** e.g. `4.3.1`. */
  podmanVersion: string;
  /** The node's HTTPS port; 0 without one. */
  kubeletPort: number;
  images(): Promise<ListedImage[]>;
  /** Why the node cannot run pods now; undefined when it can. */
  problem(): string | undefined;
}

const quantity = (bytes: number): string => `${Math.floor(bytes / 1024)}Ki`;

interface Pressure {
  type: string;
  holds: boolean;
  yes: [reason: string, message: string];
  no: [reason: string, message: string];
}

async function pressures(dataDir: string): Promise<Pressure[]> {
  const disk = await statfs(dataDir);
  const [running = 0] = readText('/proc/loadavg').split(' ').slice(3, 4).map((one) => Number(one.split('/')[1]));
  const maximum = Number(readText('/proc/sys/kernel/pid_max')) || Infinity;
  return [
    {
      type: 'MemoryPressure', holds: memInfo('MemAvailable') < MIN_MEMORY_BYTES,
      yes: ['KubeletHasInsufficientMemory', 'kubelet has insufficient memory available'],
      no: ['KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
    },
    {
      type: 'DiskPressure', holds: disk.bavail < disk.blocks * MIN_DISK_SHARE || (disk.files > 0 && disk.ffree < disk.files * MIN_INODE_SHARE),
      yes: ['KubeletHasDiskPressure', `kubelet has disk pressure: free space where ${dataDir} lies`],
      no: ['KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
    },
    {
      type: 'PIDPressure', holds: maximum - running < maximum * MIN_PID_SHARE,
      yes: ['KubeletHasInsufficientPID', 'kubelet has insufficient PID available'],
      no: ['KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
    },
  ];
}

export class Registration {
  readonly #options: RegistrationOptions;
  #lease: Lease | undefined;
  #timer: NodeJS.Timeout | undefined;
  #reported = 0;
  #busy: Promise<void> | undefined;

  constructor(options: RegistrationOptions) {
    this.#options = options;
  }

  /** Resolves when the Node object says that this machine is ready. */
  async start(): Promise<void> {
    await this.#report();
    await this.#renew();
    this.#timer = setInterval(() => {
      this.#busy ??= this.#beat().finally(() => { this.#busy = undefined; });
    }, RENEW_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#busy;
  }

  async #beat(): Promise<void> {
    try {
      await this.#renew();
      await this.#report();
    } catch (error) {
      this.#lease = undefined;
      this.#reported = 0;
      this.#options.log.warn({ error: String(error) }, 'the node could not report itself; trying again');
    }
  }

  async #renew(): Promise<void> {
    const { client, instance } = this.#options;
    const spec = { holderIdentity: instance.nodeName, leaseDurationSeconds: LEASE_SECONDS, renewTime: formatMicroTime() };
    const known = this.#lease ?? await this.#find(() => client.get(LEASES, instance.nodeName, LEASE_NAMESPACE));
    this.#lease = known === undefined
      ? await client.create(LEASES, {
        apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: instance.nodeName, namespace: LEASE_NAMESPACE }, spec,
      })
      : await client.update(LEASES, { ...known, spec: { ...known.spec, ...spec } });
  }

  async #find<T>(get: () => Promise<T>): Promise<T | undefined> {
    try {
      return await get();
    } catch (error) {
      if (isStatusError(error, 'NotFound')) {
        return undefined;
      }
      throw error;
    }
  }

  async #report(): Promise<void> {
    const { client, instance } = this.#options;
    // Read anew each time: the node controller marks a node that was silent, and that must not stay when it speaks again.
    const node = await this.#find(() => client.get(NODES, instance.nodeName)) ?? await this.#create();
    const status = await this.#status(deepClone(node.status ?? {}));
    const due = Date.now() - this.#reported > REPORT_MS;
    if (!due && deepEqual(status, node.status)) {
      return;
    }
    for (const condition of status.conditions ?? []) {
      condition.lastHeartbeatTime = formatTime();
    }
    try {
      await client.updateStatus(NODES, { ...node, status });
    } catch (error) {
      if (!isStatusError(error, 'Conflict')) {
        throw error;
      }
      // Somebody labelled or tainted it meanwhile.
      const fresh = await client.get(NODES, instance.nodeName);
      await client.updateStatus(NODES, { ...fresh, status });
    }
    this.#reported = Date.now();
  }

  async #create(): Promise<Node> {
    const { client, instance } = this.#options;
    const architecture = GOARCH[arch()] ?? arch();
    return await client.create(NODES, {
      apiVersion: 'v1', kind: 'Node',
      metadata: {
        name: instance.nodeName,
        labels: {
          'kubernetes.io/hostname': hostname(), 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': architecture,
          'beta.kubernetes.io/os': 'linux', 'beta.kubernetes.io/arch': architecture,
          'kubevirt.io/schedulable': 'true',
        },
      },
      spec: { podCIDR: instance.podCidr, podCIDRs: [instance.podCidr] },
    });
  }

  async #status(status: NodeStatus): Promise<NodeStatus> {
    const { instance, podmanVersion, kubeletPort } = this.#options;
    const { cores, memoryBytes, allocatableMemoryBytes } = machineCapacity();
    const disk = await statfs(instance.dataDir);
    const shared = { cpu: String(cores), 'ephemeral-storage': quantity(disk.blocks * disk.bsize), pods: String(MAX_PODS) };
    return {
      ...status,
      capacity: { ...shared, memory: quantity(memoryBytes) },
      allocatable: { ...shared, memory: quantity(allocatableMemoryBytes) },
      addresses: [{ type: 'InternalIP', address: instance.nodeAddress }, { type: 'Hostname', address: hostname() }],
      daemonEndpoints: { kubeletEndpoint: { Port: kubeletPort } },
      nodeInfo: {
        machineID: readText('/etc/machine-id'), systemUUID: readText('/sys/class/dmi/id/product_uuid') || readText('/etc/machine-id'),
        bootID: readText('/proc/sys/kernel/random/boot_id'), kernelVersion: release(), osImage: osImage(),
        containerRuntimeVersion: `podman://${podmanVersion}`, kubeletVersion: KUBELET_VERSION, kubeProxyVersion: '',
        operatingSystem: 'linux', architecture: GOARCH[arch()] ?? arch(),
      },
      conditions: await this.#conditions(status.conditions ?? []),
      images: await this.#images(),
    };
  }

  async #images(): Promise<NonNullable<NodeStatus['images']>> {
    const images = (await this.#options.images()).filter((image) => image.names.length > 0);
    return images.sort((a, b) => b.size - a.size || a.id.localeCompare(b.id)).slice(0, MAX_IMAGES)
      .map(({ names, size }) => ({ names, sizeBytes: size }));
  }

  async #conditions(conditions: NodeCondition[]): Promise<NodeCondition[]> {
    for (const { type, holds, yes, no } of await pressures(this.#options.instance.dataDir)) {
      const [reason, message] = holds ? yes : no;
      setCondition(conditions, { type, status: holds ? 'True' : 'False', reason, message });
    }
    const problem = this.#options.problem();
    setCondition(conditions, problem === undefined
      ? { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' }
      : { type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: problem });
    return conditions;
  }
}
