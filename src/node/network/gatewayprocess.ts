/**
 * The DNS process of an instance: started detached, found again by `<runDir>/gateway.json`, replaced when its code has changed.
 * Its program is the gateway room's; this room only knows the command line it is given.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, openSync, closeSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMissing } from '../../apimachinery/errno.ts';
import type { Instance } from '../../apimachinery/instance.ts';
import type { Log } from '../../apimachinery/log.ts';

type GatewayInstance = Pick<Instance, 'runDir' | 'dataDir' | 'dnsAddress'>;

export interface GatewayOptions {
  instance: GatewayInstance;
  /** Program and arguments; `--run-dir` and `--version` are added. */
  command: readonly string[];
  log: Log;
  /** Called when a process that this one started ends. */
  onExit?: () => void;
  /** Called with the port it serves on, whenever that may have changed: not 53 where another program holds that. */
  onPort?: (port: number) => void;
}

interface Running {
  pid: number;
  startTime: string;
  version: string;
  port: number;
}

const STATE = 'gateway.json';
export const DNS_PORT = 53;
const LOG = 'gateway.log';
const MAX_LOG_BYTES = 1024 * 1024;
/** What of the log goes into an error. */
const LOG_TAIL_CHARS = 500;
const START_STEPS = 200;
const STOP_STEPS = 100;
const STEP_MS = 25;
/** How often the running control plane looks whether DNS is there. */
const WATCH_MS = 5000;
const GATEWAY_SOURCES = fileURLToPath(new URL('../../gateway/', import.meta.url));

const pause = (): Promise<void> => new Promise((resolve) => { setTimeout(resolve, STEP_MS); });

/** Changes with the gateway's source. */
async function codeVersion(): Promise<string> {
  const hash = createHash('sha256');
  for (const file of (await readdir(GATEWAY_SOURCES)).toSorted()) {
    if (/(?<!\.test)\.[jt]s$/.test(file)) {
      hash.update(file).update(await readFile(join(GATEWAY_SOURCES, file)));
    }
  }
  return hash.digest('hex').slice(0, 16);
}

async function processStart(pid: number): Promise<string | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    // A zombie serves nobody.
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch (error) {
    if (isMissing(error)) {
      return undefined;
    }
    throw error;
  }
}

/** What the state file says; undefined when it is not there or not whole. */
async function readState(path: string): Promise<ReadonlyMap<string, unknown> | undefined> {
  if (!existsSync(path)) {
    return undefined;
  }
  try {
    const state: unknown = JSON.parse(await readFile(path, 'utf8'));
    return new Map<string, unknown>(typeof state === 'object' && state !== null ? Object.entries(state) : []);
  } catch (error) {
    if (error instanceof SyntaxError || isMissing(error)) {
      return undefined;
    }
    throw error;
  }
}

/** The instance's gateway, if it lives. */
async function findRunning(instance: GatewayInstance): Promise<Running | undefined> {
  const state = await readState(join(instance.runDir, STATE));
  const [pid, startTime, version, port] = ['pid', 'startTime', 'version', 'port'].map((key) => state?.get(key));
  if (typeof pid !== 'number' || !Number.isInteger(pid) || pid <= 1 || typeof startTime !== 'string' || typeof version !== 'string') {
    return undefined;
  }
  return (await processStart(pid)) === startTime ? { pid, startTime, version, port: typeof port === 'number' ? port : DNS_PORT } : undefined;
}

async function end(running: Running): Promise<void> {
  for (let step = 0; (await processStart(running.pid)) === running.startTime; step++) {
    try {
      process.kill(running.pid, step < STOP_STEPS ? 'SIGTERM' : 'SIGKILL');
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) {
        throw error;
      }
    }
    await pause();
  }
}

/** Nothing of ours but what Node needs to start small. */
function environment(): NodeJS.ProcessEnv {
  const { PATH = '/usr/sbin:/usr/bin:/sbin:/bin', NODE_COMPILE_CACHE } = process.env;
  return { PATH, ...(NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }) };
}

