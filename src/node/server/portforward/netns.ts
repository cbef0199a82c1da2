/**
 * Connections to the localhost of a pod's network namespace. This process cannot enter another namespace, so a helper does (`nsenter`, one
 * process per pod while somebody forwards to it) and hands over each connected socket: data does not pass through it.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { Socket } from 'node:net';
import { codeOf } from '../../../apimachinery/errno.ts';
import type { Log } from '../../../apimachinery/log.ts';
import { reasonOf } from './target.ts';

let program: string | undefined;

/** The helper as JavaScript, also where this runs from its sources: a process that has to strip types itself takes half as much memory again. */
function helperProgram(): string {
  const isSource = import.meta.url.endsWith('.ts');
  const text = (): string => readFileSync(new URL(isSource ? 'helper.ts' : 'helper.js', import.meta.url), 'utf8');
  program ??= isSource ? stripTypeScriptTypes(text()) : text();
  return program;
}

/** A helper nobody uses any more is kept this long, ms: people forward again soon. */
const LINGER_MS = 10_000;
/** Connections asked for and not yet made, of one pod. */
const MAX_PENDING = 1024;
const LOOPBACKS = ['127.0.0.1', '::1'] as const;

interface Pending {
  resolve(socket: Socket): void;
  reject(error: Error): void;
}

/** What sending to an ended process fails with. */
const GONE: readonly string[] = ['EPIPE', 'ECONNRESET', 'ERR_IPC_CHANNEL_CLOSED'];

class Helper {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  #next = 0;

  constructor(netns: string, log: Log, ended: () => void) {
    this.#child = spawn('nsenter', [`--net=${netns}`, '--', process.execPath, '--input-type=module', '--eval', helperProgram()], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'], env: { PATH: process.env['PATH'] ?? '' },
    });
    let said = '';
    this.#child.stderr?.on('data', (chunk: Buffer) => { said = `${said}${chunk.toString()}`.slice(-1024); });
    this.#child.on('message', (message, handle) => { this.#answered(message, handle); });
    const over = (why: string): void => {
      for (const pending of this.#pending.values()) {
        pending.reject(new Error(why));
      }
      this.#pending.clear();
      ended();
    };
    this.#child.once('error', (error) => {
      log.warn({ netns, error: error.message }, 'no process could be started in a network namespace');
      over(`cannot enter the network namespace: ${error.message}`);
    });
    this.#child.once('exit', (code) => {
      if (code !== 0 && code !== null) {
        log.warn({ netns, code, said }, 'the helper of a network namespace ended');
      }
      over(`the network namespace cannot be entered: ${said.trim()}`);
    });
    this.#child.unref();
    this.#child.channel?.unref();
  }

  connect(host: string, port: number): Promise<Socket> {
    return new Promise((resolve, reject) => {
      if (this.#pending.size >= MAX_PENDING || !this.#child.connected) {
        reject(new Error(this.#child.connected ? 'too many connections wait for the pod' : 'the network namespace is gone'));
        return;
      }
      const id = this.#next;
      this.#next += 1;
      this.#pending.set(id, { resolve, reject });
      this.#child.send({ id, host, port }, (error) => {
        // A helper that cannot be told any more has ended or is about to: its end says why, to all who wait.
        if (error !== null && !GONE.includes(codeOf(error))) {
          this.#pending.delete(id);
          reject(error);
        }
      });
    });
  }

  end(): void {
    if (this.#child.connected) {
      this.#child.disconnect();
    }
  }

  #answered(message: unknown, handle: unknown): void {
    const id = typeof message === 'object' && message !== null && 'id' in message && typeof message.id === 'number' ? message.id : -1;
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (handle instanceof Socket) {
      handle.allowHalfOpen = true;
      if (pending === undefined) {
        handle.destroy();
      } else {
        pending.resolve(handle);
      }
      return;
    }
    const code = typeof message === 'object' && message !== null && 'code' in message ? String(message.code) : '';
    pending?.reject(Object.assign(new Error(code), { code }));
  }
}

/** A pod's localhost, for as long as somebody holds it. */
export interface Localhost {
  dial(port: number): Promise<Socket>;
  release(): void;
}

/** A namespace that somebody forwards to, or did a moment ago. */
interface Entry {
  users: number;
  helper: Helper | undefined;
  linger: NodeJS.Timeout | undefined;
}

export class NetnsDialers {
  readonly #entries = new Map<string, Entry>();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Starts the helper at once, so that the first connection does not wait for it. */
  hold(netns: string): Localhost {
    const entry = this.#entries.get(netns) ?? { users: 0, helper: undefined, linger: undefined };
    this.#entries.set(netns, entry);
    clearTimeout(entry.linger);
    entry.users += 1;
    this.#helperOf(entry, netns);
    let held = true;
    return {
      dial: (port) => dialLocalhost(this.#helperOf(entry, netns), netns, port),
      release: () => {
        if (held) {
          held = false;
          this.#release(entry, netns);
        }
      },
    };
  }

  close(): void {
    for (const { helper, linger } of this.#entries.values()) {
      clearTimeout(linger);
      helper?.end();
    }
    this.#entries.clear();
  }

  /** The running one, or a new one when it has ended. */
  #helperOf(entry: Entry, netns: string): Helper {
    const helper: Helper = entry.helper ?? new Helper(netns, this.#log, () => {
      if (entry.helper === helper) {
        entry.helper = undefined;
      }
    });
    entry.helper = helper;
    return helper;
  }

  #release(entry: Entry, netns: string): void {
    entry.users -= 1;
    if (entry.users > 0) {
      return;
    }
    entry.linger = setTimeout(() => {
      this.#entries.delete(netns);
      entry.helper?.end();
    }, LINGER_MS);
    entry.linger.unref();
  }
}

/** IPv4 first, then IPv6, as the kubelet's runtimes do. */
async function dialLocalhost(helper: Helper, netns: string, port: number): Promise<Socket> {
  const reasons: string[] = [];
  for (const host of LOOPBACKS) {
    try {
      return await helper.connect(host, port);
    } catch (error) {
      const version = host === '::1' ? 6 : 4;
      reasons.push(`IPv${version}: dial tcp${version} ${version === 6 ? `[${host}]` : host}:${port}: ${error instanceof Error ? reasonOf(error) : String(error)}`);
    }
  }
  throw new Error(`failed to connect to localhost:${port} inside namespace ${JSON.stringify(netns)}, ${reasons.join(' ')}`);
}
