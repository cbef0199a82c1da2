/**
 * All pods of this node: a worker for each, told of changes by the API's watch and by Podman's events. At the start it takes up
 * what an earlier process left running and removes what belongs to no pod any more.
 */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { readFileSync, watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { missingAs } from '../../apimachinery/errno.ts';
import { isObject } from '../../apimachinery/values.ts';
import { Informer } from '../../client/informer.ts';
import { PODS } from '../../client/resources.ts';
import type { Pod } from '../../kinds/generated/core.ts';
import { pruneAttempts, rotateLog } from '../logs/files.ts';
import type { PodmanPaths } from '../podman/config.ts';
import type { InspectedContainer, ListedContainer } from '../podman/types.ts';
import { childCgroups, removeCgroup } from '../podman/cgroups.ts';
import { isPodmanStatus } from '../podman/errors.ts';
import { isAlive } from './containers.ts';
import { cgroupRoot } from './context.ts';
import type { PodContext } from './context.ts';
import { Gate } from './gate.ts';
import { messageOf } from './errors.ts';
import type { Sandbox } from './extension.ts';
import { logFolder } from './podfiles.ts';
import type { ContainerRecord } from './state.ts';
import { LABEL_INSTANCE, LABEL_NAMESPACE, LABEL_POD, LABEL_UID } from './naming.ts';
import { PodWorker } from './worker.ts';

/** Podman's event stream is opened again after this long, milliseconds. */
const RECONNECT_MS = 200;
const LONGEST_RECONNECT_MS = 10_000;
/** Processes whose monitor died with them and logs grown too large are looked for this often, milliseconds: two small files per container. */
const SWEEP_MS = 30_000;
const CONCURRENT_INSPECTS = 8;

export interface PodManagerOptions {
  context: PodContext;
  /** Where Podman keeps the containers' pid files and their monitors' control FIFOs. */
  paths: Pick<PodmanPaths, 'root' | 'run' | 'exits'>;
  /** Sandboxes that stand, for those whose pods are gone. */
  sandboxes(): Promise<Sandbox[]>;
}

export class PodManager {
  readonly #context: PodContext;
  readonly #options: PodManagerOptions;
  readonly #workers = new Map<string, PodWorker>();
  readonly #informer: Informer<Pod>;
  readonly #abort = new AbortController();
  #sweep: NodeJS.Timeout | undefined;
  #exits: FSWatcher | undefined;
  #events: Promise<void> | undefined;
  #adopting = true;

  constructor(options: PodManagerOptions) {
    this.#options = options;
    this.#context = options.context;
    this.#informer = new Informer(options.context.client, PODS, {
      fieldSelector: `spec.nodeName=${options.context.instance.nodeName}`, log: options.context.log,
    });
  }

  /** Resolves when every pod and container has been taken up; their workers go on from there. */
  async start(): Promise<void> {
    await this.#informer.start(this.#abort.signal);
    await this.#takeUp();
    this.#adopting = false;
    this.#informer.on({
      added: (pod) => { this.#seen(pod); },
      updated: (pod) => { this.#seen(pod); },
      deleted: (pod) => { this.#workers.get(pod.metadata.uid ?? '')?.orphan(); },
    });
    for (const worker of this.#workers.values()) {
      // Deleted while the others were being taken up.
      const { namespace = '', name } = worker.pod.metadata;
      if (this.#informer.get(`${namespace}/${name}`)?.metadata.uid !== worker.uid) {
        worker.orphan();
      }
    }
    this.#events = this.#followEvents();
    await this.#watchExits();
    this.#sweep = setInterval(() => { this.#sweepAll(); }, SWEEP_MS);
    this.#sweep.unref();
  }

  /** Containers run on. */
  async close(): Promise<void> {
    this.#abort.abort();
    this.#exits?.close();
    clearInterval(this.#sweep);
    await Promise.all([...this.#workers.values()].map((worker) => worker.close()));
    await this.#events;
  }

  /** By namespace and name. */
  find(namespace: string, name: string): PodWorker | undefined {
    const pod = this.#informer.get(`${namespace}/${name}`);
    return pod === undefined ? undefined : this.#workers.get(pod.metadata.uid ?? '');
  }

  list(): PodWorker[] {
    return [...this.#workers.values()];
  }

  /** A ConfigMap or Secret of the pod changed. */
  objectsChanged(uid: string): void {
    this.#workers.get(uid)?.objectsChanged();
  }

  /** Images have been built or imported. */
  imagesArrived(): void {
    for (const worker of this.#workers.values()) {
      worker.imagesArrived();
    }
  }

  #seen(pod: Pod): void {
    const uid = pod.metadata.uid ?? '';
    if (uid === '' || this.#adopting) {
      return;
    }
    const known = this.#workers.get(uid);
    if (known === undefined) {
      this.#add(pod).poke();
    } else {
      known.update(pod);
    }
  }

  #add(pod: Pod): PodWorker {
    const worker = new PodWorker(this.#context, pod, (uid) => { this.#workers.delete(uid); });
    this.#workers.set(worker.uid, worker);
    return worker;
  }

  async #takeUp(): Promise<void> {
    const { podman, instance } = this.#context;
    const listed = await podman.listContainers({ label: [`${LABEL_INSTANCE}=${instance.id}`] });
    const gate = new Gate(CONCURRENT_INSPECTS);
    const found = new Map<string, InspectedContainer[]>();
    await Promise.all(listed.map((container) => gate.run(async () => {
      const inspected = await this.#inspect(container.id);
      const uid = container.labels[LABEL_UID] ?? '';
      if (inspected !== undefined) {
        found.set(uid, [...found.get(uid) ?? [], inspected]);
      }
    })));
    const pods = this.#informer.list();
    await Promise.all(pods.map((pod) => this.#adopt(pod, found.get(pod.metadata.uid ?? '') ?? [], false)));
    const known = new Set(pods.map((pod) => pod.metadata.uid ?? ''));
    await this.#removeOrphans(known, listed, found);
  }

  async #inspect(id: string): Promise<InspectedContainer | undefined> {
    try {
      return await this.#context.podman.inspectContainer(id);
    } catch (error) {
      if (isPodmanStatus(error, 404)) {
        return undefined;
      }
      throw error;
    }
  }

  async #adopt(pod: Pod, found: readonly InspectedContainer[], orphan: boolean): Promise<void> {
    const worker = this.#add(pod);
    await worker.adopt(found);
    if (orphan) {
      worker.orphan();
    } else {
      worker.update(pod);
    }
  }

  /** Containers, folders and networks of pods that were deleted while nobody looked. */
  async #removeOrphans(known: ReadonlySet<string>, listed: readonly ListedContainer[], found: ReadonlyMap<string, InspectedContainer[]>): Promise<void> {
    const { dataDir } = this.#context.instance;
    const folders = await readdir(join(dataDir, 'pods')).catch(missingAs([]));
    const sandboxes = await this.#options.sandboxes();
    const uids = new Set([...found.keys(), ...folders, ...sandboxes.map((sandbox) => sandbox.uid)].filter((uid) => uid !== '' && !known.has(uid)));
    for (const name of childCgroups(cgroupRoot(this.#context.instance))) {
      if (!known.has(name.slice('pod'.length)) && !uids.has(name.slice('pod'.length))) {
        removeCgroup(join(cgroupRoot(this.#context.instance), name));
      }
    }
    for (const uid of uids) {
      const container = listed.find((one) => one.labels[LABEL_UID] === uid);
      const pod = await this.#rememberedPod(uid) ?? barePod(uid, container);
      this.#context.log.info({ uid, pod: pod.metadata.name }, 'removing what is left of a pod that is gone');
      await this.#adopt(pod, found.get(uid) ?? [], true);
    }
  }

  /** The pod as its worker wrote it down. */
  async #rememberedPod(uid: string): Promise<Pod | undefined> {
    try {
      const parsed: unknown = JSON.parse(await readFile(join(this.#context.instance.dataDir, 'pods', uid, 'pod.json'), 'utf8'));
      // Written by this node from an object the server had validated.
      return isObject(parsed) && isObject(parsed['metadata']) && parsed['metadata']['uid'] === uid ? parsed as unknown as Pod : undefined;
    } catch (error) {
      this.#context.log.debug({ uid, error: messageOf(error) }, 'what was written of the pod cannot be read; its containers tell enough to remove it');
      return undefined;
    }
  }

  /** Until the node stops: tells workers what ended; after a gap they all look for themselves. */
  async #followEvents(): Promise<void> {
    const { signal } = this.#abort;
    let pause = RECONNECT_MS;
    let gap = false;
    while (!signal.aborted) {
      try {
        const events = this.#context.podman.events({ signal, filters: { type: ['container'], event: ['died', 'remove'] }, opened: () => {
          pause = RECONNECT_MS;
          if (gap) {
            this.#lookAtAll();
          }
        } });
        for await (const event of events) {
          this.#containerEnded(event.labels[LABEL_UID], event.id);
        }
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        this.#context.log.debug({ error: messageOf(error) }, "Podman's events ended; asking again");
      }
      gap = true;
      // Ended by the signal, it leaves the loop by its condition.
      await sleep(pause, undefined, { signal }).catch(() => undefined);
      pause = Math.min(pause * 2, LONGEST_RECONNECT_MS);
    }
  }

  /** The monitor writes a file named like the container at its end: told here, its end is known before Podman itself has noticed. */
  async #watchExits(): Promise<void> {
    const { exits } = this.#options.paths;
    await mkdir(exits, { recursive: true, mode: 0o750 });
    this.#exits = watch(exits, (_event, name) => {
      for (const worker of this.#workers.values()) {
        if (name !== null && worker.runningIds().includes(name)) {
          worker.containerChanged(name);
        }
      }
    });
    this.#exits.on('error', (error) => {
      this.#context.log.warn({ error: error.message }, "exits are now known only from Podman's events");
    });
  }

  #containerEnded(uid: string | undefined, id: string): void {
    const worker = uid === undefined ? undefined : this.#workers.get(uid);
    if (worker !== undefined) {
      worker.containerChanged(id);
    }
  }

  #lookAtAll(): void {
    for (const worker of this.#workers.values()) {
      worker.containerChanged();
      worker.poke();
    }
  }

  #sweepAll(): void {
    for (const worker of this.#workers.values()) {
      for (const record of worker.running()) {
        if (!isAlive(this.#pidOf(record.id))) {
          worker.containerChanged(record.id);
        }
        this.#rotate(worker, record).catch((error: unknown) => {
          this.#context.log.warn({ container: record.name, error: messageOf(error) }, 'a log could not be rotated');
        });
      }
    }
  }

  async #rotate(worker: PodWorker, record: ContainerRecord): Promise<void> {
    const folder = logFolder(worker.podDir, record.name);
    const bundle = join(this.#options.paths.root, 'storage', 'overlay-containers', record.id, 'userdata');
    await rotateLog(folder, record.attempt, bundle);
    await pruneAttempts(folder, record.attempt);
  }

  #pidOf(id: string): number {
    try {
      return Number(readFileSync(join(this.#options.paths.run, 'storage', 'overlay-containers', id, 'userdata', 'pidfile'), 'utf8'));
    } catch (error) {
      return missingAs(0)(error);
    }
  }
}

/** What is known of a pod from its container alone: enough to remove it. */
function barePod(uid: string, container: ListedContainer | undefined): Pod {
  return {
    apiVersion: 'v1', kind: 'Pod',
    metadata: { uid, name: container?.labels[LABEL_POD] ?? uid, namespace: container?.labels[LABEL_NAMESPACE] ?? 'default' },
    spec: { containers: [] },
  };
}
