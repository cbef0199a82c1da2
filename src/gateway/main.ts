/**
 * The gateway process: `… gateway --run-dir DIR [--version TEXT]`. It reads files and speaks DNS, nothing else, so that it
 * outlives the control plane and stays small. Import nothing here that is not needed for that.
 */
import { randomInt } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { flushCompileCache, getCompileCacheDir } from 'node:module';
import { join } from 'node:path';
import { Forwarder } from './forwarder.ts';
import { DnsServer } from './server.ts';
import { HostUpstreams } from './upstreams.ts';
import { ZoneFile } from './zonefile.ts';

const STATE = 'gateway.json';
const DNS_PORT = 53;
/** The address's link, or a predecessor's port, may need a moment. */
const BIND_TRIES = 10;
const BIND_PAUSE_MS = 100;
/** Below the ports that the kernel gives to clients, above what services are registered for. */
const FIRST_FALLBACK_PORT = 20_053;
const FALLBACK_PORTS = 5000;
/** Lines written in a minute at most: the log is nobody's to fill. */
const MAX_LINES_PER_MINUTE = 60;
/** How often the process asks itself whether its instance still exists. */
const ORPHAN_CHECK_MS = 60_000;

function option(args: readonly string[], name: string): string | undefined {
  const at = args.indexOf(name);
  return at < 0 ? undefined : args[at + 1];
}

let minute = 0;
let lines = 0;

function say(text: string): void {
  const now = Math.floor(Date.now() / 60_000);
  lines = now === minute ? lines + 1 : 1;
  minute = now;
  if (lines > MAX_LINES_PER_MINUTE) {
    return;
  }
  process.stderr.write(`${new Date().toISOString()} ${text}\n`);
}

/** Clock ticks since boot at which this process began: with the id, it tells a process from a later one of the same id. */
function startTime(): string {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}

/**
 * Bound, and on which port: the wanted one, or one the kernel chooses when a program that listens on port 53 of every address
 * does not give way. The node then leads the address's port 53 there.
 */
async function bind(server: (port: number) => DnsServer, wanted: number): Promise<{ server: DnsServer; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const last = attempt === BIND_TRIES;
    const port = last ? FIRST_FALLBACK_PORT + randomInt(FALLBACK_PORTS) : wanted;
    const candidate = server(port);
    try {
      await candidate.listen();
      return { server: candidate, port };
    } catch (error) {
      await candidate.close();
      if (last || (attempt === BIND_TRIES - 1 && !isTaken(error))) {
        throw error;
      }
      await new Promise((resolve) => { setTimeout(resolve, BIND_PAUSE_MS); });
    }
  }
}

/**
 * Taking the types out of the sources loads a compiler that stays in memory (20 MiB, more than everything else here together).
 * Where Node keeps a compile cache, the first start of a version fills it and begins again in place, under the same process id.
 */
function beginAgainWithoutCompiler(version: string): void {
  const cache = getCompileCacheDir();
  const mark = cache === undefined ? '' : join(cache, `gateway-${version}`);
  if (cache === undefined || process.execve === undefined || version === '' || existsSync(mark)) {
    return;
  }
  try {
    flushCompileCache();
    writeFileSync(mark, '');
  } catch (error) {
    // A cache that cannot be written costs memory, no more.
    say(`compile cache: ${error instanceof Error ? error.message : String(error)}`);
    return;
  }
  process.execve(process.execPath, [process.execPath, ...process.execArgv, ...process.argv.slice(1)], process.env);
}

/** Runs until SIGTERM or SIGINT, or until the instance's run directory is gone. */
export async function runGateway(args: readonly string[]): Promise<void> {
  const runDir = option(args, '--run-dir');
  if (runDir === undefined) {
    throw new Error('usage: telar gateway --run-dir DIR');
  }
  const version = option(args, '--version') ?? '';
  beginAgainWithoutCompiler(version);
  const onError = (error: unknown, what: string): void => { say(`${what}: ${error instanceof Error ? error.message : String(error)}`); };
  // One bad packet must not take the names from everybody, least of all while nobody is there to start this again.
  process.on('uncaughtException', (error) => { onError(error, 'unexpected'); });
  const zone = new ZoneFile(runDir, onError);
  const address = zone.current().listen;
  const upstreams = new HostUpstreams();
  const { server, port } = await bind((port) => new DnsServer({
    address, port, zone: () => zone.current(), forwarder: new Forwarder(() => upstreams.list(address)), onError,
  }), Number(option(args, '--port') ?? DNS_PORT));
  zone.watch();
  const state = join(runDir, STATE);
  writeFileSync(`${state}.${process.pid}`, JSON.stringify({ pid: process.pid, startTime: startTime(), version, port }));
  renameSync(`${state}.${process.pid}`, state);
  say(`serving ${zone.current().domain} on ${address}:${port}`);
  const ended = Promise.withResolvers<void>();
  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.once(signal, () => { ended.resolve(); });
  }
  const orphan = setInterval(() => {
    if (!existsSync(runDir)) {
      ended.resolve();
    }
  }, ORPHAN_CHECK_MS);
  await ended.promise;
  clearInterval(orphan);
  zone.close();
  await server.close();
  if (existsSync(state) && readFileSync(state, 'utf8').includes(`"pid":${process.pid},`)) {
    rmSync(state, { force: true });
  }
}
