/** What pod workers share: the rest of the node and of the cluster as they see it. */
import type { Instance } from '../../apimachinery/instance.ts';
import type { Log } from '../../apimachinery/log.ts';
import type { Client } from '../../client/client.ts';
import type { EventRecorder } from '../../client/events.ts';
import type { Pod, Service } from '../../kinds/generated/core.ts';
import type { PodIdentity } from '../network/index.ts';
import type { PodmanClient } from '../podman/client.ts';
import type { NodeAllocatable } from './downward.ts';
import type { PodExtension, Sandbox } from './extension.ts';
import type { Gate } from './gate.ts';
import type { ObjectSource } from './objects.ts';
import type { ContainerRemover } from './remover.ts';
import type { ServiceAccountTokens } from './tokens.ts';

/** What a worker needs to know of an image the node has. */
export interface PodImage {
  id: string;
  /** What `imageID` of the status says: a digest reference, or the id. */
  reference: string;
  /** The image's USER. */
  user: string;
  /** Signal number or name its processes end on; empty for SIGTERM. */
  stopSignal: string;
  /** It was fetched just now. */
  pulled: boolean;
}

/** The images room, as workers use it. Throws PodStartError. */
export interface ImageSource {
  ensure(image: string, policy: string, pod: Pod): Promise<PodImage>;
}

/** The network room, as workers use it. */
export interface NetworkSource {
  setup(pod: PodIdentity): Promise<Sandbox>;
  teardown(uid: string): Promise<void>;
}

export interface PodContext {
  client: Client;
  podman: PodmanClient;
  remover: ContainerRemover;
  /** Name or path of the OCI runtime, for exec probes. */
  runtime: string;
  network: NetworkSource;
  images: ImageSource;
  objects: ObjectSource;
  tokens: ServiceAccountTokens;
  services(): readonly Service[];
  resolvConf(pod: Pod): string;
  recorder: EventRecorder;
  extensions: readonly PodExtension[];
  instance: Instance;
  /** The machine's address in statuses. */
  hostIp: string;
  allocatable: NodeAllocatable;
  memoryCapacity: number;
  lowestOomScore: number;
  /** Bounds how many containers are made at once. */
  gate: Gate;
  /** Folder on a tmpfs with one folder per pod. */
  secretRoot: string;
  log: Log;
}

/** Name of the instance's group of cgroups. */
export function cgroupRoot(instance: Pick<Instance, 'id'>): string {
  return `/telar-${instance.id}`;
}

export function podCgroup(uid: string): string {
  return `pod${uid}`;
}
