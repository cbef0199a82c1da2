/** Errors of compiling and evaluating, worded as cel-go words them. */

export interface CelIssue {
  /** Characters from the beginning of the expression; -1 for what concerns the whole and has no place. */
  readonly offset: number;
  readonly message: string;
}

/** More issues than these are not listed, nor more characters of them. */
const MAX_ISSUES = 100;
const MAX_MESSAGE_LENGTH = 64 * 1024;

/** `ERROR: <input>:1:3: undefined field 'x'`, the line, and a caret below the place. */
function issueText(source: string, issue: CelIssue): string {
  if (issue.offset < 0) {
    return issue.message;
  }
  const offset = Math.min(issue.offset, source.length);
  const before = source.slice(0, offset);
  const start = before.lastIndexOf('\n') + 1;
  const line = before.split('\n').length;
  const column = offset - start;
  const end = source.indexOf('\n', offset);
  const text = source.slice(start, end < 0 ? source.length : end);
  return `ERROR: <input>:${line}:${column + 1}: ${issue.message}\n | ${text}\n | ${'.'.repeat(column)}^`;
}

/** The expression is malformed, or its types do not fit. The message holds every issue. */
export class CelCompileError extends Error {
  override name = 'CelCompileError';
  readonly issues: readonly CelIssue[];

  constructor(source: string, issues: readonly CelIssue[]) {
    super(issues.slice(0, MAX_ISSUES).map((issue) => issueText(source, issue)).join('\n').slice(0, MAX_MESSAGE_LENGTH));
    this.issues = issues;
  }
}

/** Evaluating failed: a missing key, an overflow, a function that does not take its arguments. */
export class CelEvaluationError extends Error { override name = 'CelEvaluationError'; }

export const fail = (message: string): never => {
  throw new CelEvaluationError(message);
};

export const noSuchOverload = (): never => fail('no such overload');
export const noSuchKey = (key: string): never => fail(`no such key: ${key}`);