async function start(options: GatewayOptions, version: string): Promise<Running> {
  const { instance, command } = options;
  const [program, ...args] = command;
  if (program === undefined) {
    throw new Error('no command line for the DNS gateway');
  }
  const logDir = join(instance.dataDir, 'log');
  const logFile = join(logDir, LOG);
  await mkdir(logDir, { recursive: true });
  if (existsSync(logFile) && (await stat(logFile)).size > MAX_LOG_BYTES) {
    await truncate(logFile);
  }
  const log = openSync(logFile, 'a', 0o600);
  let exited: string | undefined;
  let pid: number | undefined;
  try {
    const child = spawn(program, [...args, '--run-dir', instance.runDir, '--version', version], {
      detached: true, stdio: ['ignore', log, log], cwd: '/', env: environment(),
    });
    child.on('error', (error) => { exited = error.message; });
    child.on('exit', (code, signal) => {
      exited = `it ended with ${code ?? signal}`;
      options.onExit?.();
    });
    child.unref();
    pid = child.pid;
  } finally {
    closeSync(log);
  }
  for (let step = 0; step < START_STEPS && exited === undefined; step++) {
    await pause();
    const running = await findRunning(instance);
    if (running !== undefined && (running.pid === pid || running.version === version)) {
      return running;
    }
  }
  const tail = existsSync(logFile) ? (await readFile(logFile, 'utf8')).slice(-LOG_TAIL_CHARS).trim() : '';
  throw new Error(`the DNS gateway on ${instance.dnsAddress} did not start: ${exited ?? 'it says nothing'}; ${tail}`);
}

/** One start or end at a time for each run directory, whoever asks. */
const turns = new Map<string, Promise<unknown>>();

async function inTurn<R>(instance: GatewayInstance, task: () => Promise<R>): Promise<R> {
  const turn = (turns.get(instance.runDir) ?? Promise.resolve()).then(task, task);
  turns.set(instance.runDir, turn);
  try {
    return await turn;
  } finally {
    if (turns.get(instance.runDir) === turn) {
      turns.delete(instance.runDir);
    }
  }
}

/** Make sure that the instance's gateway runs, with today's code. Needs `<runDir>/dns.json`. Answers whether it had to be started. */
export function ensureGateway(options: GatewayOptions): Promise<boolean> {
  return inTurn(options.instance, async () => {
    const version = await codeVersion();
    const running = await findRunning(options.instance);
    if (running?.version === version) {
      options.onPort?.(running.port);
      return false;
    }
    if (running !== undefined) {
      options.log.info({ pid: running.pid }, 'replacing the DNS gateway of another version');
      await end(running);
    }
    const { pid, port } = await start(options, version);
    options.log.info({ pid, address: options.instance.dnsAddress, port }, 'DNS gateway started');
    options.onPort?.(port);
    return true;
  });
}

/** Keep the gateway running until `signal`; it goes on after that. Resolves when it serves, or when the first try failed (logged). */
export async function superviseGateway(options: GatewayOptions, signal: AbortSignal): Promise<void> {
  // Until the first start is over: its own failures are told there.
  let checking = true;
  const check = async (): Promise<void> => {
    if (checking) {
      return;
    }
    checking = true;
    try {
      if ((await findRunning(options.instance)) === undefined && !signal.aborted) {
        await ensureGateway(watched);
      }
    } catch (error) {
      options.log.error({ err: error }, 'cluster DNS is not running; will try again');
    } finally {
      checking = false;
    }
  };
  const watched: GatewayOptions = { ...options, onExit: () => void check() };
  try {
    await ensureGateway(watched);
  } catch (error) {
    // Pods without names are better than no pods.
    options.log.error({ err: error }, 'cluster DNS is not running; will try again');
  } finally {
    checking = false;
  }
  const timer = setInterval(() => void check(), WATCH_MS);
  timer.unref();
  signal.addEventListener('abort', () => { clearInterval(timer); }, { once: true });
}

/** End the instance's gateway, also that of a Telar that is gone. */
export function stopGateway(instance: GatewayInstance): Promise<void> {
  return inTurn(instance, async () => {
    const running = await findRunning(instance);
    if (running !== undefined) {
      await end(running);
    }
    await rm(join(instance.runDir, STATE), { force: true });
  });
}
