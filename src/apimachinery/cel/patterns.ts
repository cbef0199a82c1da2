/** Regular expressions: RE2's syntax in linear time (re2js), as in Go. */
import { RE2JS, RE2JSException } from 're2js';
import { CelEvaluationError, fail } from './errors.ts';

/** Characters of a pattern. */
const MAX_PATTERN_LENGTH = 8_192;
/** Compiled patterns that are remembered. */
const MAX_PATTERNS = 500;

const compiled = new Map<string, RE2JS>();

/** What is wrong with a pattern, in Go's words; undefined when it is fine. */
export function patternError(pattern: string): string | undefined {
  try {
    compilePattern(pattern);
    return undefined;
  } catch (error) {
    if (error instanceof CelEvaluationError) {
      return error.message;
    }
    throw error;
  }
}

/** Throws CelEvaluationError for a pattern that is none. */
export function compilePattern(pattern: string): RE2JS {
  const known = compiled.get(pattern);
  if (known !== undefined) {
    return known;
  }
  if (pattern.length > MAX_PATTERN_LENGTH) {
    return fail('error parsing regexp: expression too large');
  }
  let made: RE2JS;
  try {
    made = RE2JS.compile(pattern);
  } catch (error) {
    if (error instanceof RE2JSException) {
      return fail(error.message);
    }
    throw error;
  }
  if (compiled.size >= MAX_PATTERNS) {
    compiled.clear();
  }
  compiled.set(pattern, made);
  return made;
}

/** Steps of the compiled pattern: what a text is compared with at each character, at worst. A count like `{1000}` makes many of few characters. */
export const patternSize = (pattern: string): number => compilePattern(pattern).programSize();

/** True when the pattern matches anywhere. */
export const matches = (text: string, pattern: string): boolean => compilePattern(pattern).test(text);

/** The first match; undefined when there is none. */
export function findFirst(text: string, pattern: string): string | undefined {
  const compiled = compilePattern(pattern);
  // Whether there is a match at all is found out much faster than where it is.
  if (!compiled.test(text)) {
    return undefined;
  }
  const matcher = compiled.matcher(text);
  return matcher.find() ? matcher.group() ?? '' : undefined;
}

/**
 * Matches from left to right, `limit` at most; negative for all. As in Go, no empty match follows directly on another match. `searching` is called before
 * each search with the characters that are left: some patterns look at all of them for each match.
 */
export function findEach(text: string, pattern: string, limit: number, searching: (left: number) => void): string[] {
  const matcher = compilePattern(pattern).matcher(text);
  const found: string[] = [];
  let end = -1;
  const next = (): boolean => {
    searching(text.length - Math.max(0, end));
    return matcher.find();
  };
  while ((limit < 0 || found.length < limit) && next()) {
    const match = matcher.group() ?? '';
    if (match !== '' || matcher.start() !== end) {
      found.push(match);
    }
    end = matcher.end();
  }
  return found;
}
