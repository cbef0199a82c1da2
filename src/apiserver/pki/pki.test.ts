import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { adminKubeconfig, ensurePki, type Pki } from './index.ts';

const instance = { clusterDomain: 'cluster.local', apiAddress: '10.43.0.1', nodeAddress: '10.42.0.1', nodeName: 'here', listen: '0.0.0.0' };

describe('pki', () => {
  let dir: string;
  let pki: Pki;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'telar-pki-'));
    pki = await ensurePki(join(dir, 'pki'), { instance });
  });
  after(() => rm(dir, { recursive: true }));

  it('vouches for every name clients in and out of pods use', () => {
    const serving = new X509Certificate(pki.serving.cert);
    for (const name of ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local']) {
      assert.equal(serving.checkHost(name), name);
    }
    for (const ip of ['127.0.0.1', '::1', '10.43.0.1', '10.42.0.1']) {
      assert.equal(serving.checkIP(ip), ip);
    }
    assert.ok(serving.verify(new X509Certificate(pki.ca.cert).publicKey));
    assert.equal(serving.ca, false);
    assert.ok(!(serving.subjectAltName ?? '').includes('0.0.0.0'));
    const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []).find(({ internal, family }) => !internal && family === 'IPv4');
    assert.ok(own === undefined || serving.checkIP(own.address) === own.address, 'who listens everywhere is reached at the machine\'s addresses');
  });

  it('names the administrator as Kubernetes does', () => {
    assert.equal(new X509Certificate(pki.admin.cert).subject, 'O=system:masters\nCN=kubernetes-admin');
    assert.equal(new X509Certificate(pki.kubeletClient.cert).subject, 'O=system:nodes\nCN=system:node:here');
  });

  it('keeps keys from others', async () => {
    for (const file of await readdir(join(dir, 'pki'))) {
      assert.equal((await stat(join(dir, 'pki', file))).mode & 0o777, 0o600, file);
    }
    assert.equal((await stat(join(dir, 'pki'))).mode & 0o777, 0o700);
  });

  it('reuses what is good', async () => {
    assert.deepEqual(await ensurePki(join(dir, 'pki'), { instance }), pki);
  });

  it('issues the serving certificate again when its names change, and nothing else', async () => {
    const again = await ensurePki(join(dir, 'pki'), { instance, addresses: ['192.0.2.7'], names: ['telar.example'] });
    assert.notEqual(again.serving.cert, pki.serving.cert);
    assert.equal(new X509Certificate(again.serving.cert).checkIP('192.0.2.7'), '192.0.2.7');
    assert.equal(new X509Certificate(again.serving.cert).checkHost('telar.example'), 'telar.example');
    assert.deepEqual({ ...again, serving: pki.serving }, pki);
  });

  it('writes a kubeconfig', () => {
    const text = adminKubeconfig(pki, 'https://127.0.0.1:6443');
    assert.match(text, /server: "https:\/\/127\.0\.0\.1:6443"/);
    assert.ok(text.includes(Buffer.from(pki.admin.cert).toString('base64')));
  });
});
