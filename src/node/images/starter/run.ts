/** Short-lived helper programs of the builders. */
import { execFile, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

/** Longest output of a helper that is read, bytes. */
const MAX_OUTPUT_BYTES = 8 * 1024 * 1024;
/** A helper that takes longer is ended. Downloads over a slow line are the longest. */
const TIME_LIMIT_MS = 600_000;

export class ToolError extends Error {
  readonly exitCode: number | undefined;

  constructor(message: string, exitCode: number | undefined, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ToolError';
    this.exitCode = exitCode;
  }
}

/** Standard output of a program; ToolError with the end of its error output when it fails. */
export function run(program: string, args: readonly string[], options: { cwd?: string; env?: Record<string, string> } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, [...args], {
      maxBuffer: MAX_OUTPUT_BYTES, timeout: TIME_LIMIT_MS,
      env: { ...process.env, LC_ALL: 'C', ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    }, (error, stdout, stderr) => {
      if (error === null) {
        resolve(stdout);
        return;
      }
      const said = stderr.trim().split('\n').filter((line) => line !== '').slice(-3).join('; ');
      const why = error.code === 'ENOENT' ? 'it is not installed' : said || error.message;
      reject(new ToolError(`${program}: ${why}`, typeof error.code === 'number' ? error.code : undefined, { cause: error }));
    });
  });
}

/** Hands a program's output to `read` as it comes; rejects when the program fails. */
export async function stream<T>(program: string, args: readonly string[], read: (output: Readable) => Promise<T>): Promise<T> {
  const child = spawn(program, [...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C' } });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-1000);
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.on('error', (error) => reject(new ToolError(`${program} could not be started: ${error.message}`, undefined, { cause: error })));
    child.on('close', (code) => {
      if (code === 0) {
        resolve();
      } else {
        reject(new ToolError(`${program} failed: ${said.trim()}`, code ?? undefined));
      }
    });
  });
  const [result] = await Promise.all([read(child.stdout), ended]);
  return result;
}
