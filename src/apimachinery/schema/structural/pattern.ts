/** Patterns of schemas: RE2's syntax and linear time, as in Go, whatever the pattern and the text. */
import { RE2JS, RE2JSException } from 're2js';
import { MAX_COMPILED_PATTERNS, MAX_PATTERN_LENGTH, MAX_PATTERN_PROGRAM } from './limits.ts';

export interface Pattern {
  /** Whether the pattern is found anywhere in the text. */
  test(text: string): boolean;
}

/** Compiled patterns by their text: the same few stand in hundreds of places. */
const compiled = new Map<string, RE2JS>();

function compile(pattern: string): RE2JS {
  const known = compiled.get(pattern);
  if (known !== undefined) {
    return known;
  }
  const made = RE2JS.compile(pattern);
  if (compiled.size >= MAX_COMPILED_PATTERNS) {
    const [oldest] = compiled.keys();
    compiled.delete(oldest ?? '');
  }
  compiled.set(pattern, made);
  return made;
}

/** What is wrong with a pattern, in Kubernetes' words; undefined when it is good. */
export function checkPattern(pattern: string): string | undefined {
  if (pattern.length > MAX_PATTERN_LENGTH) {
    return `must not be longer than ${MAX_PATTERN_LENGTH} characters (MAX_PATTERN_LENGTH)`;
  }
  try {
    return compile(pattern).programSize() > MAX_PATTERN_PROGRAM ? `must not compile to more than ${MAX_PATTERN_PROGRAM} instructions (MAX_PATTERN_PROGRAM)` : undefined;
  } catch (error) {
    if (error instanceof RE2JSException) {
      return `must be a valid regular expression, but isn't: ${error.message}`;
    }
    throw error;
  }
}

/** A pattern that `checkPattern` found good; compiled when it is first asked. */
export function patternOf(pattern: string): Pattern {
  let ready: RE2JS | undefined;
  return {
    test(text): boolean {
      ready ??= compile(pattern);
      return ready.test(text);
    },
  };
}
