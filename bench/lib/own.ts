/** An API server of the benchmark's own, alone in a process: the subject where none is named, and the one whose inside can be measured. */
import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isObject } from '../../src/apimachinery/values.ts';
import type { Target } from './http.ts';

/** What the server used since this was last asked for. */
export interface Use {
  /** User and system time of all its threads, ms. */
  cpuMs: number;
  /** Share of the time in which the main thread's event loop did something, 0 to 1. */
  loopBusy: number;
  residentMiB: number;
  /** How late the event loop came round, ms. */
  loopP50Ms: number;
  loopP99Ms: number;
  loopP999Ms: number;
  loopMaxMs: number;
}

/** As the launcher starts Telar. */
const NODE_FLAGS = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=8'];
/** Compiled code is kept from one start to the next, as with the launcher: without it, stripping the types costs time and memory at each. */
const CACHE = process.env['NODE_COMPILE_CACHE'] || join(tmpdir(), 'telar-bench-compile-cache');
const SERVE = fileURLToPath(new URL('serve.ts', import.meta.url));

function text(message: Record<string, unknown>, name: string): string {
  const value = message[name];
  if (typeof value !== 'string') {
    throw new Error(`the server did not say its ${name}`);
  }
  return value;
}

export class OwnServer {
  readonly target: Target;
  /** From the start of the process to its listening, ms. */
  readonly readyMs: number;
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #dir: string;

  private constructor(child: ChildProcess, dir: string, greeting: Record<string, unknown>) {
    this.#child = child;
    this.#dir = dir;
    this.pid = child.pid ?? 0;
    this.readyMs = Number(greeting['readyMs']);
    this.target = { host: '127.0.0.1', port: Number(greeting['port']), token: text(greeting, 'token'), ca: text(greeting, 'ca') };
  }

  /** On a new store, or on what an earlier server left in `dir`. `flags` go to Node, e.g. `--cpu-prof`. */
  static async start({ dir = mkdtempSync(join(tmpdir(), 'telar-bench-')), flags = [] }: { dir?: string; flags?: readonly string[] } = {}): Promise<OwnServer> {
    const child = fork(SERVE, [dir], { execArgv: [...NODE_FLAGS, ...flags], env: { ...process.env, NODE_COMPILE_CACHE: CACHE } });
    return new OwnServer(child, dir, await message(child));
  }

  /** What it used since the last time. */
  async use(): Promise<Use> {
    const answer = message(this.#child);
    this.#child.send('use');
    const { use } = await answer;
    if (!isUse(use)) {
      throw new Error('the server did not say what it uses');
    }
    return use;
  }

  /** Ends the process; answers the directory with its store, for another server or to be removed. */
  async end(): Promise<string> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.disconnect();
    await ended;
    return this.#dir;
  }

  async stop(): Promise<void> {
    rmSync(await this.end(), { recursive: true });
  }
}

const USE_FIELDS: readonly (keyof Use)[] = ['cpuMs', 'loopBusy', 'residentMiB', 'loopP50Ms', 'loopP99Ms', 'loopP999Ms', 'loopMaxMs'];
const isUse = (value: unknown): value is Use => isObject(value) && USE_FIELDS.every((name) => typeof value[name] === 'number');

function message(child: ChildProcess): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void => reject(new Error(`the server ended with ${String(code)}`));
    child.once('exit', ended);
    child.once('message', (value) => {
      child.off('exit', ended);
      if (isObject(value)) {
        resolve(value);
      } else {
        reject(new Error('the server said something else'));
      }
    });
  });
}
