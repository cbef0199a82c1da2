/** Room: disk, memory, open files, and the port of the API server. */
import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { formatBytes } from './format.ts';
import { limited, missing, ok } from './probe.ts';
import type { Probe, ProbeResult } from './probe.ts';

const GIB = 1024 ** 3;
/** Below this not even the demo fits. */
const MIN_DISK = 1 * GIB;
const COMFORTABLE_DISK = 5 * GIB;
const MIN_MEMORY = 0.5 * GIB;
const COMFORTABLE_MEMORY = 2 * GIB;
const MIN_FILES = 1024;
const COMFORTABLE_FILES = 8192;

/** Free space where the data will be: the nearest folder that exists already. */
async function freeSpace(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch (error) {
    const parent = dirname(folder);
    if (parent === folder) {
      throw error;
    }
    return freeSpace(parent);
  }
}

function compared(value: number, limits: { least: number; comfortable: number }, detail: string): ProbeResult {
  return value < limits.least ? missing(detail) : value < limits.comfortable ? limited(detail) : ok(detail);
}

export const diskProbe = (dataDir: string): Probe => ({
  name: 'disk',
  packages: [],
  async run() {
    const free = await freeSpace(dataDir);
    return compared(free, { least: MIN_DISK, comfortable: COMFORTABLE_DISK }, `${formatBytes(free)} free for ${dataDir}`);
  },
});

export const memoryProbe: Probe = {
  name: 'memory',
  packages: [],
  run() {
    const available = Number(/^MemAvailable:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0) * 1024;
    return Promise.resolve(compared(available, { least: MIN_MEMORY, comfortable: COMFORTABLE_MEMORY }, `${formatBytes(available)} available`));
  },
};

export const filesProbe: Probe = {
  name: 'files',
  packages: [],
  run() {
    const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? '0';
    const limit = hard === 'unlimited' ? Infinity : Number(hard);
    return Promise.resolve(compared(limit, { least: MIN_FILES, comfortable: COMFORTABLE_FILES }, `at most ${hard} open files`));
  },
};

/** `ours` tells whether the instance itself has the port. */
export const portProbe = (address: { listen: string; port: number; ours: boolean }): Probe => ({
  name: 'port',
  packages: [],
  run() {
    const { listen, port, ours } = address;
    if (ours) {
      return Promise.resolve(ok(`${listen}:${port}, this instance's own`));
    }
    return new Promise<ProbeResult>((resolve) => {
      const server = createServer();
      server.once('error', (error: NodeJS.ErrnoException) => {
        resolve(missing(error.code === 'EADDRINUSE' ? `${listen}:${port} is taken by another program` : error.message));
      });
      server.listen({ host: listen, port, exclusive: true }, () => server.close(() => resolve(ok(`${listen}:${port} is free`))));
    });
  },
});
