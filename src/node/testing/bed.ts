/** A node's pods on a real Podman of their own, an in-memory API and network namespaces without a network. For tests. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Instance } from '../../apimachinery/instance.ts';
import { silentLog } from '../../apimachinery/log.ts';
import { Client } from '../../client/client.ts';
import { EventRecorder } from '../../client/events.ts';
import { CONFIGMAPS, EVENTS, LEASES, NODES, PODS, SECRETS, SERVICEACCOUNTS } from '../../client/resources.ts';
import { MemoryTransport } from '../../client/testing/memory.ts';
import type { Pod, PodSpec } from '../../kinds/generated/core.ts';
import { Images } from '../images/images.ts';
import { PodImages } from '../imagesource.ts';
import { removeCgroup } from '../podman/cgroups.ts';
import { cleanersDone } from '../podman/cleaners.ts';
import { startPodmanService } from '../podman/service.ts';
import type { PodmanService } from '../podman/service.ts';
import { cgroupRoot } from '../pods/context.ts';
import type { NetworkSource, PodContext } from '../pods/context.ts';
import type { PodExtension, Sandbox } from '../pods/extension.ts';
import { Gate } from '../pods/gate.ts';
import { PodManager } from '../pods/manager.ts';
import { ObjectCache } from '../pods/objects.ts';
import { ContainerRemover } from '../pods/remover.ts';
import { lowestOomScore } from '../pods/security.ts';
import { ServiceAccountTokens } from '../pods/tokens.ts';
import { mountTmpfs, removeFolder, unmountBelow } from '../volumes/mounts.ts';

const run = promisify(execFile);

export const IMAGE = 'telar.local/test/busybox:latest';
const BUSYBOX = '/bin/busybox';
const APPLETS = ['sh', 'sleep', 'echo', 'cat', 'ls', 'env', 'id', 'true', 'false', 'hostname', 'httpd', 'mkdir', 'touch', 'test', 'dd', 'seq', 'head', 'stty', 'readlink', 'ln', 'grep'];
const POLL_MS = 20;

/** Why tests with containers cannot run here; undefined when they can. */
export function missing(): string | undefined {
  if (process.getuid?.() !== 0) {
    return 'needs root';
  }
  const podman = ['/usr/bin/podman', '/usr/local/bin/podman'].some((path) => existsSync(path));
  return !podman ? 'needs podman (apt install podman)' : existsSync(BUSYBOX) ? undefined : 'needs busybox-static';
}

