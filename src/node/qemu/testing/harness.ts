/** The extension with real Podman and QEMU, an in-memory API and a hand instead of the pod worker. For tests. */
import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Instance } from '../../../apimachinery/instance.ts';
import { silentLog, type Log } from '../../../apimachinery/log.ts';
import { controllerReference, type ObjectMeta } from '../../../apimachinery/object.ts';
import { Client } from '../../../client/client.ts';
import { EventRecorder } from '../../../client/events.ts';
import { Informers } from '../../../client/informers.ts';
import * as resources from '../../../client/resources.ts';
import { MemoryTransport } from '../../../client/testing/memory.ts';
import type { Pod } from '../../../kinds/generated/core.ts';
import type { VirtualMachineInstance, VirtualMachineInstanceSpec } from '../../../kinds/generated/kubevirt.ts';
import { containerSpec } from '../../pods/containerspec.ts';
import { logFile, logFolder } from '../../pods/podfiles.ts';
import { startPodmanService, type PodmanService } from '../../podman/service.ts';
import { QemuExtension } from '../extension.ts';
import { outputOf } from '../scrollback.ts';

const run = promisify(execFile);

const say = (bindings: object, message: string): void => {
  process.stderr.write(`${message} ${JSON.stringify(bindings, (_, value: unknown) => (value instanceof Error ? value.stack : value))}\n`);
};
/** With TELAR_TEST_LOG set, what the room says goes to standard error. */
const log: Log = process.env['TELAR_TEST_LOG'] === undefined ? silentLog : { debug: say, info: say, warn: say, error: say, child: () => log };
const COMPUTE = 'compute';

export interface Running {
  vmi: VirtualMachineInstance;
  pod: Pod;
  id: string;
  pid: number;
  /** What the container wrote so far. */
  log(): Promise<string>;
  /** Its exit code. */
  ended(): Promise<number>;
}

export class QemuHarness {
  readonly dir: string;
  readonly instance: Instance;
  readonly podman: PodmanService;
  readonly client: Client;
  readonly #server: MemoryTransport;
  #extension: QemuExtension;
  #abort = new AbortController();
  readonly #containers: string[] = [];
  readonly #pods: Pod[] = [];

  private constructor(dir: string, instance: Instance, podman: PodmanService) {
    this.dir = dir;
    this.instance = instance;
    this.podman = podman;
    this.#server = new MemoryTransport(Object.values(resources));
    this.client = new Client(this.#server);
    this.#extension = this.#newExtension();
  }

  static async create(): Promise<QemuHarness> {
    const dir = await mkdtemp(join(tmpdir(), 'telar-qemu-'));
    const instance: Instance = {
      id: 'qtests', dataDir: join(dir, 'data'), runDir: join(dir, 'run'), podCidr: '10.199.0.0/16', serviceCidr: '10.198.0.0/16', clusterDomain: 'cluster.local',
      dnsAddress: '10.198.0.10', apiAddress: '10.198.0.1', nodeAddress: '10.199.0.1', nodeName: 'here', port: 0, listen: '127.0.0.1',
    };
    await Promise.all([mkdir(instance.dataDir, { recursive: true }), mkdir(instance.runDir, { recursive: true })]);
    const podman = await startPodmanService({ dataDir: instance.dataDir, runDir: instance.runDir, log: silentLog });
    const harness = new QemuHarness(dir, instance, podman);
    await harness.#start();
    return harness;
  }

  get extension(): QemuExtension {
    return this.#extension;
  }

  #newExtension(): QemuExtension {
    return new QemuExtension({
      client: this.client, informers: new Informers(this.client, log), recorder: new EventRecorder(this.client, 'virt-handler'), instance: this.instance, podman: this.podman.client, log,
    });
  }

