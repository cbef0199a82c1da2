/**
 * The PID namespace of pods whose containers see each other's processes (`shareProcessNamespace`). A namespace lives as long as its first
 * process, so that is one of its own: it sleeps, lets the kernel reap what it inherits, and outlives Telar and every container of the pod.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, PodStartError } from './errors.ts';

/** An ignored SIGCHLD stays ignored after exec, and then the kernel itself reaps orphans. */
const SLEEPER = 'trap "" CHLD; exec sleep infinity';
/** How long the namespace may take to be made: so many looks, this far apart, ms. */
const LOOKS = 200;
const LOOK_MS = 5;
/** Fields of /proc/<pid>/stat after the name: the 20th is the start time in ticks since boot. */
const START_TIME_FIELD = 19;

interface Holder {
  pid: number;
  /** Tells it from a later process of the same number. */
  startTime: string;
}

/** Where a pod's folder says which process holds its namespace. */
export const pidNamespaceFile = (podDir: string): string => join(podDir, 'pidns');

function startTimeOf(pid: number): string | undefined {
  const path = `/proc/${pid}/stat`;
  if (pid <= 0 || !existsSync(path)) {
    return undefined;
  }
  try {
    const stat = readFileSync(path, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[START_TIME_FIELD];
  } catch {
    // It ended between the two looks.
    return undefined;
  }
}

/** The holder that a file names, when it still runs. */
async function remembered(file: string): Promise<Holder | undefined> {
  if (!existsSync(file)) {
    return undefined;
  }
  const [pid = '', startTime = ''] = (await readFile(file, 'utf8')).split(' ');
  const holder = { pid: Number(pid), startTime };
  return startTime !== '' && startTimeOf(holder.pid) === startTime ? holder : undefined;
}

const pathOf = (holder: Holder): string => `/proc/${holder.pid}/ns/pid_for_children`;

/** `unshare` stays outside and dies with its child, and the child with it: whoever kills it ends the namespace. */
async function begin(): Promise<Holder> {
  const child = spawn('unshare', ['--pid', '--fork', '--kill-child=SIGKILL', 'sh', '-c', SLEEPER], { detached: true, stdio: 'ignore', cwd: '/' });
  const { promise: failed, reject } = Promise.withResolvers<never>();
  child.once('error', reject);
  child.once('exit', (code) => { reject(new Error(`unshare ended with ${String(code)}`)); });
  child.unref();
  const made = async (): Promise<Holder> => {
    for (let look = 0; look < LOOKS; look += 1) {
      const pid = child.pid ?? 0;
      const startTime = startTimeOf(pid);
      // Only once its child runs is there a first process, without which nothing can be started in the namespace.
      if (startTime !== undefined && readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim() !== '') {
        return { pid, startTime };
      }
      await sleep(LOOK_MS);
    }
    throw new Error('no process appeared in it');
  };
  try {
    return await Promise.race([made(), failed]);
  } finally {
    child.removeAllListeners('exit');
    // A rejection that lost the race is nobody's.
    failed.catch(() => undefined);
  }
}

/** Path of the namespace, made when `file` names none that lives. Throws PodStartError. */
export async function sharedPidNamespace(file: string): Promise<string> {
  const known = await remembered(file);
  if (known !== undefined) {
    return pathOf(known);
  }
  try {
    const holder = await begin();
    await writeFile(file, `${holder.pid} ${holder.startTime}`, { mode: 0o600 });
    return pathOf(holder);
  } catch (error) {
    throw new PodStartError('FailedCreatePodSandBox', `Failed to create pod sandbox: its processes cannot share a namespace: ${messageOf(error)}`, { cause: error });
  }
}

/** Ends the namespace, and whatever still runs in it. */
export async function endPidNamespace(file: string): Promise<void> {
  const holder = await remembered(file);
  if (holder !== undefined) {
    try {
      process.kill(holder.pid, 'SIGKILL');
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) {
        throw error;
      }
    }
  }
  await rm(file, { force: true });
}

/** Ends those of all pods whose folders lie in `folder`: for taking everything down. */
export async function endAllPidNamespaces(folder: string): Promise<void> {
  for (const uid of existsSync(folder) ? readdirSync(folder) : []) {
    await endPidNamespace(pidNamespaceFile(join(folder, uid)));
  }
}
