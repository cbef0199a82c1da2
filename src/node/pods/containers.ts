/** One pod's containers as they are: starting them, noticing their end, probing them while they run. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf } from '../../apimachinery/errno.ts';
import { formatTime } from '../../apimachinery/object.ts';
import { isUnified, readCgroupStat } from '../podman/cgroups.ts';
import { isPodmanStatus } from '../podman/errors.ts';
import type { Container, ContainerStateTerminated, Pod, Probe, ResourceRequirements } from '../../kinds/generated/core.ts';
import type { InspectedContainer } from '../podman/types.ts';
import { runAction } from './actions.ts';
import type { ActionTarget } from './actions.ts';
import { cgroupRoot, podCgroup } from './context.ts';
import type { PodContext } from './context.ts';
import type { PodExtension } from './extension.ts';
import { terminationMessage } from './podfiles.ts';
import { Prober } from './prober.ts';
import type { PodSandbox } from './sandbox.ts';
import { containerId, containersOf } from './state.ts';
import type { ContainerRecord } from './state.ts';

const OOM_EXIT_CODE = 137;
const SIGNAL_BASE = 128;
/** How long a monitor may take to write down an exit: so many looks, this far apart, milliseconds. */
const LAST_LOOKS = 10;
const LAST_LOOK_MS = 100;

/** What the containers report to their pod's worker. */
export interface ContainerEvents {
  /** Something in a record changed; `urgent` when others wait to see it. */
  changed(urgent: boolean): void;
  /** A probe demands that it be restarted. */
  restart(record: ContainerRecord, why: string, probe: Probe): void;
}

/** What the last published status said of a container that an earlier process started. */
export interface AdoptedState {
  started: boolean;
  ready: boolean;
  resources: ResourceRequirements | undefined;
}

interface Waiter {
  promise: Promise<void>;
  resolve: () => void;
}

export class PodContainers {
  readonly #context: PodContext;
  readonly #sandbox: PodSandbox;
  readonly #extension: PodExtension | undefined;
  readonly #events: ContainerEvents;
  readonly #probers = new Map<string, Prober>();
  readonly #waiters = new Map<string, Waiter>();
  /** Podman's ids of the containers that were started last, by name. */
  readonly #ids = new Map<string, string>();
  pod: Pod;

  constructor(context: PodContext, sandbox: PodSandbox, extension: PodExtension | undefined, pod: Pod, events: ContainerEvents) {
    this.#context = context;
    this.#sandbox = sandbox;
    this.#extension = extension;
    this.#events = events;
    this.pod = pod;
  }

  specOf(name: string): Container {
    const found = containersOf(this.pod).find((one) => one.container.name === name)?.container;
    if (found === undefined) {
      throw new Error(`pod ${this.pod.metadata.name} has no container ${name}`);
    }
    return found;
  }

  /** The first process of a container that runs; 0 when it does not. */
  async processOf(name: string): Promise<number> {
    const id = this.#ids.get(name);
    const found = id === undefined ? undefined : await this.#inspect(id);
    return found?.running === true ? found.pid : 0;
  }

