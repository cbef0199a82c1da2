/** Schedules in the form of cron: five fields or a word such as `@daily`, with the words of the library Kubernetes reads them with. */

const DESCRIPTORS = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'];
const DURATION = /^@every (?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/;
const FIELDS = 5;

interface Bounds {
  min: number;
  max: number;
  names: readonly string[];
}

const BOUNDS: readonly Bounds[] = [
  { min: 0, max: 59, names: [] }, { min: 0, max: 23, names: [] }, { min: 1, max: 31, names: [] },
  { min: 1, max: 12, names: ['', 'jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'] },
  { min: 0, max: 6, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
];

/** A number, or what is wrong with it. */
function numberOf(text: string, names: readonly string[]): number | string {
  const named = text === '' ? -1 : names.indexOf(text.toLowerCase());
  if (named >= 0) {
    return named;
  }
  return /^\d+$/.test(text) ? Number(text) : `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;
}

interface Range {
  from: number;
  to: number;
}

function rangeOf(text: string, { min, max, names }: Bounds): Range | string {
  const [low = '', high, ...more] = text.split('-');
  if (low === '*' || low === '?') {
    return { from: min, to: max };
  }
  if (more.length > 0) {
    return `too many hyphens: ${text}`;
  }
  const from = numberOf(low, names);
  const to = high === undefined ? from : numberOf(high, names);
  if (typeof from === 'string') {
    return from;
  }
  return typeof to === 'string' ? to : { from, to };
}

/** What is wrong with `5`, `1-5`, `mon-fri` or one of them with a step. */
function partError(text: string, bounds: Bounds): string | undefined {
  const [rangeText = '', stepText, ...more] = text.split('/');
  const range = rangeOf(rangeText, bounds);
  if (typeof range === 'string') {
    return range;
  }
  if (more.length > 0) {
    return `too many slashes: ${text}`;
  }
  const step = stepText === undefined ? 1 : numberOf(stepText, []);
  if (typeof step === 'string') {
    return step;
  }
  const to = stepText !== undefined && !rangeText.includes('-') ? bounds.max : range.to;
  if (range.from < bounds.min) {
    return `beginning of range (${range.from}) below minimum (${bounds.min}): ${text}`;
  }
  if (to > bounds.max) {
    return `end of range (${to}) above maximum (${bounds.max}): ${text}`;
  }
  if (range.from > to) {
    return `beginning of range (${range.from}) beyond end of range (${to}): ${text}`;
  }
  return step === 0 ? `step of range should be a positive number: ${text}` : undefined;
}

/** Everything wrong with a schedule; its first fault only, as there. A time zone before it is for the caller to refuse. */
export function scheduleErrors(text: string): string[] {
  const schedule = text.replace(/^(?:CRON_)?TZ=\S* */, '');
  if (schedule.startsWith('@')) {
    return DESCRIPTORS.includes(schedule) || DURATION.test(schedule) ? [] : [`unrecognized descriptor: ${schedule}`];
  }
  const fields = schedule.split(/\s+/).filter((field) => field !== '');
  if (fields.length !== FIELDS) {
    return [`expected exactly ${FIELDS} fields, found ${fields.length}: [${fields.join(' ')}]`];
  }
  for (const [index, bounds] of BOUNDS.entries()) {
    for (const part of (fields[index] ?? '').split(',').filter((one) => one !== '')) {
      const why = partError(part, bounds);
      if (why !== undefined) {
        return [why];
      }
    }
  }
  return [];
}
