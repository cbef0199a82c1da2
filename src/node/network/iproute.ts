/** `ip` in batches: commands of many pods in one process, failures told apart. */
import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Batcher } from './batcher.ts';
import { command, CommandError } from './command.ts';
import { linkExists } from './sysctl.ts';

/** A pod's lines of a batch; after its first failing line the rest of them still run, and the failure is reported. */
export type LinkCommands = readonly string[];

/** `ip` says `Command failed -:LINE` after each failure, its reason on the line before. */
function failures(stderr: string): Map<number, string> {
  const found = new Map<number, string>();
  let reason = '';
  for (const line of stderr.split('\n')) {
    const failed = /^Command failed -:(\d+)/.exec(line);
    if (failed === null) {
      reason = line.trim() === '' ? reason : line.trim();
    } else {
      found.set(Number(failed[1]), reason);
      reason = '';
    }
  }
  return found;
}

async function runBatch(items: readonly LinkCommands[]): Promise<(Error | undefined)[]> {
  const lines = items.flat();
  let stderr = '';
  try {
    await command('ip', ['-force', '-batch', '-'], { input: `${lines.join('\n')}\n` });
  } catch (error) {
    if (!(error instanceof CommandError) || !error.stderr.includes('Command failed -:')) {
      throw error;
    }
    stderr = error.stderr;
  }
  const failed = failures(stderr);
  let line = 0;
  return items.map((item) => {
    let error: Error | undefined;
    for (const text of item) {
      line++;
      const reason = failed.get(line);
      if (reason !== undefined && error === undefined) {
        error = new CommandError(`ip ${text}`, 1, reason);
      }
    }
    return error;
  });
}

/** Link groups of removals: high and drawn, since small numbers are the machine's administrator's. */
const MIN_GROUP = 2 ** 24;
const MAX_GROUP = 2 ** 31 - 1;

/** Each removal alone waits for the kernel's grace period; a group of links waits once. Links that are gone already are fine. */
async function removeLinks(names: readonly string[]): Promise<(Error | undefined)[]> {
  const present = names.filter((name) => linkExists(name));
  if (present.length > 0) {
    const group = randomInt(MIN_GROUP, MAX_GROUP);
    const results = await runBatch([...present.map((name) => [`link set dev ${name} group ${group}`]), [`link del group ${group}`]]);
    const error = results.at(-1);
    return names.map((name) => (linkExists(name) ? error ?? new Error(`link ${name} stays`) : undefined));
  }
  return names.map(() => undefined);
}

/** Runs `ip` commands in the machine's own network namespace. */
export class HostLinks {
  readonly #batcher = new Batcher<LinkCommands>(runBatch);
  readonly #removals = new Batcher<string>(removeLinks);

  /** Throws the first of these commands' failures. */
  apply(commands: LinkCommands): Promise<void> {
    return this.#batcher.add(commands);
  }

  /** Remove a link, together with others that are to go at this moment. */
  remove(name: string): Promise<void> {
    return this.#removals.add(name);
  }
}

export interface HostRoute {
  /** `default` or a destination such as `10.42.0.0/24` or `10.42.0.5`. */
  dst: string;
  dev?: string;
  type?: string;
}

/** The machine's IPv4 routes of the main table. */
export async function hostRoutes(): Promise<HostRoute[]> {
  const parsed: unknown = JSON.parse((await command('ip', ['-j', '-4', 'route', 'show'])) || '[]');
  if (!Array.isArray(parsed)) {
    return [];
  }
  return parsed.flatMap((route: unknown): HostRoute[] => {
    if (typeof route !== 'object' || route === null || !('dst' in route) || typeof route.dst !== 'string') {
      return [];
    }
    return [{
      dst: route.dst,
      ...('dev' in route && typeof route.dev === 'string' ? { dev: route.dev } : {}),
      ...('type' in route && typeof route.type === 'string' ? { type: route.type } : {}),
    }];
  });
}

/** Names of this network namespace's links. */
export async function hostLinkNames(): Promise<string[]> {
  return (await readFile('/proc/net/dev', 'utf8')).split('\n').slice(2).flatMap((line) => {
    const name = line.split(':')[0]?.trim() ?? '';
    return name === '' ? [] : [name];
  });
}
