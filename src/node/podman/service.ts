/**
 * Podman's REST service as a child of this process. It holds no containers (those are conmon's children), so it may be
 * killed and started at any time; here it is started again whenever it ends.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { openSync } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { missingAs } from '../../apimachinery/errno.ts';
import type { Log } from '../../apimachinery/log.ts';
import { PodmanClient } from './client.ts';
import { podmanPaths, writePodmanConfig } from './config.ts';
import type { PodmanPaths } from './config.ts';
import { PodmanUnreachableError } from './errors.ts';
import { chooseRuntime } from './runtime.ts';
import type { RuntimeChoice } from './runtime.ts';
import type { PodmanVersion } from './types.ts';

const START_TIMEOUT_MS = 20_000;
const START_CHECK_MS = 10;
const STOP_TIMEOUT_MS = 5_000;
const FIRST_RESTART_MS = 100;
const LONGEST_RESTART_MS = 10_000;
/** A service that ran this long is started at once when it ends. */
const HEALTHY_MS = 60_000;
/** The service's own log is started anew at this size, bytes. */
const MAX_LOG_BYTES = 4 * 1024 * 1024;

export interface PodmanService {
  client: PodmanClient;
  runtime: RuntimeChoice;
  version: PodmanVersion;
  paths: PodmanPaths;
  /** Process id of the service, for accounting; undefined while it is down. */
  pid(): number | undefined;
  /** Ends the service; containers run on. */
  stop(): Promise<void>;
}

export interface PodmanServiceOptions {
  dataDir: string;
  runDir: string;
  log: Log;
}

/** Start time in clock ticks, which with the id names a process for good; empty when it is gone. */
async function startTimeOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(missingAs(''));
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

/** A service that an earlier Telar left behind when it was killed. */
async function endEarlier(pidFile: string, socket: string): Promise<void> {
  const [pid, started] = (await readFile(pidFile, 'utf8').catch(missingAs(''))).split(' ');
  const id = Number(pid);
  if (!Number.isInteger(id) || id <= 1 || started === undefined || await startTimeOf(id) !== started) {
    return;
  }
  const command = await readFile(`/proc/${id}/cmdline`, 'utf8').catch(missingAs(''));
  if (!command.includes(socket)) {
    return;
  }
  process.kill(id, 'SIGTERM');
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  while (await startTimeOf(id) === started) {
    if (Date.now() > deadline) {
      process.kill(id, 'SIGKILL');
    }
    await sleep(START_CHECK_MS);
  }
}

async function openLog(dataDir: string): Promise<number> {
  const folder = join(dataDir, 'log');
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'podman.log');
  const size = await stat(file).then((found) => found.size, () => 0);
  if (size > MAX_LOG_BYTES) {
    await rename(file, `${file}.1`);
  }
  return openSync(file, 'a');
}

class Supervisor {
  readonly #paths: PodmanPaths;
  readonly #env: NodeJS.ProcessEnv;
  readonly #log: Log;
  readonly #logFd: number;
  #child: ChildProcess | undefined;
  #stopping = false;
  #backOff = FIRST_RESTART_MS;
  #timer: NodeJS.Timeout | undefined;

  constructor(paths: PodmanPaths, env: NodeJS.ProcessEnv, log: Log, logFd: number) {
    this.#paths = paths;
    this.#env = env;
    this.#log = log;
    this.#logFd = logFd;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  spawn(): void {
    const startedAt = Date.now();
    const child = spawn('podman', ['system', 'service', '--time=0', `unix://${this.#paths.socket}`], {
      env: this.#env, stdio: ['ignore', this.#logFd, this.#logFd], detached: true, cwd: '/',
    });
    this.#child = child;
    child.on('error', (error) => {
      this.#log.error({ error: error.message }, "Podman's service cannot be started");
    });
    child.on('spawn', () => {
      this.#remember(child.pid).catch((error: unknown) => {
        this.#log.warn({ error: String(error) }, "cannot remember Podman's service");
      });
    });
    child.on('close', (code, signal) => {
      this.#child = undefined;
      if (this.#stopping) {
        return;
      }
      const delay = Date.now() - startedAt > HEALTHY_MS ? FIRST_RESTART_MS : this.#backOff;
      this.#backOff = Math.min(delay * 2, LONGEST_RESTART_MS);
      this.#log.warn({ code, signal, restartInMs: delay }, "Podman's service ended; starting it again");
      this.#timer = setTimeout(() => { this.spawn(); }, delay);
    });
  }

  async #remember(pid: number | undefined): Promise<void> {
    if (pid !== undefined) {
      await writeFile(join(this.#paths.run, 'service.pid'), `${pid} ${await startTimeOf(pid)}`);
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (child === undefined || child.exitCode !== null) {
      return;
    }
    await new Promise<void>((resolve) => {
      const force = setTimeout(() => { child.kill('SIGKILL'); }, STOP_TIMEOUT_MS);
      child.on('close', () => {
        clearTimeout(force);
        resolve();
      });
      child.kill('SIGTERM');
    });
  }
}

async function waitForAnswer(client: PodmanClient): Promise<PodmanVersion> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      return await client.version();
    } catch (error) {
      if (!(error instanceof PodmanUnreachableError) || Date.now() > deadline) {
        throw error;
      }
    }
    await sleep(START_CHECK_MS);
  }
}

/** Starts the service and waits until it answers. Throws NoRuntimeError when no container can run here. */
export async function startPodmanService(options: PodmanServiceOptions): Promise<PodmanService> {
  const paths = podmanPaths(options.dataDir, options.runDir);
  const runtime = await chooseRuntime(options.dataDir);
  const env = await writePodmanConfig(paths, runtime);
  await endEarlier(join(paths.run, 'service.pid'), paths.socket);
  await rm(paths.socket, { force: true });
  const supervisor = new Supervisor(paths, env, options.log, await openLog(options.dataDir));
  supervisor.spawn();
  const client = new PodmanClient(paths.socket);
  try {
    const version = await waitForAnswer(client);
    return {
      client, runtime, version, paths,
      pid: () => supervisor.pid,
      stop: async () => {
        client.close();
        await supervisor.stop();
      },
    };
  } catch (error) {
    client.close();
    await supervisor.stop();
    throw error;
  }
}
