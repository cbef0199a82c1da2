/** Times and durations as metav1 reads and writes them. */
import { formatMicroTime, formatTime } from '../object.ts';
import { ValueError } from './context.ts';

const CANONICAL = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$/;
const RFC3339 = /^([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$/;
const ZERO = '0001-01-01T00:00:00';
const TIME_LAYOUT = '2006-01-02T15:04:05Z07:00';
const MICRO_LAYOUT = '2006-01-02T15:04:05.000000Z07:00';
const MICRO_DIGITS = 6;

/** Go's zero time, which means that there is none. */
export const isZeroTime = (text: string): boolean => text.startsWith(ZERO) && RFC3339.test(text);

/** What a time of the right form has wrong, in Go's words. */
function outOfRange(clock: string): string | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = clock.split(/[-T:]/).map(Number);
  const days = new Date(Date.UTC(year, month, 0)).getUTCDate();
  const limits: [string, boolean][] = [
    ['month', month < 1 || month > 12], ['day', day < 1 || day > days], ['hour', hour > 23], ['minute', minute > 59], ['second', second > 59],
  ];
  return limits.find(([, isOut]) => isOut)?.[0];
}

function parse(text: string, layout: string): { date: Date; fraction: string } {
  const match = RFC3339.exec(text);
  const [, clock = '', fraction = '', zone = ''] = match ?? [];
  const wrong = match === null ? undefined : outOfRange(clock);
  if (wrong !== undefined) {
    throw new ValueError(`parsing time ${JSON.stringify(text)}: ${wrong} out of range`);
  }
  const date = new Date(`${clock}${zone}`);
  if (match === null || Number.isNaN(date.getTime())) {
    throw new ValueError(`parsing time ${JSON.stringify(text)} as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(text)} as "2006"`);
  }
  return { date, fraction };
}

/** In UTC with whole seconds. Throws ValueError. */
export function canonicalTime(text: string): string {
  const { date } = parse(text, TIME_LAYOUT);
  return CANONICAL.test(text) ? text : formatTime(date);
}

/** In UTC with microseconds. Throws ValueError. */
export function canonicalMicroTime(text: string): string {
  const { date, fraction } = parse(text, MICRO_LAYOUT);
  return formatMicroTime(date).replace(/\.[0-9]+Z$/, `.${fraction.slice(1, 1 + MICRO_DIGITS).padEnd(MICRO_DIGITS, '0')}Z`);
}

const UNITS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };
const DURATION = /^[-+]?(?:0|(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+)$/;

/** Nanoseconds of a Go duration such as `1h30m` or `-1.5s`. Throws ValueError. */
export function parseDuration(text: string): number {
  if (!DURATION.test(text)) {
    throw new ValueError(`time: invalid duration ${JSON.stringify(text)}`);
  }
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/([0-9.]+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    total += Number(amount) * (UNITS[unit ?? ''] ?? 0);
  }
  return Math.round(text.startsWith('-') ? -total : total);
}

/** A Go duration from nanoseconds, as Go prints it: `1h30m0s`, `1.5s`, `100ms`, `0s`. */
export function formatDuration(nanoseconds: number): string {
  const size = Math.abs(nanoseconds);
  const sign = nanoseconds < 0 ? '-' : '';
  if (size < 1e9) {
    for (const [unit, factor] of [['ms', 1e6], ['µs', 1e3]] as const) {
      if (size >= factor) {
        return `${sign}${size / factor}${unit}`;
      }
    }
    return size === 0 ? '0s' : `${sign}${size}ns`;
  }
  const [hours, minutes] = [Math.floor(size / 3600e9), Math.floor((size % 3600e9) / 60e9)];
  const seconds = `${Number(((size % 60e9) / 1e9).toFixed(9))}s`;
  return `${sign}${hours > 0 ? `${hours}h${minutes}m` : minutes > 0 ? `${minutes}m` : ''}${seconds}`;
}
