/** Running the programs a probe tries. */
import { execFile } from 'node:child_process';

/** A trial that takes longer has failed. */
const TIME_LIMIT_MS = 15_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;
const PATH = '/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin';

export interface Outcome {
  ok: boolean;
  /** The program is not installed. */
  absent: boolean;
  stdout: string;
  /** One line that says why, when not ok. */
  why: string;
}

/** Runs a program to its end; never rejects. */
export function attempt(program: string, args: readonly string[], options: { input?: string; timeoutMs?: number } = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(program, [...args], {
      timeout: options.timeoutMs ?? TIME_LIMIT_MS, maxBuffer: MAX_OUTPUT_BYTES, env: { ...process.env, PATH, LC_ALL: 'C' },
    }, (error, stdout, stderr) => {
      const absent = error !== null && error.code === 'ENOENT';
      const said = stderr.trim().split('\n').at(-1) ?? '';
      const why = error === null ? '' : absent ? `${program} is not installed` : error.killed === true ? `${program} did not end` : said || error.message;
      resolve({ ok: error === null, absent, stdout, why });
    });
    child.stdin?.on('error', () => {
      // The program ended without reading: its exit code says what happened.
    });
    child.stdin?.end(options.input ?? '');
  });
}
