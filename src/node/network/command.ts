/** Running the kernel's tools (`ip`, `nft`, `unshare`, …): no shell, a bounded answer, an error that says what failed. */
import { spawn } from 'node:child_process';

/** What a tool may print; a listing of a table with thousands of services is a few MiB. */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
/** What of standard error goes into a message. */
const MAX_ERROR_CHARS = 2000;
const DEFAULT_TIMEOUT_MS = 20_000;
/** Tools of the system live in sbin, which a user's PATH may lack. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`;

export class CommandError extends Error {
  readonly code: number | undefined;
  readonly stderr: string;
  constructor(command: string, code: number | undefined, stderr: string, cause?: unknown) {
    super(`${command}: ${stderr.trim().slice(0, MAX_ERROR_CHARS) || `exit status ${code ?? 'unknown'}`}`, { cause });
    this.name = 'CommandError';
    this.code = code;
    this.stderr = stderr;
  }
}

export interface CommandOptions {
  /** Written to standard input. */
  input?: string;
  timeoutMs?: number;
}

/** Standard output of a program that must succeed; throws CommandError otherwise. */
export async function command(file: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = spawn(file, [...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH, LC_ALL: 'C' },
    timeout: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  const stdout: Buffer[] = [];
  let bytes = 0;
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_OUTPUT_BYTES) {
      child.kill('SIGKILL');
      return;
    }
    stdout.push(chunk);
  });
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (text: string) => {
    // The whole of it is read so that the tool never blocks; only the beginning is kept.
    stderr = stderr.length > 64 * MAX_ERROR_CHARS ? stderr : stderr + text;
  });
  child.on('error', (error: NodeJS.ErrnoException) => {
    const hint = error.code === 'ENOENT' ? `not found: is its package installed? (telar doctor)` : error.message;
    reject(new CommandError(file, undefined, hint, error));
  });
  child.on('close', (code, signal) => {
    if (code === 0) {
      resolve(Buffer.concat(stdout).toString('utf8'));
    } else {
      reject(new CommandError(file, code ?? undefined, stderr || (signal === null ? '' : `ended by ${signal}`)));
    }
  });
  // A tool that exits before reading its input is reported by its exit status, not by EPIPE.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  return promise;
}
