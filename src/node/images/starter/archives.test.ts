import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { writeCpio } from './cpio.ts';
import { loadOrder, moduleDependencies } from './modules.ts';
import { readTar, writeTar } from './tar.ts';
import type { TarEntry } from './tar.ts';

const folder = mkdtempSync(join(tmpdir(), 'telar-archives-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const long = `${'a'.repeat(60)}/${'b'.repeat(60)}/file`;
const entries: TarEntry[] = [
  { type: 'directory', path: 'etc', mode: 0o755 },
  { type: 'file', path: 'etc/hello', mode: 0o640, data: Buffer.from('hello') },
  { type: 'file', path: 'empty', mode: 0o600, data: Buffer.alloc(0) },
  { type: 'file', path: long, mode: 0o644, data: Buffer.alloc(1500, 7) },
  { type: 'symlink', path: 'link', target: 'etc/hello' },
];

test('the same entries give the same tar, and the tar program reads it', () => {
  const tar = writeTar(entries, 1000);
  assert.deepEqual(writeTar(entries, 1000), tar);
  writeFileSync(join(folder, 'a.tar'), tar);
  const out = join(folder, 'out');
  execFileSync('mkdir', [out]);
  execFileSync('tar', ['-xpf', join(folder, 'a.tar'), '-C', out]);
  assert.equal(readFileSync(join(out, 'link'), 'utf8'), 'hello');
  assert.equal(statSync(join(out, 'etc/hello')).mode & 0o777, 0o640);
  assert.equal(statSync(join(out, long)).size, 1500);
  assert.equal(statSync(join(out, 'etc/hello')).mtimeMs, 1_000_000);
});

test('tars are read in pieces of any size, long GNU names included', async () => {
  const veryLong = `${'c'.repeat(90)}/${'d'.repeat(120)}`;
  execFileSync('mkdir', ['-p', join(folder, 'in', 'c'.repeat(90))]);
  writeFileSync(join(folder, 'in', veryLong), 'deep');
  execFileSync('tar', ['--format=gnu', '-cf', join(folder, 'gnu.tar'), '-C', join(folder, 'in'), '.']);
  const bytes = readFileSync(join(folder, 'gnu.tar'));
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 700) {
    pieces.push(bytes.subarray(at, at + 700));
  }
  const files = await readTar(Readable.from(pieces), () => true);
  assert.deepEqual(files.map(({ path, data }) => [path, data.toString()]), [[veryLong, 'deep']]);
  const own = await readTar(Readable.from([writeTar(entries, 5)]), (path) => path === long);
  assert.deepEqual(own.map(({ path, data, mtime }) => [path, data.length, mtime]), [[long, 1500, 5]]);
});

test('a tar that ends early is an error', async () => {
  const tar = writeTar(entries, 5);
  await assert.rejects(readTar(Readable.from([tar.subarray(0, 3600)]), () => true), /ends in the middle/);
});

const hasBusybox = spawnSync('busybox', ['true']).status === 0;

test('the cpio program reads what we write, devices included', { skip: !hasBusybox }, () => {
  const archive = writeCpio([
    { type: 'directory', path: 'dev', mode: 0o755 },
    { type: 'character', path: 'dev/console', mode: 0o600, major: 5, minor: 1 },
    { type: 'file', path: 'init', mode: 0o755, data: Buffer.from('#!/bin/sh\n') },
    { type: 'symlink', path: 'sbin', target: 'bin' },
  ]);
  const listing = execFileSync('busybox', ['cpio', '-tv'], { input: archive, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] });
  assert.match(listing, /crw-------.* dev\/console/);
  assert.match(listing, /-rwxr-xr-x.* 10 .*init/);
  assert.match(listing, /sbin -> bin/);
});

const fakeModule = (depends: string): Buffer => Buffer.from(`ELF\0license=GPL\0depends=${depends}\0name=x\0`);

test('modules come after what they need, and only once', () => {
  assert.deepEqual(moduleDependencies(fakeModule('virtio,virtio-ring')), ['virtio', 'virtio_ring']);
  assert.deepEqual(moduleDependencies(fakeModule('')), []);
  const available = new Map([
    ['net', fakeModule('failover,virtio')], ['failover', fakeModule('')], ['virtio', fakeModule('ring')], ['ring', fakeModule('')], ['blk', fakeModule('virtio')],
  ]);
  assert.deepEqual(loadOrder(available, ['net', 'blk', 'absent']), ['failover', 'ring', 'virtio', 'net', 'blk']);
});
