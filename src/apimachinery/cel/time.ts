/** Texts of timestamps and durations, in nanoseconds as bigints. Grammar: RFC 3339 and Go's time.ParseDuration. */

const SECOND = 1_000_000_000n;
const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n, us: 1000n, µs: 1000n, μs: 1000n, ms: 1_000_000n, s: SECOND, m: 60n * SECOND, h: 3600n * SECOND,
};
/** Years 1 to 9999, which is all CEL knows. */
export const MIN_TIMESTAMP = -62_135_596_800n * SECOND;
export const MAX_TIMESTAMP = 253_402_300_799n * SECOND + SECOND - 1n;
export const MAX_DURATION = 2n ** 63n - 1n;
/** Longer texts are no times. */
const MAX_TIME_LENGTH = 128;

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9})\d*)?(Z|z|[+-]\d\d:\d\d)$/;

function offsetSeconds(zone: string): number | undefined {
  if (zone === 'Z' || zone === 'z') {
    return 0;
  }
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(4, 6))];
  return hours > 23 || minutes > 59 ? undefined : (zone.startsWith('-') ? -1 : 1) * (hours * 3600 + minutes * 60);
}

/** Nanoseconds since 1970; undefined when the text is no RFC 3339 time of the years 1 to 9999. */
export function parseTimestamp(text: string): bigint | undefined {
  const match = text.length > MAX_TIME_LENGTH ? null : RFC3339.exec(text);
  if (match === null) {
    return undefined;
  }
  const midnight = dateSeconds(match.slice(1, 4).map(Number));
  const [hour = 0, minute = 0, second = 0] = match.slice(4, 7).map(Number);
  const offset = offsetSeconds(match[8] ?? 'Z');
  if (midnight === undefined || hour > 23 || minute > 59 || second > 59 || offset === undefined) {
    return undefined;
  }
  const seconds = BigInt(midnight + hour * 3600 + minute * 60 + second - offset);
  const nanos = seconds * SECOND + BigInt((match[7] ?? '').padEnd(9, '0'));
  return nanos < MIN_TIMESTAMP || nanos > MAX_TIMESTAMP ? undefined : nanos;
}

/** Seconds since 1970 at which a day of the calendar begins; undefined for days that it does not have. */
function dateSeconds([year = 0, month = 0, day = 0]: readonly number[]): number | undefined {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? date.getTime() / 1000 : undefined;
}

const floorDivide = (value: bigint, by: bigint): bigint => (value >= 0n ? value / by : -((-value + by - 1n) / by));

/** The seconds of a timestamp as a Date, and the nanoseconds beyond them. */
export function splitTimestamp(nanos: bigint): { date: Date; rest: number } {
  const seconds = floorDivide(nanos, SECOND);
  return { date: new Date(Number(seconds) * 1000), rest: Number(nanos - seconds * SECOND) };
}

const fraction = (nanos: number | bigint): string => {
  const digits = String(nanos).padStart(9, '0').replace(/0+$/, '');
  return digits === '' ? '' : `.${digits}`;
};

/** RFC 3339 in UTC, with as many decimals as it takes. */
export function timestampText(nanos: bigint): string {
  const { date, rest } = splitTimestamp(nanos);
  return `${date.toISOString().slice(0, 19)}${fraction(rest)}Z`;
}

/** Nanoseconds of `1h30m`, `-1.5s`, `300ms`; undefined when it is no duration or does not fit into 64 bits. */
export function parseDuration(text: string): bigint | undefined {
  const match = text.length > MAX_TIME_LENGTH ? null : /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|0)$/.exec(text);
  if (match === null) {
    return undefined;
  }
  let total = 0n;
  for (const [, whole = '', decimals = '', unit = ''] of (match[2] ?? '').matchAll(/(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/g)) {
    const size = UNITS[unit] ?? 0n;
    total += BigInt(whole === '' ? '0' : whole) * size;
    total += decimals === '' ? 0n : (BigInt(decimals) * size) / 10n ** BigInt(decimals.length);
  }
  if (total > MAX_DURATION) {
    return undefined;
  }
  return match[1] === '-' ? -total : total;
}

/** Seconds, as CEL writes durations: `5400s`, `1.5s`. */
export function durationText(nanos: bigint): string {
  const size = nanos < 0n ? -nanos : nanos;
  return `${nanos < 0n ? '-' : ''}${size / SECOND}${fraction(size % SECOND)}s`;
}

const DAY = 24n * 3600n * SECOND;
/** Units of OpenAPI's `duration` format beyond Go's (github.com/go-openapi/strfmt). */
const WORDS: Readonly<Record<string, bigint>> = {
  nano: 1n, nanosecond: 1n, micro: 1000n, microsecond: 1000n, milli: 1_000_000n, millisecond: 1_000_000n, sec: SECOND, second: SECOND, min: 60n * SECOND, minute: 60n * SECOND,
  hr: 3600n * SECOND, hour: 3600n * SECOND, d: DAY, day: DAY, w: 7n * DAY, wk: 7n * DAY, week: 7n * DAY,
};

/** Nanoseconds of a field with the format `duration`: Go's grammar, or a number with a word (`3 days`). */
export function parseFieldDuration(text: string): bigint | undefined {
  const go = parseDuration(text);
  const match = go !== undefined || text.length > MAX_TIME_LENGTH ? null : /^(-?\d{1,15})\s*([A-Za-z]+)$/.exec(text.trim());
  const unit = match === null ? '' : (match[2] ?? '').toLowerCase();
  const size = WORDS[unit] ?? WORDS[unit.replace(/s$/, '')] ?? UNITS[unit];
  return go ?? (match === null || size === undefined ? undefined : BigInt(match[1] ?? '0') * size);
}

/** Nanoseconds of a field with the format `date-time` or `date`, the latter meaning its midnight. */
export const parseFieldTimestamp = (text: string): bigint | undefined => parseTimestamp(text) ?? parseTimestamp(`${text}T00:00:00Z`);
