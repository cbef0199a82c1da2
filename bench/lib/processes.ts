/** What an instance's processes use, read from /proc. */
import { readdirSync, readFileSync } from 'node:fs';

const CLOCK_TICKS_PER_SECOND = 100;

export interface ProcessUse {
  pid: number;
  command: string;
  /** Proportional set size, MiB. */
  pssMiB: number;
  /** User and system time so far, seconds. */
  cpuSeconds: number;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The process ended between listing and reading.
    return undefined;
  }
}

function use(pid: number): ProcessUse | undefined {
  const [command, rollup, stat] = [read(`/proc/${pid}/cmdline`), read(`/proc/${pid}/smaps_rollup`), read(`/proc/${pid}/stat`)];
  if (command === undefined || rollup === undefined || stat === undefined) {
    return undefined;
  }
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    pid, command: command.replaceAll('\0', ' ').trim(),
    pssMiB: Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0) / 1024,
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND,
  };
}

/** Every process whose command line mentions one of the words (a data directory, an instance's run directory). */
export function processesOf(words: readonly string[]): ProcessUse[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number)
    .filter((pid) => pid !== process.pid)
    .map(use)
    .filter((one): one is ProcessUse => one !== undefined && words.some((word) => one.command.includes(word)));
}

export interface Footprint {
  telarMiB: number;
  podmanMiB: number;
  telarCpuSeconds: number;
  processes: ProcessUse[];
}

/** Telar's own Node processes; Podman's service beside them; conmon, guests and containers are the workloads' own. */
export function footprint(words: readonly string[]): Footprint {
  const processes = processesOf(words);
  const telar = processes.filter(({ command }) => /^\S*node\b/.test(command) || command.includes('src/main.ts'));
  const podman = processes.filter(({ command }) => /podman.*system service/.test(command));
  const sum = (list: readonly ProcessUse[], key: 'pssMiB' | 'cpuSeconds'): number => Math.round(list.reduce((total, one) => total + one[key], 0) * 100) / 100;
  return { telarMiB: sum(telar, 'pssMiB'), podmanMiB: sum(podman, 'pssMiB'), telarCpuSeconds: sum(telar, 'cpuSeconds'), processes: [...telar, ...podman] };
}
