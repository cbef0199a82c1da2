/** Writing what users chose into a shell script and into QEMU's option lists without it meaning anything there. */
import { LaunchError } from './errors.ts';

/** A word of the launcher script, quoted already. */
export interface Word {
  shell: string;
}

export const literal = (text: string): Word => {
  if (text.includes('\0')) {
    throw new LaunchError('a NUL character cannot be passed to QEMU');
  }
  return { shell: `'${text.replaceAll("'", String.raw`'\''`)}'` };
};

/** A literal with the script's variables in it: `joined('file=', variable('P0'), ',format=', variable('F0'))`. */
export const joined = (...parts: (string | Word)[]): Word =>
  ({ shell: parts.map((part) => (typeof part === 'string' ? literal(part).shell : part.shell)).join('') });

export const variable = (name: string): Word => ({ shell: `"$${name}"` });

/** A value in a `key=value,…` list: commas are doubled. */
export const optionValue = (value: string): string => value.replaceAll(',', ',,');

/** `checked('cpu model', model, /^[\w.-]+$/)`: the value, or a LaunchError. */
export function checked(what: string, value: string, pattern: RegExp): string {
  if (!pattern.test(value)) {
    throw new LaunchError(`${what} ${JSON.stringify(value)} is not allowed: it must match ${pattern.source}`);
  }
  return value;
}
