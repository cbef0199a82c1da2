/** How names of JSON fields are written in CEL, which knows only letters, digits and underscores and reserves some words. */

const KEYWORDS = new Set([
  'true', 'false', 'null', 'in', 'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import', 'let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while',
]);
/** Words that cannot begin an expression although Kubernetes lets fields have them: only the field names above are escaped. */
export const RESERVED: ReadonlySet<string> = new Set([
  'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import', 'let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while',
]);

const SPECIAL: readonly [string, string][] = [['__', '__underscores__'], ['.', '__dot__'], ['-', '__dash__'], ['/', '__slash__']];

/** `my-field.x` → `my__dash__field__dot__x`, `namespace` → `__namespace__`; undefined for names that CEL cannot write at all. */
export function escapeName(name: string): string | undefined {
  if (!/^[A-Za-z_./-][A-Za-z0-9_./-]*$/.test(name)) {
    return undefined;
  }
  if (KEYWORDS.has(name)) {
    return `__${name}__`;
  }
  return name.replace(/__|[./-]/g, (found) => SPECIAL.find(([plain]) => plain === found)?.[1] ?? found);
}

/** The opposite of `escapeName`; names that were never escaped come back as they are. */
export function unescapeName(escaped: string): string {
  const keyword = /^__([a-z]+)__$/.exec(escaped)?.[1];
  if (keyword !== undefined && KEYWORDS.has(keyword)) {
    return keyword;
  }
  return escaped.replace(/__(?:underscores|dot|dash|slash)__/g, (found) => SPECIAL.find(([, code]) => code === found)?.[0] ?? found);
}
