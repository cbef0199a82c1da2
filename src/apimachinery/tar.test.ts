import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { TAR_END, TarError, tarHeader, TarParser, tarPadding, type TarFileInfo } from './tar.ts';

const FILES: readonly (readonly [string, Buffer])[] = [['a', Buffer.from('hello\n')], ['empty', Buffer.alloc(0)], ['dir/b', Buffer.alloc(1024, 7)], ['c', Buffer.alloc(70_001, 'x')]];

function archive(): Buffer {
  return Buffer.concat([...FILES.flatMap(([path, data]) => [tarHeader({ path, size: data.length, mode: 0o600, mtime: 1_700_000_000 }), data, Buffer.alloc(tarPadding(data.length))]), TAR_END]);
}

function taken(bytes: Buffer, step: number): [string, Buffer][] {
  const files: [TarFileInfo, Buffer[]][] = [];
  let open = 0;
  const parser = new TarParser({
    file: (info) => { files.push([info, []]); open += 1; },
    data: (part) => files.at(-1)?.[1].push(Buffer.from(part)),
    end: () => { open -= 1; },
  });
  for (let at = 0; at < bytes.length; at += step) {
    parser.push(bytes.subarray(at, at + step));
  }
  parser.finish();
  assert.equal(open, 0);
  return files.map(([{ path }, parts]) => [path, Buffer.concat(parts)]);
}

test('what is written can be read, in pieces of any size', () => {
  for (const step of [1, 7, 512, 513, 100_000]) {
    assert.deepEqual(taken(archive(), step), FILES.map(([path, data]) => [path, data]));
  }
});

test('the machine\'s own tar reads it', () => {
  assert.equal(execFileSync('tar', ['-xO', '-f', '-', 'a'], { input: archive() }).toString(), 'hello\n');
  assert.match(execFileSync('tar', ['-tv', '-f', '-'], { input: archive() }).toString(), /-rw------- 0\/0 +1024 .* dir\/b/);
});

test('what is cut off or damaged is refused', () => {
  const good = archive();
  for (const length of [100, 512, 700, good.length - 1024]) {
    assert.throws(() => taken(good.subarray(0, length), 4096), TarError);
  }
  const bad = archive();
  bad.writeUInt8(0x41, 3);
  assert.throws(() => taken(bad, 4096), TarError);
  assert.throws(() => tarHeader({ path: 'x'.repeat(101), size: 0, mode: 0, mtime: 0 }), TarError);
});