  target(record: ContainerRecord): ActionTarget {
    return { id: record.id, container: this.specOf(record.name), host: this.#sandbox.ip(this.pod), runtime: this.#context.runtime };
  }

  /** Resolves when the container with this id has ended. */
  exited(id: string): Promise<void> {
    const known = this.#waiters.get(id);
    if (known !== undefined) {
      return known.promise;
    }
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#waiters.set(id, { promise, resolve: () => { resolve(undefined); } });
    return promise;
  }

  /** The record's container runs: just started, or adopted (as published before). */
  running(record: ContainerRecord, id: string, startedAt: Date, adopted: AdoptedState | undefined): void {
    record.phase = 'running';
    record.id = id;
    this.#ids.set(record.name, id);
    record.startedAt = startedAt;
    delete record.terminated;
    const container = this.specOf(record.name);
    record.resources = adopted === undefined ? container.resources ?? {} : adopted.resources ?? container.resources ?? {};
    record.started = container.startupProbe === undefined || adopted?.started === true;
    record.ready = record.started && (container.readinessProbe === undefined || adopted?.ready === true);
    this.#tellExtension(record);
    if (container.startupProbe ?? container.livenessProbe ?? container.readinessProbe) {
      this.#probe(record, container, startedAt);
    }
  }

  stopProbing(name?: string): void {
    for (const [key, prober] of this.#probers) {
      if (name === undefined || key === name) {
        prober.stop();
        this.#probers.delete(key);
      }
    }
  }

  /** A container of this pod may have ended: look, and record its end. Called again it does nothing. */
  async checkEnd(record: ContainerRecord): Promise<void> {
    const { id } = record;
    if (record.phase !== 'running' || id === '') {
      return;
    }
    // Before Podman is asked, which removes the group.
    const oom = wasOutOfMemory(cgroupRoot(this.#context.instance), this.#sandbox.uid, id);
    let found = await this.#inspect(id);
    // Its process is gone, but its monitor is still writing down how it ended; or was killed too and never will.
    for (let looks = 0; found?.running === true && looks < LAST_LOOKS; looks += 1) {
      if (isAlive(found.pid)) {
        return;
      }
      await sleep(LAST_LOOK_MS);
      found = await this.#inspect(id);
    }
    await this.#ended(record, found === undefined ? undefined : { ...found, oomKilled: found.oomKilled || (oom && found.exitCode === OOM_EXIT_CODE) });
  }

  /** Undefined when Podman has no such container. */
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

  /** Records the end; `found` is undefined for a container that vanished. */
  async #ended(record: ContainerRecord, found: InspectedContainer | undefined): Promise<void> {
    const { id } = record;
    const end = await this.#describeEnd(record, id, found);
    // Another look may have been quicker.
    if (record.phase !== 'running' || record.id !== id) {
      return;
    }
    record.phase = 'exited';
    record.terminated = end;
    record.ready = false;
    record.started = false;
    this.stopProbing(record.name);
    this.#extension?.exited?.(this.pod, record.name, end.exitCode);
    this.#waiters.get(id)?.resolve();
    this.#waiters.delete(id);
    this.#events.changed(true);
  }

  async #describeEnd(record: ContainerRecord, id: string, found: InspectedContainer | undefined): Promise<ContainerStateTerminated> {
    const startedAt = found?.startedAt ?? record.startedAt;
    const times = {
      ...(startedAt === undefined ? {} : { startedAt: formatTime(startedAt) }),
      finishedAt: formatTime(found?.finishedAt ?? new Date()), containerID: containerId(id),
    };
    if (found === undefined || found.running || found.finishedAt === undefined) {
      // Its monitor was killed with it, so nobody saw the exit code.
      return { exitCode: OOM_EXIT_CODE, reason: 'ContainerStatusUnknown', message: 'The container is gone and left no exit code', ...times };
    }
    const { exitCode } = found;
    const message = await terminationMessage(this.#sandbox.podDir, this.specOf(record.name), record.attempt, exitCode);
    return {
      exitCode, reason: found.oomKilled ? 'OOMKilled' : exitCode === 0 ? 'Completed' : 'Error',
      ...(exitCode > SIGNAL_BASE && exitCode < SIGNAL_BASE + 65 ? { signal: exitCode - SIGNAL_BASE } : {}),
      ...(message === '' ? {} : { message }), ...times,
    };
  }

  /** Costs a round trip, so only where somebody wants to know the process. */
  #tellExtension(record: ContainerRecord): void {
    const extension = this.#extension;
    if (extension === undefined) {
      return;
    }
    const { id, name } = record;
    const tell = async (): Promise<void> => {
      const { pid } = await this.#context.podman.inspectContainer(id);
      extension.started(this.pod, { container: name, id, pid });
    };
    tell().catch((error: unknown) => {
      this.#context.log.warn({ id, error: String(error) }, 'a started container cannot be inspected');
      extension.started(this.pod, { container: name, id, pid: 0 });
    });
  }

  #probe(record: ContainerRecord, container: Container, startedAt: Date): void {
    this.stopProbing(record.name);
    const passed = record.started;
    const prober = new Prober(container, {
      run: (probe, timeoutMs) => runAction(probe, this.target(record), timeoutMs),
      unhealthy: (kind, output) => {
        this.#context.recorder.event(this.pod, 'Warning', 'Unhealthy', `${kind} probe failed: ${output}`, { fieldPath: `spec.containers{${record.name}}` });
      },
      started: () => {
        if (!record.started) {
          record.started = true;
          this.#events.changed(true);
        }
      },
      ready: (ready) => {
        if (record.ready !== ready) {
          record.ready = ready;
          this.#events.changed(true);
        }
      },
      failed: (kind, probe) => {
        this.#events.restart(record, `Container ${record.name} failed ${kind.toLowerCase()} probe, will be restarted`, probe);
      },
    });
    this.#probers.set(record.name, prober);
    prober.start(startedAt, passed);
  }
}

/** Whether the kernel killed a process of the container for want of memory: conmon does not notice in every hybrid set-up. */
function wasOutOfMemory(root: string, uid: string, id: string): boolean {
  const group = join('/sys/fs/cgroup', isUnified() ? '' : 'memory', root, podCgroup(uid), `libpod-${id}`);
  return (readCgroupStat(join(group, isUnified() ? 'memory.events' : 'memory.oom_control'), 'oom_kill') ?? 0) > 0;
}

/** Podman believes a container runs until its monitor says otherwise; the monitor may have been killed too. */
export function isAlive(pid: number): boolean {
  if (pid <= 0) {
    return false;
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}
