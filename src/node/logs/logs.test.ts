/** Reading logs: from the end, across rotation, while they grow. */
import assert from 'node:assert/strict';
import { appendFile, mkdtemp, open, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { LogFormatter } from './format.ts';
import { streamLog } from './stream.ts';
import type { LogRequest } from './stream.ts';
import { tailStart } from './tail.ts';

let folder: string;
before(async () => { folder = await mkdtemp('/tmp/telar-logs-'); });
after(async () => { await rm(folder, { recursive: true }); });

const line = (second: number, text: string, stream = 'stdout', tag = 'F'): string =>
  `2026-01-01T00:00:${String(second).padStart(2, '0')}.000000000+00:00 ${stream} ${tag} ${text}\n`;

async function read(options: Partial<LogRequest> & { attempt: number }): Promise<string> {
  let text = '';
  await streamLog({ folder, timestamps: false, signal: new AbortController().signal, ...options }, (chunk) => {
    text += chunk.toString();
    return Promise.resolve();
  });
  return text;
}

test('the last lines are found from the end, whatever the size of the file', async () => {
  const path = join(folder, 'big');
  const lines = Array.from({ length: 20_000 }, (_, n) => `line ${n}`);
  await writeFile(path, `${lines.join('\n')}\n`);
  const file = await open(path);
  const { size } = await file.stat();
  for (const count of [0, 1, 2, 9_999, 20_000]) {
    const { offset, missing } = await tailStart(file, size, count);
    const rest = Buffer.alloc(size - offset);
    await file.read(rest, 0, rest.length, offset);
    assert.equal(rest.toString(), count === 0 ? '' : `${lines.slice(-count).join('\n')}\n`);
    assert.equal(missing, 0);
  }
  assert.deepEqual(await tailStart(file, size, 20_005), { offset: 0, missing: 5 });
  await file.close();
});

test('partial lines are joined, times shown once, streams and times chosen', () => {
  const show = (format: ConstructorParameters<typeof LogFormatter>[0]): string => {
    const formatter = new LogFormatter(format);
    const lines = [line(1, 'a', 'stdout', 'P'), line(1, 'b'), line(2, 'err', 'stderr'), line(3, ' c ')];
    return lines.map((one) => formatter.line(Buffer.from(one.slice(0, -1)))?.toString() ?? '').join('');
  };
  assert.equal(show({ timestamps: false }), 'ab\nerr\n c \n');
  assert.equal(show({ timestamps: true, stream: 'stdout' }), '2026-01-01T00:00:01.000000000Z ab\n2026-01-01T00:00:03.000000000Z  c \n');
  assert.equal(show({ timestamps: false, since: new Date('2026-01-01T00:00:02Z') }), 'err\n c \n');
});

test('rotated files come first; tail reaches into them; limits hold', async () => {
  await writeFile(join(folder, '0.log.20260101-000000'), line(1, 'one') + line(2, 'two'));
  await writeFile(join(folder, '0.log'), line(3, 'three') + line(4, 'four'));
  assert.equal(await read({ attempt: 0 }), 'one\ntwo\nthree\nfour\n');
  assert.equal(await read({ attempt: 0, tailLines: 3 }), 'two\nthree\nfour\n');
  assert.equal(await read({ attempt: 0, tailLines: 0 }), '');
  assert.equal(await read({ attempt: 0, limitBytes: 6 }), 'one\ntw');
  assert.equal(await read({ attempt: 7 }), '');
});

test('follow shows what is written, also after rotation, and ends with the container', async () => {
  const path = join(folder, '1.log');
  await writeFile(path, line(1, 'early'));
  const { promise: ended, resolve: end } = Promise.withResolvers<undefined>();
  let text = '';
  const seen = async (wanted: string): Promise<void> => {
    while (!text.includes(wanted)) {
      await new Promise((resolve) => { setTimeout(resolve, 5); });
    }
  };
  const done = streamLog({ folder, attempt: 1, timestamps: false, signal: new AbortController().signal, ended }, (chunk) => {
    text += chunk.toString();
    return Promise.resolve();
  });
  await seen('early');
  await appendFile(path, line(2, 'later'));
  await seen('later');
  await rename(path, `${path}.20260101-000001`);
  await writeFile(path, line(3, 'rotated'));
  await seen('rotated');
  await appendFile(path, line(4, 'last'));
  end(undefined);
  await done;
  assert.equal(text, 'early\nlater\nrotated\nlast\n');
});
