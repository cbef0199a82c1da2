/** The node role: brings up Podman, network, pods and the node's server on this machine, and takes them down again. */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { missingAs } from '../apimachinery/errno.ts';
import type { Instance } from '../apimachinery/instance.ts';
import type { Log } from '../apimachinery/log.ts';
import type { NodeHandler } from '../apimachinery/nodehandler.ts';
import type { Client } from '../client/client.ts';
import type { EventRecorder } from '../client/events.ts';
import { Informers } from '../client/informers.ts';
import { SERVICES } from '../client/resources.ts';
import { IMAGES_PATH, imagesHandler } from './images/handler.ts';
import { Images } from './images/images.ts';
import { PodImages } from './imagesource.ts';
import { podDns, PodNetwork, removeNetwork, ServiceProxy } from './network/index.ts';
import { Stats } from './metrics/stats.ts';
import { removeCgroup } from './podman/cgroups.ts';
import { cleanersDone } from './podman/cleaners.ts';
import { startPodmanService } from './podman/service.ts';
import type { PodmanService } from './podman/service.ts';
import { cgroupRoot } from './pods/context.ts';
import type { PodContext } from './pods/context.ts';
import type { PodExtension } from './pods/extension.ts';
import { Gate } from './pods/gate.ts';
import { LABEL_INSTANCE } from './pods/naming.ts';
import { PodManager } from './pods/manager.ts';
import { ObjectCache } from './pods/objects.ts';
import { endAllPidNamespaces } from './pods/pidholder.ts';
import { lowestOomScore } from './pods/security.ts';
import { ContainerRemover } from './pods/remover.ts';
import { ServiceAccountTokens } from './pods/tokens.ts';
import { QemuExtension } from './qemu/extension.ts';
import { machineCapacity, Registration } from './registration.ts';
import { Attachments } from './server/attachments.ts';
import { NodeServer } from './server/handler.ts';
import { NetnsDialers } from './server/portforward/index.ts';
import { listenKubelet } from './server/listener.ts';
import type { NodePki } from './server/listener.ts';
import { mountTmpfs, removeFolder, unmountBelow } from './volumes/mounts.ts';

/** Containers made at the same time: more than the processors, for part of the work is waiting. */
const CONCURRENT_STARTS = 4;
/** Secrets of all pods of the node at most, bytes of memory. */
const SECRETS_SIZE = '256m';
const VM_PATH = '/v1/namespaces';
const CONTAINERS_REMOVED_AT_ONCE = 8;
const CGROUP_TRIES = 50;
const CGROUP_PAUSE_MS = 100;

export interface NodeOptions {
  client: Client;
  instance: Instance;
  log: Log;
  recorder: EventRecorder;
  /** Shared with the controllers where they run in the same process. */
  informers?: Informers;
  /** Without it the node has no HTTPS port and is reached only in this process. */
  pki?: NodePki;
  /** Further kinds of pods' containers, asked before the node's own. */
  extensions?: readonly PodExtension[];
  /** Program and arguments of the DNS process; its own arguments are appended. Without it there is no DNS. */
  gatewayCommand?: readonly string[];
  /** Called once the machine has the node's address, before any pod starts. */
  onNetworkReady?: () => Promise<void>;
}

export interface RunningNode {
  handler: NodeHandler;
  /** Podman's service, whose memory is accounted apart. */
  podmanPid(): number | undefined;
  /** Shows these certificates on connections from now on. */
  renew(pki: NodePki): void;
  /** Ends everything of the node but containers, guests, links and rules. */
  stop(): Promise<void>;
}

const secretRootOf = (instance: Instance): string => join(instance.runDir, 'secrets');

async function prepareFolders(instance: Instance): Promise<string> {
  const secretRoot = secretRootOf(instance);
  await mkdir(join(instance.dataDir, 'pods'), { recursive: true, mode: 0o750 });
  await mkdir(secretRoot, { recursive: true, mode: 0o700 });
  await mountTmpfs(secretRoot, `telar-${instance.id}`, `mode=0700,size=${SECRETS_SIZE}`);
  return secretRoot;
}

/** What ends in the reverse order of how it began, also when the start fails half way. */
class Undo {
  readonly #steps: (() => Promise<void> | void)[] = [];

  add(step: () => Promise<void> | void): void {
    this.#steps.push(step);
  }

  async run(): Promise<void> {
    for (const step of this.#steps.splice(0).reverse()) {
      await step();
    }
  }
}

interface Parts {
  options: NodeOptions;
  informers: Informers;
  service: PodmanService;
  network: PodNetwork;
  qemu: QemuExtension;
  secretRoot: string;
  undo: Undo;
  signal: AbortSignal;
}

function startPods(parts: Parts): { pods: PodManager; images: Images } {
  const { options, service, network, undo } = parts;
  const { client, instance, log, recorder } = options;
  // The manager is told of changes by what its workers read from.
  const images = new Images(service.client, () => { pods.imagesArrived(); });
  const objects = new ObjectCache(client, (uid) => { pods.objectsChanged(uid); }, log);
  undo.add(() => { objects.close(); });
  const capacity = machineCapacity();
  const services = parts.informers.for(SERVICES);
  const remover = new ContainerRemover(service.client, log);
  undo.add(() => { remover.close(); });
  const context: PodContext = {
    client, podman: service.client, remover, runtime: service.runtime.runtime, network, images: new PodImages(images, objects), objects,
    tokens: new ServiceAccountTokens(client), services: () => services.list(), resolvConf: (pod) => podDns(pod, instance).resolvConf,
    recorder, extensions: [...options.extensions ?? [], parts.qemu], instance, hostIp: instance.nodeAddress,
    allocatable: { cpu: capacity.cores, memory: capacity.allocatableMemoryBytes }, memoryCapacity: capacity.memoryBytes,
    lowestOomScore: lowestOomScore(), gate: new Gate(CONCURRENT_STARTS), secretRoot: parts.secretRoot, log,
  };
  const pods = new PodManager({ context, paths: service.paths, sandboxes: () => network.list() });
  return { pods, images };
}

