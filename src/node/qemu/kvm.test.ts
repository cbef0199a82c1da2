import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { bootTest, kvmUsable } from './kvm.ts';

test('the test guest boots where nothing is wrong: under software emulation', async () => {
  const verdict = await bootTest('tcg', 20_000);
  assert.equal(verdict.usable, true, verdict.detail);
});

test('no device means no KVM, and a verdict is asked for once', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'telar-kvmtest-'));
  try {
    assert.deepEqual(await kvmUsable(join(dir, 'kvm.json'), join(dir, 'kvm')), { usable: false, detail: `there is no ${join(dir, 'kvm')}` });
    writeFileSync(join(dir, 'kvm.json'), '{half');
    const first = await kvmUsable(join(dir, 'kvm.json'), '/dev/zero');
    assert.notEqual(first.detail, '');
    writeFileSync(join(dir, 'kvm.json'), readFileSync(join(dir, 'kvm.json'), 'utf8').replace(/"detail":"[^"]*"/, '"detail":"remembered"'));
    assert.equal((await kvmUsable(join(dir, 'kvm.json'), '/dev/zero')).detail, 'remembered');
  } finally {
    rmSync(dir, { recursive: true });
  }
});
