/** The control plane's log: a file that is kept small, and warnings also where a person sees them. */
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { pino } from 'pino';
import type { Log } from '../../apimachinery/log.ts';

/** One file; with the one before it, twice this is kept. */
const MAX_LOG_BYTES = 16 * 1024 * 1024;
const TAIL_LINES = 12;

/** Appends to a file and starts it anew when it is full. Synchronous: what was said is on disk when the process dies. */
class RotatingFile {
  readonly #path: string;
  #fd: number;
  #size: number;

  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    this.#path = path;
    this.#fd = openSync(path, 'a', 0o600);
    this.#size = fstatSync(this.#fd).size;
  }

  write(line: string): void {
    if (this.#size > MAX_LOG_BYTES) {
      closeSync(this.#fd);
      renameSync(this.#path, `${this.#path}.1`);
      this.#fd = openSync(this.#path, 'a', 0o600);
      this.#size = 0;
    }
    this.#size += writeSync(this.#fd, line);
  }
}

const LEVEL_WARN = 40;

/** `warning: message (key=value …)`, for a terminal. */
function readable(line: string): string {
  const parsed: unknown = JSON.parse(line);
  if (typeof parsed !== 'object' || parsed === null) {
    return line;
  }
  const entry = new Map(Object.entries(parsed));
  const level = Number(entry.get('level')) > LEVEL_WARN ? 'error' : 'warning';
  const rest = [...entry].filter(([key]) => !['level', 'time', 'msg'].includes(key)).map(([key, value]) => {
    const shown: unknown = key === 'err' && typeof value === 'object' && value !== null ? Reflect.get(value, 'message') : value;
    return `${key}=${typeof shown === 'string' ? shown : JSON.stringify(shown)}`;
  });
  return `${level}: ${String(entry.get('msg'))}${rest.length === 0 ? '' : ` (${rest.join(', ')})`}\n`;
}

/** JSON lines into `path`; from warnings on also to standard error, readable, when `visible`. */
export function openLog(path: string, visible: boolean): Log {
  const file = new RotatingFile(path);
  const stream = {
    lastLevel: 0,
    write(line: string): void {
      file.write(line);
      if (visible && this.lastLevel >= LEVEL_WARN) {
        process.stderr.write(readable(line));
      }
    },
    [Symbol.for('pino.metadata')]: true,
  };
  return pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime, level: process.env['TELAR_DEBUG'] === '1' ? 'debug' : 'info' }, stream);
}

/** For a process whose output somebody keeps: everything, as JSON lines, to standard error. */
export const openTerminalLog = (): Log => pino(
  { base: null, timestamp: pino.stdTimeFunctions.isoTime, level: process.env['TELAR_DEBUG'] === '1' ? 'debug' : 'info' },
  pino.destination({ fd: 2, sync: true }),
);

/** The last lines of a log, for a person who wonders why it ended. */
export function tailOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
