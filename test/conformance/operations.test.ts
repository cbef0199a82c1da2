/** Backing up, restoring, checking and describing a real instance (the API server alone), as an administrator does. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { TestInstance } from '../harness/instance.ts';

const HIDDEN = 'hunter2-never-to-be-seen';

describe('operations', { timeout: 240_000 }, () => {
  let telar: TestInstance;
  let backup: string;

  const start = async (): Promise<void> => {
    const [, ...flags] = telar.upArgs;
    const { code, stdout, stderr } = await telar.telar(['server', ...flags, '--detach']);
    assert.equal(code, 0, stdout + stderr);
  };
  const stop = async (): Promise<void> => {
    const { code, stderr } = await telar.down();
    assert.equal(code, 0, stderr);
  };
  const configMaps = async (): Promise<string[]> => (await telar.k('get', 'configmaps', '-o', 'name')).split('\n').filter((name) => name.includes('/n')).sort();

  before(async () => {
    telar = await TestInstance.create();
    backup = join(telar.dataDir, 'backup.tar.gz');
    await start();
    await telar.apply([
      ...Array.from({ length: 20 }, (_, n) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `n${n}` }, data: { text: HIDDEN } })),
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData: { password: HIDDEN } },
      { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec: {
        selector: { matchLabels: { app: 'd' } }, template: { metadata: { labels: { app: 'd' } }, spec: { containers: [{ name: 'c', image: 'x', env: [{ name: 'P', value: HIDDEN }] }] } },
      } },
    ]);
  });
  after(async () => {
    await telar.down();
    rmSync(telar.dataDir, { recursive: true, force: true });
  });

  test('a running instance is backed up, and nothing is overwritten', async () => {
    const taken = await telar.telar(['backup', backup]);
    assert.equal(taken.code, 0, taken.stderr);
    assert.equal(statSync(backup).mode & 0o777, 0o600);
    const again = await telar.telar(['backup', backup]);
    assert.equal(again.code, 1);
    assert.match(again.stderr, /is there already/);
    assert.deepEqual(readdirSync(telar.dataDir).filter((name) => name.includes('partial')), []);
    assert.deepEqual(readdirSync(join(telar.dataDir, 'store')).filter((name) => name.startsWith('backup-')), []);
    const listed = execFileSync('tar', ['-tzf', backup], { encoding: 'utf8' }).trim().split('\n');
    assert.equal(listed.at(-1), 'manifest.json');
    for (const name of ['instance.json', 'store/log.sqlite', 'pki/ca.key', 'pki/ca.crt']) {
      assert.ok(listed.includes(name), `${name} in ${listed.join(' ')}`);
    }
  });

  test('only an administrator gets one', async () => {
    const refused = await telar.kubectl(['get', '--raw', '/telar/backup', '--as', 'bob']);
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /forbidden/i);
  });

  test('the store is checked, running or not, and so is a backup', async () => {
    for (const words of [['verify'], ['verify', backup]]) {
      const { code, stdout, stderr } = await telar.telar(words);
      assert.equal(code, 0, stdout + stderr);
      assert.match(stdout, /The store is well/);
    }
    await stop();
    const { code, stdout } = await telar.telar(['verify', '-o', 'json']);
    assert.equal(code, 0);
    const report: unknown = JSON.parse(stdout);
    assert.ok(typeof report === 'object' && report !== null && 'objects' in report && Number(report.objects) > 22);
    await start();
  });

  test('a restore is refused while the instance runs, and for what is not whole', async () => {
    const running = await telar.telar(['restore', backup]);
    assert.equal(running.code, 1);
    assert.match(running.stderr, /stop it with `telar down` first/);
    await stop();
    const bytes = gunzipSync(readFileSync(backup));
    const bad = join(telar.dataDir, 'bad.tar.gz');
    const spoiled = Buffer.from(bytes);
    const at = spoiled.indexOf('SQLite format 3');
    spoiled.writeUInt8(spoiled.readUInt8(at + 5000) ^ 1, at + 5000);
    for (const [content, why] of [[gzipSync(spoiled), /not what it was/], [gzipSync(bytes.subarray(0, bytes.length - 3000)), /cut off|missing|damaged/],
      [readFileSync(backup).subarray(0, 2000), /not whole/], [gzipSync(Buffer.from('x'.repeat(4000))), /damaged/]] as const) {
      writeFileSync(bad, content);
      const { code, stderr } = await telar.telar(['restore', bad]);
      assert.equal(code, 1);
      assert.match(stderr, why);
      assert.ok(existsSync(join(telar.dataDir, 'instance.json')));
      assert.deepEqual(readdirSync(telar.dataDir).filter((name) => name.startsWith('.restore') || name.startsWith('before-restore')), []);
    }
    await start();
    assert.equal((await configMaps()).length, 20);
  });

  test('what was lost comes back', async () => {
    const before = await configMaps();
    const kubeconfig = readFileSync(telar.kubeconfig, 'utf8');
    await telar.k('delete', 'configmaps', '--all');
    await telar.k('create', 'configmap', 'later');
    await stop();
    const { code, stdout, stderr } = await telar.telar(['restore', backup]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /before-restore-/);
    await start();
    assert.deepEqual(await configMaps(), before);
    assert.equal((await telar.kubectl(['get', 'configmap', 'later'])).code, 1);
    // The old way in works: the keys came back too.
    writeFileSync(join(telar.dataDir, 'old.kubeconfig'), kubeconfig, { mode: 0o600 });
    assert.equal((await telar.kubectl(['--kubeconfig', join(telar.dataDir, 'old.kubeconfig'), 'get', 'secret', 's'])).code, 0);
    await telar.k('create', 'configmap', 'after');
  });

  test('an empty directory becomes the instance', async () => {
    await stop();
    const other = join(telar.dataDir, 'other');
    mkdirSync(other, { mode: 0o700 });
    const { code, stdout, stderr } = await telar.telar(['restore', backup, '--data-dir', other]);
    assert.equal(code, 0, stderr);
    assert.ok(!stdout.includes('before-restore'));
    assert.equal((await telar.telar(['verify', '--data-dir', other])).code, 0);
    assert.equal(readFileSync(join(other, 'instance.json'), 'utf8'), readFileSync(join(telar.dataDir, 'instance.json'), 'utf8'));
    await start();
  });

  test('a support bundle holds what helps and nothing that opens a door', async () => {
    const file = join(telar.dataDir, 'support.tar.gz');
    await telar.k('create', 'serviceaccount', 'somebody');
    const token = readFileSync(join(telar.dataDir, 'pki', 'admin.token'), 'utf8').trim();
    const minted = await telar.k('create', 'token', 'somebody');
    writeFileSync(join(telar.dataDir, 'log', 'telar.log'), `{"msg":"planted","token":"${token}","authorization":"Bearer ${minted}"}\n`, { flag: 'a' });
    const { code, stderr } = await telar.telar(['support-bundle', file]);
    assert.equal(code, 0, stderr);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const listed = execFileSync('tar', ['-tzf', file], { encoding: 'utf8' });
    for (const name of ['versions.json', 'doctor.json', 'status.json', 'store.json', 'metrics.txt', 'counts.json', 'log/telar.log', 'objects/configmaps.json', 'objects/secrets.json', 'objects/deployments.apps.json']) {
      assert.ok(listed.includes(`/${name}\n`), `${name} in ${listed}`);
    }
    const all = gunzipSync(readFileSync(file)).toString('latin1');
    assert.ok(all.includes('planted') && all.includes('"n7"'));
    const pem = readFileSync(join(telar.dataDir, 'pki', 'ca.key'), 'utf8').split('\n')[1] ?? '';
    for (const secret of [HIDDEN, Buffer.from(HIDDEN).toString('base64'), token, minted, pem]) {
      assert.ok(secret.length > 8 && !all.includes(secret), `${secret} is in the bundle`);
    }
    await stop();
    const offline = join(telar.dataDir, 'offline.tar.gz');
    assert.equal((await telar.telar(['support-bundle', offline])).code, 0);
    assert.match(execFileSync('tar', ['-tzf', offline], { encoding: 'utf8' }), /server\.json/);
  });
});
