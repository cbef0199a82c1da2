import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isoImage, IsoError, type IsoTree } from './iso9660.ts';

const SECTOR = 2048;

/** A reader of its own: folders by Rock Ridge names. */
function read(image: Buffer, sector?: number, bytes?: number): Map<string, string | Map<string, unknown>> {
  const root = 16 * SECTOR + 156;
  const start = (sector ?? image.readUInt32LE(root + 2)) * SECTOR;
  const end = start + (bytes ?? image.readUInt32LE(root + 10));
  const found = new Map<string, string | Map<string, unknown>>();
  for (let at = start; at < end;) {
    const length = image.readUInt8(at);
    if (length === 0) {
      at = (Math.floor(at / SECTOR) + 1) * SECTOR;
      continue;
    }
    const entry = image.subarray(at, at + length);
    at += length;
    const nm = entry.indexOf('NM');
    if (nm < 0) {
      continue;
    }
    const name = entry.subarray(nm + 5, nm + entry.readUInt8(nm + 2)).toString();
    const [where, size] = [entry.readUInt32LE(2), entry.readUInt32LE(10)];
    found.set(name, (entry.readUInt8(25) & 2) === 2 ? read(image, where, size) : image.subarray(where * SECTOR, where * SECTOR + size).toString());
  }
  return found;
}

test('files and folders come back under the names they were given', () => {
  const many: IsoTree = new Map(Array.from({ length: 60 }, (_, index) => [`some-longer-name-${index}.txt`, Buffer.from(`file ${index}`)]));
  const image = isoImage('cidata', new Map<string, Buffer | IsoTree>([
    ['user-data', Buffer.from('#cloud-config\n')], ['meta-data', Buffer.from('{}')], ['empty', Buffer.alloc(0)],
    ['big', Buffer.alloc(5000, 'x')], ['openstack', new Map([['latest', many]])],
  ]));
  const tree = read(image);
  assert.equal(tree.get('user-data'), '#cloud-config\n');
  assert.equal(tree.get('empty'), '');
  assert.equal(tree.get('big'), 'x'.repeat(5000));
  const openstack = tree.get('openstack');
  assert.ok(openstack instanceof Map);
  const latest = openstack.get('latest');
  assert.ok(latest instanceof Map);
  assert.equal(latest.size, 60);
  assert.equal(latest.get('some-longer-name-59.txt'), 'file 59');
  assert.equal(image.subarray(16 * SECTOR + 40, 16 * SECTOR + 72).toString().trim(), 'cidata');
});

test('the same content is the same bytes', () => {
  const tree: IsoTree = new Map([['a', Buffer.from('1')]]);
  assert.deepEqual(isoImage('x', tree), isoImage('x', tree));
});

test('names and sizes that do not fit are refused', () => {
  assert.throws(() => isoImage('x', new Map([['../etc', Buffer.alloc(0)]])), IsoError);
  assert.throws(() => isoImage('x', new Map([['n'.repeat(200), Buffer.alloc(0)]])), IsoError);
  assert.throws(() => isoImage('x', new Map([['big', Buffer.alloc(65 << 20)]])), IsoError);
});

test('blkid sees the file system and its label', { skip: !existsSync('/sbin/blkid') }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'telar-iso-'));
  try {
    writeFileSync(join(dir, 'seed.iso'), isoImage('cidata', new Map([['meta-data', Buffer.from('{}')]])));
    const seen = execFileSync('/sbin/blkid', ['-p', '-o', 'export', join(dir, 'seed.iso')]).toString();
    assert.match(seen, /^LABEL=cidata$/m);
    assert.match(seen, /^TYPE=iso9660$/m);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
