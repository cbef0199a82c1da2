import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Console, ConsoleFullError, SCROLLBACK_MAX, VIEWERS_MAX, type Viewer } from './console.ts';
import { outputOf } from './scrollback.ts';
import { until } from './testing/harness.ts';

interface Watching extends Viewer { text: string; ended: boolean }

function viewer(): Watching {
  const self: Watching = {
    text: '', ended: false,
    output(bytes) { self.text += bytes.toString('latin1'); },
    closed() { self.ended = true; },
  };
  return self;
}

test('one line for many viewers; late ones see what was, input goes in, a lost line comes back', { timeout: 30_000 }, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'telar-console-'));
  const path = join(dir, 'serial.sock');
  let guest: Socket | undefined;
  let typed = '';
  const server = createServer((socket) => {
    guest = socket;
    socket.on('data', (chunk) => { typed += chunk.toString(); });
  });
  await new Promise<void>((resolve) => { server.listen(path, resolve); });
  const watched: string[] = [];
  const line = new Console({ path, timeoutMs: 1000, scrollback: Buffer.from('before\n'), watch: (text) => watched.push(text) });
  try {
    await line.open();
    const first = viewer();
    const detach = line.attach(first);
    assert.equal(first.text, 'before\n');
    await until(async () => guest !== undefined);
    guest?.write('hello ');
    await until(async () => first.text.endsWith('hello '));
    const second = viewer();
    line.attach(second);
    assert.equal(second.text, 'before\nhello ');
    detach();
    guest?.write('world');
    await until(async () => second.text.endsWith('world'));
    assert.ok(!first.text.endsWith('world'));
    assert.ok(watched.at(-1)?.endsWith('hello world'));
    line.input(Buffer.from('abc'));
    await until(async () => typed === 'abc');

    const before = guest;
    before?.destroy();
    await until(async () => guest !== before);
    guest?.write('!');
    await until(async () => second.text.endsWith('world!'));

    // QEMU writes letter by letter.
    for (let letter = 0; letter < 2000; letter++) { guest?.write('z'); }
    await until(async () => second.text.endsWith('z'.repeat(2000)));

    guest?.write('x'.repeat(SCROLLBACK_MAX * 5));
    await until(async () => second.text.length > SCROLLBACK_MAX * 5);
    const late = viewer();
    line.attach(late);
    assert.ok(late.text.length >= SCROLLBACK_MAX && late.text.length <= SCROLLBACK_MAX * 2 + (1 << 16));

    while (line.viewers < VIEWERS_MAX) { line.attach(viewer()); }
    assert.throws(() => line.attach(viewer()), ConsoleFullError);
    line.close();
    assert.ok(second.ended && late.ended);
  } finally {
    line.close();
    guest?.destroy();
    server.close();
    rmSync(dir, { recursive: true });
  }
});

test('a log’s pieces become what was written', () => {
  const log = 'utting 2026 stdout F lost\n2026-01-01T00:00:00.1+00:00 stdout P one\n2026-01-01T00:00:00.2+00:00 stdout P  line\n'
    + '2026-01-01T00:00:00.3+00:00 stdout F \n2026-01-01T00:00:00.4+00:00 stderr F two\n2026-01-01T00:00:00.5+00:00 stdout P three';
  assert.equal(outputOf(Buffer.from(log)).toString(), 'one line\ntwo\nthree');
  assert.equal(outputOf(Buffer.alloc(0)).length, 0);
});
