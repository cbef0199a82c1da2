/** Parts of timestamps and durations. Without a zone, UTC. */
import { fail, noSuchOverload } from '../errors.ts';
import { overload, text, type Overload } from '../overload.ts';
import { splitTimestamp } from '../time.ts';
import { CelDuration, CelTimestamp, type CelValue } from '../values.ts';

/** Formatters of zones that are remembered. */
const MAX_ZONES = 100;
const zones = new Map<string, Intl.DateTimeFormat>();

function formatterOf(zone: string): Intl.DateTimeFormat {
  const known = zones.get(zone);
  if (known !== undefined) {
    return known;
  }
  let made: Intl.DateTimeFormat;
  try {
    made = new Intl.DateTimeFormat('en-US', {
      timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric', era: 'short',
    });
  } catch (error) {
    if (error instanceof RangeError) {
      return fail(`unknown time zone ${zone}`);
    }
    throw error;
  }
  if (zones.size >= MAX_ZONES) {
    zones.clear();
  }
  zones.set(zone, made);
  return made;
}

/** The moment as a Date whose UTC parts are those of the zone. */
function inZone(date: Date, zone: string): Date {
  const fixed = /^([+-]?)(\d\d):(\d\d)$/.exec(zone);
  if (fixed !== null) {
    const minutes = Number(fixed[2]) * 60 + Number(fixed[3]);
    return new Date(date.getTime() + (fixed[1] === '-' ? -minutes : minutes) * 60_000);
  }
  if (zone === 'UTC' || zone === '') {
    return date;
  }
  const parts = new Map(formatterOf(zone).formatToParts(date).map(({ type, value }) => [type, Number(value)]));
  const part = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0;
  const moved = new Date(0);
  moved.setUTCFullYear(part('year'), part('month') - 1, part('day'));
  moved.setUTCHours(part('hour'), part('minute'), part('second'));
  return moved;
}

const DAY_MS = 86_400_000;

function dayOfYear(date: Date): number {
  const start = new Date(date.getTime());
  start.setUTCMonth(0, 1);
  return Math.round((date.getTime() - start.getTime()) / DAY_MS);
}

const PARTS: Readonly<Record<string, (date: Date, nanos: number) => number>> = {
  getFullYear: (date) => date.getUTCFullYear(),
  getMonth: (date) => date.getUTCMonth(),
  getDate: (date) => date.getUTCDate(),
  getDayOfMonth: (date) => date.getUTCDate() - 1,
  getDayOfWeek: (date) => date.getUTCDay(),
  getDayOfYear: dayOfYear,
  getHours: (date) => date.getUTCHours(),
  getMinutes: (date) => date.getUTCMinutes(),
  getSeconds: (date) => date.getUTCSeconds(),
  getMilliseconds: (_date, nanos) => Math.floor(nanos / 1e6),
};

function partOf(value: CelValue | undefined, zone: string, part: (date: Date, nanos: number) => number): bigint {
  if (!(value instanceof CelTimestamp)) {
    return noSuchOverload();
  }
  const { date, rest } = splitTimestamp(value.nanos);
  return BigInt(part(inZone(date, zone), rest));
}

const DURATION_UNITS: Readonly<Record<string, bigint>> = {
  getHours: 3_600_000_000_000n, getMinutes: 60_000_000_000n, getSeconds: 1_000_000_000n, getMilliseconds: 1_000_000n,
};

export const times: readonly Overload[] = [
  ...Object.entries(PARTS).flatMap(([name, part]) => [
    overload(name, 'timestamp.(): int', ([value]) => partOf(value, 'UTC', part)),
    overload(name, 'timestamp.(string): int', ([value, zone]) => partOf(value, text(zone), part)),
  ]),
  ...Object.entries(DURATION_UNITS).map(([name, unit]) =>
    overload(name, 'duration.(): int', ([value]) => (value instanceof CelDuration ? value.nanos / unit : noSuchOverload()))),
];
