import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));

test('a reader that went away ends a command without a word', () => {
  // The right side has closed the pipe before the left side writes.
  const script = `{ while [ ! -e "$GONE" ]; do sleep 0.01; done; "$0" "$1" version; echo "status $?" >&2; } | { exec <&-; : > "$GONE"; }; rm -f "$GONE"`;
  const { stderr } = spawnSync('sh', ['-c', script, process.execPath, MAIN], {
    encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '--disable-warning=ExperimentalWarning', GONE: `/tmp/telar-reader-${process.pid}` },
  });
  assert.equal(stderr, 'status 0\n');
});
