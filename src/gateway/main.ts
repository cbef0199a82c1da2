/**
 * The gateway process: `… gateway --run-dir DIR [--version TEXT]`. It reads files and speaks DNS, nothing else, so that it
 * outlives the control plane and stays small. Import nothing here that is not needed for that.
 */
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
const BIND_TRIES = 20;
const BIND_PAUSE_MS = 100;
/** How often the process asks itself whether its instance still exists. */
const ORPHAN_CHECK_MS = 60_000;

function option(args: readonly string[], name: string): string | undefined {
  const at = args.indexOf(name);
  return at < 0 ? undefined : args[at + 1];
}

function say(text: string): void {
  process.stderr.write(`${new Date().toISOString()} ${text}\n`);
}

/** Clock ticks since boot at which this process began: with the id, it tells a process from a later one of the same id. */
function startTime(): string {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

async function bind(server: () => DnsServer): Promise<DnsServer> {
  for (let attempt = 1; ; attempt++) {
    const candidate = server();
    try {
      await candidate.listen();
      return candidate;
    } catch (error) {
      await candidate.close();
      if (attempt >= BIND_TRIES) {
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
  const port = Number(option(args, '--port') ?? DNS_PORT);
  const upstreams = new HostUpstreams();
  const server = await bind(() => new DnsServer({
    address, port, zone: () => zone.current(), forwarder: new Forwarder(() => upstreams.list(address)), onError,
  }));
  zone.watch();
  const state = join(runDir, STATE);
  writeFileSync(`${state}.${process.pid}`, JSON.stringify({ pid: process.pid, startTime: startTime(), version }));
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
