/** CPU and memory of containers that run: the pod's resize reaches their cgroups, or restarts them where their policy says so. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { quantityToMilli, quantityToNumber } from '../../apimachinery/quantity.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import type { Container, Pod, ResourceRequirements } from '../../kinds/generated/core.ts';
import { DEFAULT_PIDS_LIMIT } from '../podman/config.ts';
import { isUnified, prepareCgroup, sharesToWeight } from '../podman/cgroups.ts';
import type { ResourceLimits } from '../podman/spec.ts';
import { cgroupRoot, podCgroup } from './context.ts';
import type { PodContext } from './context.ts';
import { messageOf } from './errors.ts';
import { cpuShares, podCpuRequest, resourceLimits } from './resources.ts';
import { containersOf } from './state.ts';
import type { ContainerRecord, PodState } from './state.ts';

const CGROUPS = '/sys/fs/cgroup';
const UNLIMITED = -1;
const MILLI_PER_CORE = 1000;

export interface ResizerOptions {
  context: PodContext;
  uid: string;
  state: PodState;
  /** The container is to be ended; the worker starts it again with what it should have. */
  restart: (record: ContainerRecord, why: string) => void;
  /** The status has to be written. */
  changed: () => void;
}

/** What one container's cgroup is to be set to, as files and texts, in the order that the kernel accepts. */
function writesV1({ cpu, memory }: ResourceLimits, grows: boolean): [controller: string, file: string, value: number][] {
  const limits: [string, string, number][] = [
    ['memory', 'memory.limit_in_bytes', memory?.limit ?? UNLIMITED], ['memory', 'memory.memsw.limit_in_bytes', memory?.swap ?? UNLIMITED],
  ];
  return [
    ['cpu', 'cpu.shares', cpu?.shares ?? 2], ...(cpu?.period === undefined ? [] : [['cpu', 'cpu.cfs_period_us', cpu.period] satisfies [string, string, number]]),
    ['cpu', 'cpu.cfs_quota_us', cpu?.quota ?? UNLIMITED],
    // Memory with swap may never be less than memory alone.
    ...(grows ? limits.reverse() : limits),
  ];
}

function writeCgroup(parent: string, id: string, limits: ResourceLimits, grows: boolean): void {
  const group = join(parent, `libpod-${id}`);
  if (isUnified()) {
    const { cpu, memory } = limits;
    const folder = join(CGROUPS, group);
    writeFileSync(join(folder, 'cpu.weight'), String(sharesToWeight(cpu?.shares ?? 2)));
    writeFileSync(join(folder, 'cpu.max'), cpu?.quota === undefined ? 'max' : `${cpu.quota} ${cpu.period ?? 100_000}`);
    writeFileSync(join(folder, 'memory.max'), memory?.limit === undefined ? 'max' : String(memory.limit));
    return;
  }
  for (const [controller, file, value] of writesV1(limits, grows)) {
    writeFileSync(join(CGROUPS, controller, group, file), String(value));
  }
}

const memoryLimit = (resources: ResourceRequirements | undefined): number => {
  const limit = resources?.limits?.['memory'];
  return limit === undefined ? Infinity : quantityToNumber(limit);
};

/** Whether a resource that changed may only change with a restart. */
function needsRestart(container: Container, before: ResourceRequirements | undefined): boolean {
  return (container.resizePolicy ?? []).some(({ resourceName, restartPolicy }) => restartPolicy === 'RestartContainer'
    && (container.resources?.limits?.[resourceName] !== before?.limits?.[resourceName] || container.resources?.requests?.[resourceName] !== before?.requests?.[resourceName]));
}

export class Resizer {
  readonly #options: ResizerOptions;

  constructor(options: ResizerOptions) {
    this.#options = options;
  }

  /** Compares what runs with what the pod asks for, and brings the one to the other. */
  check(pod: Pod): void {
    const { state, changed } = this.#options;
    const stale = containersOf(pod).flatMap(({ container }) => {
      const record = state.containers.get(container.name);
      return record?.phase === 'running' && record.kind !== 'ephemeral' && record.resources !== undefined && !deepEqual(record.resources, container.resources ?? {})
        ? [{ container, record }] : [];
    });
    if (stale.length === 0) {
      if (state.resize !== undefined) {
        delete state.resize;
        changed();
      }
      return;
    }
    const problem = this.#infeasible(pod);
    state.resize = problem === undefined ? undefined : { type: 'PodResizePending', reason: 'Infeasible', message: problem };
    if (problem === undefined) {
      for (const { container, record } of stale) {
        this.#resize(container, record);
      }
      this.#sharePod(pod);
    }
    changed();
  }

  #resize(container: Container, record: ContainerRecord): void {
    const { context, uid, state, restart } = this.#options;
    if (needsRestart(container, record.resources)) {
      restart(record, `Container ${record.name} resize requires restart`);
      return;
    }
    const grows = memoryLimit(container.resources) > memoryLimit(record.resources);
    try {
      writeCgroup(`${cgroupRoot(context.instance)}/${podCgroup(uid)}`, record.id, resourceLimits(container, { extraMemory: 0, pidsLimit: DEFAULT_PIDS_LIMIT }), grows);
      record.resources = container.resources ?? {};
    } catch (error) {
      // The kernel refuses a limit below what is in use; the next change of the pod tries again.
      state.resize = { type: 'PodResizeInProgress', reason: 'Error', message: `container ${record.name}: ${messageOf(error)}` };
    }
  }

  #sharePod(pod: Pod): void {
    const { context, uid } = this.#options;
    prepareCgroup(cgroupRoot(context.instance), podCgroup(uid), cpuShares(podCpuRequest(pod)));
  }

  /** Kubernetes' words for what this node can never give. */
  #infeasible(pod: Pod): string | undefined {
    const { allocatable } = this.#options.context;
    const requests = (name: string, of: (text: string) => number): number =>
      (pod.spec?.containers ?? []).reduce((sum, { resources }) => sum + of(resources?.requests?.[name] ?? resources?.limits?.[name] ?? '0'), 0);
    const cpu = requests('cpu', quantityToMilli);
    const memory = requests('memory', quantityToNumber);
    const refused = (what: string, asked: number, capacity: number): string => `Node didn't have enough capacity: ${what}, requested: ${asked}, capacity: ${capacity}`;
    if (cpu > allocatable.cpu * MILLI_PER_CORE) {
      return refused('cpu', cpu, allocatable.cpu * MILLI_PER_CORE);
    }
    return memory > allocatable.memory ? refused('memory', memory, allocatable.memory) : undefined;
  }
}