async function busyboxTar(folder: string): Promise<Buffer> {
  const root = join(folder, 'image');
  await Promise.all(['bin', 'etc', 'tmp', 'root', 'proc', 'sys', 'dev'].map((name) => mkdir(join(root, name), { recursive: true })));
  await cp(BUSYBOX, join(root, 'bin/busybox'));
  await Promise.all(APPLETS.map((name) => symlink('busybox', join(root, 'bin', name))));
  await writeFile(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  const { stdout } = await run('tar', ['-C', root, '-c', '.'], { encoding: 'buffer', maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}

/** Namespaces that are empty but for their loopback; what real pods get is the network room's. */
class BareNetwork implements NetworkSource {
  readonly #folder: string;
  readonly #sandboxes = new Map<string, Sandbox>();
  #next = 2;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async setup(pod: { uid: string }): Promise<Sandbox> {
    const known = this.#sandboxes.get(pod.uid);
    if (known !== undefined) {
      return known;
    }
    const netns = join(this.#folder, pod.uid);
    await mkdir(this.#folder, { recursive: true });
    await writeFile(netns, '', { flag: 'a' });
    await run('unshare', [`--net=${netns}`, 'ip', 'link', 'set', 'lo', 'up']);
    const sandbox = { uid: pod.uid, netns, ip: `192.0.2.${this.#next}` };
    this.#next += 1;
    this.#sandboxes.set(pod.uid, sandbox);
    return sandbox;
  }

  async teardown(uid: string): Promise<void> {
    if (this.#sandboxes.delete(uid)) {
      await removeFolder(join(this.#folder, uid));
    }
  }

  list(): Promise<Sandbox[]> {
    return Promise.resolve([...this.#sandboxes.values()]);
  }
}

export class Bed {
  readonly folder: string;
  readonly instance: Instance;
  readonly server = new MemoryTransport([PODS, NODES, CONFIGMAPS, SECRETS, SERVICEACCOUNTS, EVENTS, LEASES]);
  readonly client = new Client(this.server);
  readonly service: PodmanService;
  readonly network: BareNetwork;
  readonly extensions: PodExtension[] = [];
  pods: PodManager;
  #closers: (() => void)[] = [];

  private constructor(folder: string, instance: Instance, service: PodmanService) {
    this.folder = folder;
    this.instance = instance;
    this.service = service;
    this.network = new BareNetwork(join(instance.runDir, 'netns'));
    this.pods = this.#manager();
  }

  static async create(): Promise<Bed> {
    const folder = await mkdtemp('/tmp/telar-pods-');
    const id = Math.random().toString(36).slice(2, 8).padEnd(6, '0');
    const instance: Instance = {
      id, dataDir: join(folder, 'data'), runDir: join(folder, 'run'), podCidr: '192.0.2.0/24', serviceCidr: '198.51.100.0/24', clusterDomain: 'cluster.local',
      dnsAddress: '198.51.100.10', apiAddress: '198.51.100.1', nodeAddress: '192.0.2.1', nodeName: 'here', port: 6443, listen: '127.0.0.1',
    };
    await mkdir(join(instance.runDir, 'secrets'), { recursive: true });
    await mkdir(join(instance.dataDir, 'pods'), { recursive: true });
    await mountTmpfs(join(instance.runDir, 'secrets'), 'telar-test', 'mode=0700');
    const service = await startPodmanService({ dataDir: instance.dataDir, runDir: instance.runDir, log: silentLog });
    await service.client.importImage(Readable.from(await busyboxTar(folder)), IMAGE);
    return new Bed(folder, instance, service);
  }

  #manager(): PodManager {
    const { instance, client, service, network } = this;
    const objects = new ObjectCache(client, (uid) => { this.pods.objectsChanged(uid); }, silentLog);
    const remover = new ContainerRemover(service.client, silentLog);
    this.#closers = [() => { objects.close(); }, () => { remover.close(); }];
    const context: PodContext = {
      client, podman: service.client, remover, runtime: service.runtime.runtime, network, objects,
      images: new PodImages(new Images(service.client), objects), tokens: new ServiceAccountTokens(client),
      services: () => [], resolvConf: () => 'nameserver 198.51.100.10\n', recorder: new EventRecorder(client, 'kubelet', 'here'),
      extensions: this.extensions, instance, hostIp: instance.nodeAddress, allocatable: { cpu: 2, memory: 2 ** 30 }, memoryCapacity: 2 ** 31,
      lowestOomScore: lowestOomScore(), gate: new Gate(4), secretRoot: join(instance.runDir, 'secrets'), log: silentLog,
    };
    return new PodManager({ context, paths: service.paths, sandboxes: () => network.list() });
  }

  /** As after a crash of Telar: a new manager finds what the old one left. */
  async restart(): Promise<void> {
    await this.pods.close();
    this.#closers.forEach((close) => { close(); });
    this.pods = this.#manager();
    await this.pods.start();
  }

  async close(): Promise<void> {
    await this.pods.close();
    this.#closers.forEach((close) => { close(); });
    const containers = await this.service.client.listContainers();
    await Promise.all(containers.map(({ id }) => this.service.client.removeContainer(id)));
    for (const { uid } of await this.network.list()) {
      await this.network.teardown(uid);
    }
    await this.service.stop();
    await cleanersDone(this.service.paths);
    await unmountBelow(this.folder);
    for (let tries = 0; !removeCgroup(cgroupRoot(this.instance)) && tries < 50; tries += 1) {
      await sleep(100);
    }
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Creates a pod that is bound to this node; each container is a shell script. */
  async create(name: string, spec: Omit<Partial<PodSpec>, 'containers'> & { containers: PodSpec['containers'] }): Promise<Pod> {
    return await this.client.create(PODS, {
      apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default' },
      spec: { nodeName: 'here', terminationGracePeriodSeconds: 1, enableServiceLinks: false, ...spec },
    });
  }

  /** The pod once `condition` holds; undefined in the condition means that it is gone. */
  async until(name: string, condition: (pod: Pod | undefined) => boolean): Promise<Pod | undefined> {
    for (;;) {
      const { items } = await this.client.list(PODS, { namespace: 'default' });
      const pod = items.find((one) => one.metadata.name === name);
      if (condition(pod)) {
        return pod;
      }
      await sleep(POLL_MS);
    }
  }

  async running(name: string): Promise<Pod> {
    const pod = await this.until(name, (one) => one?.status?.phase === 'Running' && one.status.containerStatuses?.every((status) => status.state?.running !== undefined) === true);
    if (pod === undefined) {
      throw new Error('a condition held without a pod');
    }
    return pod;
  }

  /** `reason: message` of a pod's events. */
  async events(name: string): Promise<string[]> {
    const { items } = await this.client.list(EVENTS, { namespace: 'default' });
    return items.filter((event) => event.involvedObject.name === name).map((event) => `${event.reason ?? ''}: ${event.message ?? ''}`);
  }

  async log(pod: Pod, container: string, attempt = 0): Promise<string> {
    const { streamLog } = await import('../logs/stream.ts');
    const { logFolder } = await import('../pods/podfiles.ts');
    const chunks: Buffer[] = [];
    const folder = logFolder(join(this.instance.dataDir, 'pods', pod.metadata.uid ?? ''), container);
    await streamLog({ folder, attempt, timestamps: false, signal: new AbortController().signal }, (chunk) => {
      chunks.push(chunk);
      return Promise.resolve();
    });
    return Buffer.concat(chunks).toString();
  }
}

export const script = (name: string, text: string): PodSpec['containers'][number] => ({ name, image: IMAGE, imagePullPolicy: 'Never', command: ['sh', '-c', text] });
