/** Starting an instance's server, alone or with controllers and node: in this process, or left running. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { codeOf } from '../../apimachinery/errno.ts';
import { StartFault } from '../../apimachinery/startfault.ts';
import { CliError } from '../errors.ts';
import { text } from '../messages/index.ts';
import type { Role, Wiring } from '../wiring.ts';
import { acquireLock, currentHolder, type Holder } from './lock.ts';
import { openLog, tailOf } from './logfile.ts';
import { readiness } from './ready.ts';
import { addSecurityOptions, securityOptions, type SecurityFlags } from './security.ts';
import { ensureInstance, kubeconfigPath, logPath, urlOf, type InstanceOptions } from './record.ts';

const READY_LIMIT_SECONDS = 120;
const READY_CHECK_MS = 50;
const EXIT_CODE_FAILED = 1;

/** Options of every command that starts a server. */
export interface ServerFlags extends SecurityFlags {
  dataDir?: string;
  listen?: string;
  port?: string;
  podCidr?: string;
  serviceCidr?: string;
  nodeName?: string;
}

export const addServerOptions = (command: Command): Command => addSecurityOptions(command
  .option('--data-dir <dir>', text('option.dataDir'))
  .option('--listen <address>', text('up.option.listen'))
  .option('--port <port>', text('up.option.port'))
  .option('--pod-cidr <range>', text('up.option.podCidr'))
  .option('--service-cidr <range>', text('up.option.serviceCidr'))
  .option('--node-name <name>', text('up.option.nodeName')));

export function instanceOptions(flags: ServerFlags): InstanceOptions {
  const port = flags.port === undefined ? undefined : Number(flags.port);
  if (port !== undefined && (!Number.isInteger(port) || port < 1 || port > 65535)) {
    throw new CliError(text('up.error.portNumber', { value: flags.port ?? '' }));
  }
  return {
    ...(port === undefined ? {} : { port }),
    ...(flags.listen === undefined ? {} : { listen: flags.listen }),
    ...(flags.podCidr === undefined ? {} : { podCidr: flags.podCidr }),
    ...(flags.serviceCidr === undefined ? {} : { serviceCidr: flags.serviceCidr }),
    ...(flags.nodeName === undefined ? {} : { nodeName: flags.nodeName }),
  };
}

const running = (dataDir: string, { pid, url }: Holder): CliError => new CliError(text('up.error.running', { dataDir, pid, url }));

/** One node a directory: two would take each other's pods for left-overs. Answers the release. */
export async function lockNode(dataDir: string, url: string): Promise<() => Promise<void>> {
  const lock = await acquireLock(dataDir, url, 'node.lock');
  if ('holder' in lock) {
    throw new CliError(text('node.error.running', { dataDir, pid: lock.holder.pid }));
  }
  return () => lock.release();
}

/** What stands in the way of a start, as a sentence. */
export function explained(error: unknown, listen: string, port: number): unknown {
  switch (codeOf(error)) {
    case 'EADDRINUSE': return new CliError(text('up.error.port', { port, listen }), { cause: error });
    case 'EADDRNOTAVAIL': return new CliError(text('up.error.address', { listen }), { cause: error });
    default: return error instanceof StartFault ? new CliError(text(`up.fault.${error.reason}`, error.details), { cause: error }) : error;
  }
}

/** Aborts at the first SIGINT, SIGTERM or SIGHUP; a second one ends the process at once. */
export function untilSignalled(): AbortController {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) {
        process.exit(EXIT_CODE_FAILED);
      }
      stop.abort();
    });
  }
  return stop;
}

export interface Start {
  wiring: Wiring;
  dataDir: string;
  flags: ServerFlags;
  roles: readonly Role[];
  controllers: string;
}

/** Serves until it is told to end. Throws CliErrors for what stands in the way. */
export async function serveHere({ wiring, dataDir, flags, roles, controllers }: Start): Promise<void> {
  const security = securityOptions(flags);
  const instance = await ensureInstance(dataDir, instanceOptions(flags));
  const url = urlOf(instance);
  const lock = await acquireLock(dataDir, url);
  if ('holder' in lock) {
    throw running(dataDir, lock.holder);
  }
  let release: (() => Promise<void>) | undefined;
  const stop = untilSignalled();
  try {
    release = roles.includes('node') ? await lockNode(dataDir, url) : undefined;
    const log = openLog(logPath(dataDir), true);
    log.info({ id: instance.id, pid: process.pid, url }, 'starting');
    await wiring.serve({
      instance, security, roles, controllers, log, signal: stop.signal,
      ready: () => {
        log.info({ url }, 'ready');
        process.stdout.write(`${text('up.ready', { url })}\n${text('up.next', { kubeconfig: kubeconfigPath(dataDir) })}\n${roles.includes('node') ? text('up.stop') : text('server.stop')}\n`);
        stop.signal.addEventListener('abort', () => { process.stdout.write(`${roles.includes('node') ? text('up.stopping') : text('server.stopping')}\n`); });
      },
    });
    log.info({}, 'stopped');
  } catch (error) {
    throw explained(error, instance.listen, instance.port);
  } finally {
    await release?.();
    await lock.release();
  }
}

/** Starts `telar <words>` in a session of its own and waits until it is ready. */
export async function serveDetached(dataDir: string, options: InstanceOptions, words: readonly string[]): Promise<void> {
  const holder = await currentHolder(dataDir);
  if (holder !== undefined) {
    throw running(dataDir, holder);
  }
  const instance = await ensureInstance(dataDir, options);
  const output = `${logPath(dataDir)}.start`;
  await mkdir(dirname(output), { recursive: true, mode: 0o700 });
  const fd = openSync(output, 'w', 0o600);
  const [, script = ''] = process.argv;
  const child = spawn(process.execPath, [...process.execArgv, script, ...words], { detached: true, stdio: ['ignore', fd, fd] });
  closeSync(fd);
  let exited = false;
  child.once('exit', () => { exited = true; });
  child.unref();
  const end = Date.now() + READY_LIMIT_SECONDS * 1000;
  // Ready is what this start wrote, not an answer of a server that happens to have the port.
  while (statSync(output).size === 0 || !tailOf(output).includes(urlOf(instance)) || await readiness(dataDir) !== 'ok') {
    if (exited) {
      throw new CliError(text('up.error.exited', { log: logPath(dataDir), tail: tailOf(output) }));
    }
    if (Date.now() > end) {
      throw new CliError(text('up.error.slow', { seconds: READY_LIMIT_SECONDS, log: logPath(dataDir) }));
    }
    await sleep(READY_CHECK_MS);
  }
  process.stdout.write(`${text('up.ready', { url: urlOf(instance) })}\n${text('up.next', { kubeconfig: kubeconfigPath(dataDir) })}\n`);
}

/** `telar up --detach` for other commands: nothing happens when it runs already. */
export async function ensureUp(dataDir: string): Promise<void> {
  if (await currentHolder(dataDir) === undefined) {
    await serveDetached(dataDir, {}, ['up', '--data-dir', dataDir, '--yes']);
  }
}
