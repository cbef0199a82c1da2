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

  /** `flags` go to Node, e.g. `--cpu-prof`. */
  static async start(flags: readonly string[] = []): Promise<OwnServer> {
    const dir = mkdtempSync(join(tmpdir(), 'telar-bench-'));
    const child = fork(SERVE, [dir], { execArgv: ['--disable-warning=ExperimentalWarning', ...flags] });
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

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.disconnect();
    await ended;
    rmSync(this.#dir, { recursive: true });
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
