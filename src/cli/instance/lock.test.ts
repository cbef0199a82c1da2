import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { acquireLock, currentHolder } from './lock.ts';

describe('the lock of a data directory', () => {
  const dir = mkdtempSync(join(tmpdir(), 'telar-lock-'));
  after(() => { rmSync(dir, { recursive: true }); });

  it('names its holder and lets nobody else in', async () => {
    const first = await acquireLock(dir, 'https://127.0.0.1:1');
    assert.ok('release' in first);
    const second = await acquireLock(dir, 'https://127.0.0.1:2');
    assert.ok('holder' in second);
    assert.equal(second.holder.pid, process.pid);
    assert.equal(second.holder.url, 'https://127.0.0.1:1');
    await first.release();
    assert.equal(await currentHolder(dir), undefined);
  });

  it('is taken over from a process that died, also when its id lives again', async () => {
    const child = spawn('sleep', ['0']);
    await new Promise((resolve) => child.once('exit', resolve));
    const lock = join(dir, 'lock');
    writeFileSync(lock, JSON.stringify({ pid: child.pid, startTicks: '1', boot: 'x', url: '', since: '' }));
    const taken = await acquireLock(dir, 'u');
    assert.ok('release' in taken);
    const mine = readFileSync(lock, 'utf8');
    await taken.release();
    writeFileSync(lock, mine.replace(/"startTicks":"\d+"/, '"startTicks":"1"'));
    const again = await acquireLock(dir, 'u');
    assert.ok('release' in again, 'same process id, another start');
    await again.release();
  });

  it('survives a lock that was cut short', async () => {
    writeFileSync(join(dir, 'lock'), '{"pid":');
    const taken = await acquireLock(dir, 'u');
    assert.ok('release' in taken);
    await taken.release();
  });

  it('is held by exactly one of many that try at once', async () => {
    writeFileSync(join(dir, 'lock'), '');
    const program = `import { acquireLock } from ${JSON.stringify(new URL('./lock.ts', import.meta.url).href)};
      const taken = await acquireLock(${JSON.stringify(dir)}, 'u'); console.log('release' in taken ? 'mine' : 'theirs'); setTimeout(() => {}, 1500);`;
    const answers = await Promise.all(Array.from({ length: 4 }, () => new Promise<string>((resolve) => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
      child.stdout.once('data', (chunk: Buffer) => { resolve(chunk.toString().trim()); });
    })));
    assert.deepEqual(answers.toSorted(), ['mine', 'theirs', 'theirs', 'theirs']);
  });
});
