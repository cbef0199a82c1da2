/** Whether something else on this machine listens on a node port, and who. Read from /proc; pure parsing apart. */
import { existsSync } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { missingAs } from '../../../apimachinery/errno.ts';
import type { NodePort } from './desired.ts';

/** State column of /proc/net/tcp for a listener, of /proc/net/udp for a socket without a peer. */
const LISTENING: Readonly<Record<string, string>> = { tcp: '0A', udp: '07' };
/** Processes looked at to name the one that holds a port. */
const MAX_PROCESSES = 20_000;

/** Port → inode of its socket, from the text of /proc/net/{tcp,udp}[6]. */
export function parseListeners(text: string, state: string): Map<number, string> {
  const found = new Map<number, string>();
  for (const line of text.split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/);
    const port = Number.parseInt(fields[1]?.split(':')[1] ?? '', 16);
    if (fields[3] === state && Number.isInteger(port)) {
      found.set(port, fields[9] ?? '');
    }
  }
  return found;
}

export type Listeners = ReadonlyMap<string, ReadonlyMap<number, string>>;

/** Listening sockets of this network namespace by protocol. SCTP shows none: it is not looked for. */
export async function readListeners(): Promise<Listeners> {
  const result = new Map<string, Map<number, string>>();
  for (const [protocol, state] of Object.entries(LISTENING)) {
    const ports = new Map<number, string>();
    for (const file of [`/proc/net/${protocol}`, `/proc/net/${protocol}6`]) {
      if (existsSync(file)) {
        parseListeners(await readFile(file, 'utf8'), state).forEach((inode, port) => ports.set(port, inode));
      }
    }
    result.set(protocol, ports);
  }
  return result;
}

/** `nginx (pid 123)` for the process with that socket, `another process` when it cannot be told. */
export async function describeHolder(inode: string): Promise<string> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).slice(0, MAX_PROCESSES);
  for (const pid of pids) {
    // A process may end, or be another's, while it is looked at: then it is not the one that can be named.
    const holds = await holdsSocket(pid, inode).catch(() => false);
    if (holds) {
      const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(missingAs(''));
      return `${name.trim() || 'a process'} (pid ${pid})`;
    }
  }
  return 'another process';
}

async function holdsSocket(pid: string, inode: string): Promise<boolean> {
  for (const fd of await readdir(`/proc/${pid}/fd`)) {
    if ((await readlink(`/proc/${pid}/fd/${fd}`).catch(missingAs(''))) === `socket:[${inode}]`) {
      return true;
    }
  }
  return false;
}

export function holderOf(listeners: Listeners, { protocol, port }: NodePort): string | undefined {
  return listeners.get(protocol)?.get(port);
}