  async #start(): Promise<void> {
    await this.#extension.start(this.#abort.signal);
  }

  /** Telar ends and another one comes: nothing of the first is left but what is on disk and in QEMU. */
  async restart(running: readonly Running[]): Promise<void> {
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#extension = this.#newExtension();
    await this.#start();
    for (const { pod, id, pid } of running) {
      this.#extension.started(pod, { container: COMPUTE, id, pid });
    }
  }

  /** An image from files. */
  async image(name: string, files: Record<string, Buffer>): Promise<void> {
    const folder = join(this.dir, 'image');
    for (const [path, content] of Object.entries(files)) {
      await mkdir(join(folder, path, '..'), { recursive: true });
      await writeFile(join(folder, path), content);
    }
    await run('tar', ['-C', folder, '-cf', join(this.dir, 'image.tar'), '.']);
    await rm(folder, { recursive: true });
    await new Promise<void>((resolve, reject) => {
      const outgoing = request({
        socketPath: this.podman.paths.socket, method: 'POST', path: `/v4.0.0/libpod/images/import?reference=${encodeURIComponent(name)}`,
        headers: { 'content-type': 'application/x-tar' },
      }, (answer) => {
        answer.resume();
        answer.on('end', () => {
          if (answer.statusCode === 200) { resolve(); } else { reject(new Error(`import: ${answer.statusCode ?? 0}`)); }
        });
      });
      outgoing.on('error', reject);
      createReadStream(join(this.dir, 'image.tar')).pipe(outgoing);
    });
  }

  async launch(name: string, spec: VirtualMachineInstanceSpec, metadata: Partial<ObjectMeta> = {}): Promise<Running> {
    const vmi = await this.client.create(resources.VIRTUALMACHINEINSTANCES, {
      apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', metadata: { ...metadata, name, namespace: 'default' },
      spec, status: { phase: 'Scheduled', phaseTransitionTimestamps: [] },
    });
    const pod = await this.client.create(resources.PODS, {
      apiVersion: 'v1', kind: 'Pod',
      metadata: { name: `virt-launcher-${name}-${this.#pods.length}`, namespace: 'default', labels: { 'kubevirt.io': 'virt-launcher' }, ownerReferences: [controllerReference(vmi)] },
      spec: { nodeName: 'here', containers: [{ name: COMPUTE, image: 'telar.local/virt-launcher' }] },
      status: { podIP: '127.0.0.1' },
    });
    this.#pods.push(pod);
    const uid = pod.metadata.uid ?? '';
    const podDir = join(this.instance.dataDir, 'pods', uid);
    await mkdir(logFolder(podDir, COMPUTE), { recursive: true });
    const [container] = pod.spec.containers;
    if (container === undefined) {
      throw new Error('a pod without containers');
    }
    const overrides = await this.extension.prepare(pod, { sandbox: { uid, netns: '', ip: '127.0.0.1' }, podDir });
    const logPath = logFile(podDir, COMPUTE, 0);
    const created = await this.podman.client.createContainer(containerSpec({
      pod, container, attempt: 0, instanceId: this.instance.id, dataDir: this.instance.dataDir, image: { user: '' }, cgroupParent: `/telar-${this.instance.id}/${name}`,
      hostname: name, environment: {}, mounts: [], imageVolumes: [], logPath, memoryCapacity: 1 << 30, lowestOomScore: -998, override: overrides[COMPUTE] ?? {},
    }));
    this.#containers.push(created.id);
    const ended = this.podman.client.waitContainer(created.id);
    ended.catch(() => undefined);
    await this.podman.client.startContainer(created.id);
    const { pid } = await this.podman.client.inspectContainer(created.id);
    this.extension.started(pod, { container: COMPUTE, id: created.id, pid });
    return {
      vmi, pod, id: created.id, pid,
      log: async () => outputOf(await readFile(logPath)).toString('latin1'),
      ended: async () => {
        // Asked after the fact, Podman's wait may have missed the end.
        for (;;) {
          const { running, exitCode } = await this.podman.client.inspectContainer(created.id);
          if (!running) {
            this.extension.exited(pod, COMPUTE);
            return exitCode;
          }
          await delay(20);
        }
      },
    };
  }

  async vmi(name: string): Promise<VirtualMachineInstance> {
    return await this.client.get(resources.VIRTUALMACHINEINSTANCES, name, 'default');
  }

  async events(): Promise<string[]> {
    return (await this.client.list(resources.EVENTS)).items.map(({ reason, message }) => `${reason ?? ''}: ${message ?? ''}`);
  }

  async close(): Promise<void> {
    for (const id of this.#containers) {
      await this.podman.client.removeContainer(id);
    }
    for (const pod of this.#pods) {
      await this.extension.cleanup(pod);
    }
    this.#abort.abort();
    await this.podman.stop();
    // Podman's overlay storage mounts its own folder.
    const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '').filter((path) => path.startsWith(`${this.dir}/`));
    for (const path of mounts.reverse()) {
      await run('umount', [path]);
    }
    await rm(this.dir, { recursive: true, force: true });
  }
}

/** Far more than anything waited for takes: a wait that is in vain fails here, with its place, instead of holding up the run. */
const PATIENCE_MS = 60_000;

/** Polls until there is something. */
export async function until<T>(what: () => Promise<T | undefined | false>): Promise<T> {
  const vain = new Error(`waited in vain for: ${what.toString().slice(0, 200)}`);
  for (const deadline = performance.now() + PATIENCE_MS; performance.now() < deadline;) {
    const value = await what();
    if (value !== undefined && value !== false) {
      return value;
    }
    await delay(20);
  }
  throw vain;
}
