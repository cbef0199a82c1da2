/** Text tables as kubectl prints them, and spans of time as it writes them (k8s.io/apimachinery/pkg/util/duration). */

const MINUTE = 60;
const HOURS_A_DAY = 24;
const DAYS_A_YEAR = 365;
/** Between columns. */
const GAP = 3;

const pair = (big: number, bigUnit: string, small: number, smallUnit: string): string =>
  (small === 0 ? `${big}${bigUnit}` : `${big}${bigUnit}${small}${smallUnit}`);

/** Hours as `5h`, `3d4h`, `40d`, `2y30d`. */
function humanHours(hours: number, minutes: number): string {
  if (hours < 8) {
    return pair(hours, 'h', minutes % MINUTE, 'm');
  }
  if (hours < 48) {
    return `${hours}h`;
  }
  const days = Math.floor(hours / HOURS_A_DAY);
  if (days < 8) {
    return pair(days, 'd', hours % HOURS_A_DAY, 'h');
  }
  if (days < DAYS_A_YEAR * 2) {
    return `${days}d`;
  }
  const years = Math.floor(days / DAYS_A_YEAR);
  return years < 8 ? pair(years, 'y', days % DAYS_A_YEAR, 'd') : `${years}y`;
}

/** A span of time as kubectl shows ages: two units while it is short, one when it is long. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1000);
  if (seconds < 0) {
    return seconds < -1 ? '<invalid>' : '0s';
  }
  if (seconds < 2 * MINUTE) {
    return `${seconds}s`;
  }
  const minutes = Math.floor(seconds / MINUTE);
  if (minutes < 10) {
    return pair(minutes, 'm', seconds % MINUTE, 's');
  }
  return minutes < 3 * MINUTE ? `${minutes}m` : humanHours(Math.floor(minutes / MINUTE), minutes);
}

/** Code points: near enough to columns for names. */
const characters = (text: string): number => Array.from(text).length;

/** Headers and rows in aligned columns; every line ends in a line break, none in blanks. */
export function renderTable(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headers, ...rows];
  const widths = headers.map((_, column) => lines.reduce((widest, line) => Math.max(widest, characters(line[column] ?? '')), 0));
  return lines.map((line) => `${headers.map((_, column) => (line[column] ?? '').padEnd((widths[column] ?? 0) + GAP)).join('').trimEnd()}\n`).join('');
}
