/** Literals that can only be wrong: durations, timestamps and patterns are looked at when an expression is compiled, as Kubernetes does. */
import { childrenOf, type CallExpr, type Expr } from './ast.ts';
import type { Checked } from './checker.ts';
import type { CelIssue } from './errors.ts';
import { patternError } from './patterns.ts';
import { parseDuration, parseTimestamp } from './time.ts';

/** What is wrong with the literal argument of a call; undefined when nothing is. */
function wrongArgument(call: CallExpr, name: string): { expr: Expr; message: string } | undefined {
  const expr = name === 'matches' ? call.args.at(-1) : call.args[0];
  const value = expr?.kind === 'const' ? expr.value : undefined;
  if (expr === undefined || typeof value !== 'string') {
    return undefined;
  }
  if (name === 'duration') {
    return parseDuration(value) === undefined ? { expr, message: 'invalid duration argument' } : undefined;
  }
  if (name === 'timestamp') {
    return parseTimestamp(value) === undefined ? { expr, message: 'invalid timestamp argument' } : undefined;
  }
  return name === 'matches' && patternError(value) !== undefined ? { expr, message: 'invalid matches argument' } : undefined;
}

export function literalIssues(checked: Checked): CelIssue[] {
  const issues: CelIssue[] = [];
  const walk = (expr: Expr): void => {
    const name = expr.kind === 'call' ? checked.calls.get(expr)?.name : undefined;
    const wrong = expr.kind === 'call' && name !== undefined ? wrongArgument(expr, name) : undefined;
    if (wrong !== undefined) {
      issues.push({ offset: wrong.expr.at, message: wrong.message });
    }
    childrenOf(expr).forEach(walk);
  };
  walk(checked.expr);
  return issues;
}
