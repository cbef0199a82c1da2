/** A reporter for node's test runner: one JSON line for each test that ended, read by results.ts. */
import type { TestEvent } from 'node:test/reporters';

/** One test or suite. */
export interface Line {
  outcome: 'pass' | 'fail';
  name: string;
  suite: boolean;
  /** Skipped, or a failure that is expected. */
  skipped: boolean;
  /** Failed only because something inside it did. */
  inner: boolean;
  error: string;
}

function errorText(error: Error | undefined): string {
  const cause = error?.cause instanceof Error ? error.cause : error;
  return cause === undefined ? '' : cause.stack ?? cause.message;
}

export default async function* lines(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    if (event.type === 'test:pass' || event.type === 'test:fail') {
      const { name, skip, todo, details } = event.data;
      const error = 'error' in details && details.error instanceof Error ? details.error : undefined;
      yield `${JSON.stringify({
        outcome: event.type === 'test:pass' ? 'pass' : 'fail', name, suite: details.type === 'suite',
        skipped: skip !== undefined || todo !== undefined, inner: error !== undefined && Reflect.get(error, 'failureType') === 'subtestsFailed', error: errorText(error),
      } satisfies Line)}\n`;
    }
  }
}
