/** The kubelet's `/stats/summary`: use of processor and memory by the machine and its pods, read from cgroup files when asked. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { missingAs } from '../../apimachinery/errno.ts';
import { formatTime } from '../../apimachinery/object.ts';
import { isUnified, readCgroupNumber, readCgroupStat } from '../podman/cgroups.ts';

const ROOT = '/sys/fs/cgroup';
const NANOS_PER_TICK = 10_000_000;
const NANOS_PER_MICRO = 1000;
/** A rate over less than this means nothing, milliseconds. */
const MIN_SAMPLE_MS = 100;
/** Groups whose last use is remembered for rates; older ones are forgotten. */
const MAX_SAMPLES = 4096;

export interface CpuStats {
  time: string;
  /** Thousand-millionths of a core, since the last time it was asked; absent the first time. */
  usageNanoCores?: number;
  usageCoreNanoSeconds: number;
}

export interface MemoryStats {
  time: string;
  usageBytes: number;
  /** Without file cache that can be dropped: what counts against limits. */
  workingSetBytes: number;
  availableBytes?: number;
}

export interface ContainerStats {
  name: string;
  startTime?: string;
  cpu: CpuStats;
  memory: MemoryStats;
}

export interface PodStats {
  podRef: { name: string; namespace: string; uid: string };
  startTime?: string;
  containers: ContainerStats[];
  cpu: CpuStats;
  memory: MemoryStats;
}

export interface StatsSummary {
  node: { nodeName: string; cpu: CpuStats; memory: MemoryStats };
  pods: PodStats[];
}

/** A pod as its worker knows it. */
export interface StatsSubject {
  uid: string;
  name: string;
  namespace: string;
  startTime?: string;
  /** Name → Podman's id of what runs. */
  containers: { name: string; id: string; startedAt?: Date }[];
}

interface Sample {
  nanos: number;
  at: number;
}

function cpuNanos(group: string): number {
  if (isUnified()) {
    return (readCgroupStat(join(ROOT, group, 'cpu.stat'), 'usage_usec') ?? 0) * NANOS_PER_MICRO;
  }
  return readCgroupNumber(join(ROOT, 'cpuacct', group, 'cpuacct.usage')) ?? 0;
}

function memoryOf(group: string, time: string): MemoryStats {
  const folder = join(ROOT, isUnified() ? '' : 'memory', group);
  const usageBytes = readCgroupNumber(join(folder, isUnified() ? 'memory.current' : 'memory.usage_in_bytes')) ?? 0;
  const inactive = readCgroupStat(join(folder, 'memory.stat'), isUnified() ? 'inactive_file' : 'total_inactive_file') ?? 0;
  const workingSetBytes = Math.max(0, usageBytes - inactive);
  const limit = readCgroupNumber(join(folder, isUnified() ? 'memory.max' : 'memory.limit_in_bytes'));
  return { time, usageBytes, workingSetBytes, ...(limit === undefined || limit > 2 ** 60 ? {} : { availableBytes: Math.max(0, limit - workingSetBytes) }) };
}

/** Busy time of all processors since boot. */
function nodeCpuNanos(): number {
  const [, user = '0', nice = '0', system = '0', , , irq = '0', softirq = '0'] = readFileSync('/proc/stat', 'utf8').split('\n')[0]?.split(/\s+/) ?? [];
  return [user, nice, system, irq, softirq].reduce((sum, ticks) => sum + Number(ticks), 0) * NANOS_PER_TICK;
}

/** Bytes of a line of /proc/meminfo. */
export function memInfo(name: string): number {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/meminfo', 'utf8'));
  return Number(match?.[1] ?? 0) * 1024;
}

export class Stats {
  readonly #nodeName: string;
  readonly #cgroupRoot: string;
  readonly #samples = new Map<string, Sample>();

  constructor(nodeName: string, cgroupRoot: string) {
    this.#nodeName = nodeName;
    this.#cgroupRoot = cgroupRoot;
  }

  summary(pods: readonly StatsSubject[]): StatsSummary {
    const time = formatTime();
    const total = memInfo('MemTotal');
    const available = memInfo('MemAvailable');
    return {
      node: {
        nodeName: this.#nodeName, cpu: this.#cpu('', nodeCpuNanos(), time),
        memory: { time, usageBytes: total - memInfo('MemFree'), workingSetBytes: total - available, availableBytes: available },
      },
      pods: pods.map((pod) => this.#pod(pod, time)),
    };
  }

  #pod(pod: StatsSubject, time: string): PodStats {
    const group = join(this.#cgroupRoot, `pod${pod.uid}`);
    return {
      podRef: { name: pod.name, namespace: pod.namespace, uid: pod.uid },
      ...(pod.startTime === undefined ? {} : { startTime: pod.startTime }),
      cpu: this.#cpu(group, cpuNanos(group), time), memory: memoryOf(group, time),
      containers: pod.containers.map(({ name, id, startedAt }) => {
        const own = join(group, containerGroup(group, id));
        return {
          name, ...(startedAt === undefined ? {} : { startTime: formatTime(startedAt) }),
          cpu: this.#cpu(own, cpuNanos(own), time), memory: memoryOf(own, time),
        };
      }),
    };
  }

  #cpu(key: string, nanos: number, time: string): CpuStats {
    const now = performance.now();
    const last = this.#samples.get(key);
    if (last !== undefined && now - last.at < MIN_SAMPLE_MS) {
      return { time, usageCoreNanoSeconds: nanos };
    }
    if (this.#samples.size >= MAX_SAMPLES) {
      this.#samples.clear();
    }
    this.#samples.set(key, { nanos, at: now });
    const rate = last === undefined || nanos < last.nanos ? undefined : Math.round((nanos - last.nanos) / (now - last.at) * 1000);
    return { time, usageCoreNanoSeconds: nanos, ...(rate === undefined ? {} : { usageNanoCores: rate }) };
  }
}

/** runc and crun name the container's group alike; look where the name is unexpected. */
function containerGroup(group: string, id: string): string {
  const expected = `libpod-${id}`;
  try {
    return readdirSync(join(ROOT, isUnified() ? '' : 'memory', group)).find((name) => name.includes(id)) ?? expected;
  } catch (error) {
    return missingAs(expected)(error);
  }
}