function nodeServer(parts: Parts, pods: PodManager, images: Images): NodeServer {
  const { options, service, qemu } = parts;
  const stats = new Stats(options.instance.nodeName, cgroupRoot(options.instance));
  const dialers = new NetnsDialers(options.log);
  const attachments = new Attachments(service.client);
  parts.undo.add(async () => {
    dialers.close();
    await attachments.close();
  });
  return new NodeServer({
    pods, dialers, attachments, podman: service.client, log: options.log,
    stats: () => stats.summary(pods.list().map((worker) => {
      const { uid = '', name, namespace = '' } = worker.pod.metadata;
      const startTime = worker.pod.status?.startTime;
      return {
        uid, name, namespace, ...(startTime === undefined ? {} : { startTime }),
        containers: worker.running().map((record) => ({
          name: record.name, id: record.id, ...(record.startedAt === undefined ? {} : { startedAt: record.startedAt }),
        })),
      };
    })),
    mounts: [
      { prefix: IMAGES_PATH, handler: { request: imagesHandler({ images, log: options.log }) } },
      { prefix: VM_PATH, handler: qemu.handler },
    ],
  });
}

/** Resolves when this machine's Node object is ready and the pods of an earlier run are taken up. */
export async function startNode(options: NodeOptions): Promise<RunningNode> {
  const undo = new Undo();
  try {
    return await start(options, undo);
  } catch (error) {
    await undo.run();
    await letGo(options.instance);
    throw error;
  }
}

/** A start that failed mounted what nobody uses, unless pods of an earlier run do. */
async function letGo(instance: Instance): Promise<void> {
  const pods = await readdir(join(instance.dataDir, 'pods')).catch(missingAs([]));
  if (pods.length === 0) {
    await unmountBelow(join(instance.dataDir, 'containers'));
    await removeFolder(secretRootOf(instance));
  }
}

async function start(options: NodeOptions, undo: Undo): Promise<RunningNode> {
  const { client, instance, log, recorder } = options;
  const abort = new AbortController();
  undo.add(() => { abort.abort(); });
  const informers = options.informers ?? new Informers(client, log);
  await mkdir(instance.runDir, { recursive: true, mode: 0o755 });
  const starting = startPodmanService({ dataDir: instance.dataDir, runDir: instance.runDir, log });
  // Also when something beside it fails while it starts; a failure of its own leaves nothing to stop.
  undo.add(() => starting.then((running) => running.stop(), () => undefined));
  const [service, network, secretRoot] = await Promise.all([starting, PodNetwork.prepare(instance, log), prepareFolders(instance)]);
  await options.onNetworkReady?.();
  const qemu = new QemuExtension({ client, informers, recorder, instance, podman: service.client, log });
  const parts: Parts = { options, informers, service, network, qemu, secretRoot, undo, signal: abort.signal };
  const { pods, images } = startPods(parts);
  const proxy = new ServiceProxy({
    network, informers, instance, log, recorder, ...(options.gatewayCommand === undefined ? {} : { gatewayCommand: options.gatewayCommand }),
  });
  await informers.start(abort.signal);
  const handler = nodeServer(parts, pods, images);
  const listener = options.pki === undefined ? undefined : await listenKubelet(handler, options.pki, instance.nodeAddress);
  if (listener !== undefined) {
    undo.add(() => listener.close());
  }
  await Promise.all([proxy.start(abort.signal), qemu.start(abort.signal)]);
  undo.add(() => pods.close());
  await pods.start();
  const registration = new Registration({
    client, instance, log, podmanVersion: service.version.version, kubeletPort: listener?.port ?? 0,
    images: () => service.client.listImages(), problem: () => (service.pid() === undefined ? "Podman's service is down" : undefined),
  });
  undo.add(() => registration.stop());
  await registration.start();
  return { handler, podmanPid: () => service.pid(), renew: (pki) => listener?.renew(pki), stop: () => undo.run() };
}

/** For `down --workloads`: ends every container and guest and removes what the instance has on the machine. The store and images stay. */
export async function teardownNode(instance: Instance, log: Log): Promise<void> {
  const service = await startPodmanService({ dataDir: instance.dataDir, runDir: instance.runDir, log });
  try {
    const containers = await service.client.listContainers({ label: [`${LABEL_INSTANCE}=${instance.id}`] });
    const gate = new Gate(CONTAINERS_REMOVED_AT_ONCE);
    await Promise.all(containers.map(({ id }) => gate.run(() => service.client.removeContainer(id))));
  } finally {
    await service.stop();
  }
  await cleanersDone(service.paths);
  await endAllPidNamespaces(join(instance.dataDir, 'pods'));
  await removeNetwork(instance, log);
  await unmountBelow(join(instance.dataDir, 'containers'));
  await removeFolder(join(instance.dataDir, 'pods'));
  await removeFolder(secretRootOf(instance));
  for (let tries = 0; !removeCgroup(cgroupRoot(instance)) && tries < CGROUP_TRIES; tries += 1) {
    await sleep(CGROUP_PAUSE_MS);
  }
  await removeFolder(join(instance.runDir, 'podman'));
  await rm(join(instance.runDir, 'podman.sock'), { force: true });
}
