/** Certificates that end while a server runs, and certificates that people have and lose. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { silentLog } from '../../apimachinery/log.ts';
import { at, TestServer } from '../testing/harness.ts';
import { issueLeaf } from './issue.ts';
import { addUser, ensurePki, issuedUsers, removeUser, Renewal, RevokedCertificates, type Pki } from './index.ts';

const instance = { clusterDomain: 'cluster.local', apiAddress: '10.96.0.1', nodeAddress: '10.97.0.1', nodeName: 'here', listen: '127.0.0.1' };
const DAY_MS = 86_400_000;
const fingerprint = (pem: string): string => new X509Certificate(pem).fingerprint256;

describe('renewal', () => {
  let dir: string;
  beforeEach(async () => { dir = await mkdtemp(join(tmpdir(), 'telar-renewal-')); });
  afterEach(() => rm(dir, { recursive: true }));

  /** What the server shows on a connection, and whether that connection is the one before. */
  const shown = (s: TestServer, pki: Pki, agent: Agent): Promise<{ code: number; certificate: string; socket: TLSSocket }> => new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port: s.port, path: '/livez', agent, ca: pki.ca.cert }, (response) => {
      const socket = response.socket as TLSSocket;
      const certificate = socket.getPeerCertificate().fingerprint256;
      response.resume().on('end', () => resolve({ code: response.statusCode ?? 0, certificate, socket }));
    });
    asked.on('error', reject);
    asked.end();
  });

  it('issues again what ends soon, for new connections, and leaves those there are alone', async () => {
    const pki = await ensurePki(dir, { instance });
    const s = await TestServer.start();
    const agent = new Agent({ keepAlive: true });
    const other = new Agent({ keepAlive: true });
    s.server.renew(pki);
    let now = Date.now();
    const renewed: Pki[] = [];
    const times = (): number => renewed.length;
    const renewal = new Renewal({
      dir, pki: { instance }, current: pki, log: silentLog, now: () => now,
      renewed: (fresh) => {
        renewed.push(fresh);
        s.server.renew(fresh);
      },
    });
    try {
      const before = await shown(s, pki, agent);
      assert.equal(before.certificate, fingerprint(pki.serving.cert));
      await renewal.check();
      assert.equal(times(), 0, 'nothing is renewed before its time');
      now += 320 * DAY_MS;
      await renewal.check();
      const fresh = renewed.at(0);
      assert.ok(fresh !== undefined && times() === 1);
      assert.equal(fresh.ca.cert, pki.ca.cert);
      assert.equal(fresh.serviceAccountKey, pki.serviceAccountKey, 'tokens stay good');
      assert.notEqual(fresh.admin.cert, pki.admin.cert);
      const same = await shown(s, pki, agent);
      assert.equal(same.socket, before.socket, 'the connection was kept');
      const next = await shown(s, pki, other);
      assert.equal(next.certificate, fingerprint(fresh.serving.cert));
      assert.equal(next.code, 200);
    } finally {
      await renewal.stop();
      agent.destroy();
      other.destroy();
      await s.close();
    }
  });

  it('goes on believing whom the authority before vouched for', async () => {
    const pki = await ensurePki(dir, { instance });
    const later = await ensurePki(dir, { instance, now: Date.now() + 3600 * DAY_MS });
    assert.notEqual(later.ca.cert, pki.ca.cert);
    assert.equal(later.clientCas, later.ca.cert + pki.ca.cert);
    const s = await TestServer.start();
    try {
      s.server.renew(later);
      const listener = await s.server.listen('127.0.0.1', 0);
      const agent = new Agent({ ca: later.ca.cert, cert: pki.admin.cert, key: pki.admin.key });
      const code = await new Promise((resolve, reject) => {
        request({ host: '127.0.0.1', port: listener.port, path: '/api/v1/nodes', agent }, (response) => {
          response.resume();
          resolve(response.statusCode);
        }).on('error', reject).end();
      });
      assert.equal(code, 200);
    } finally {
      await s.close();
    }
  });

  it('gives people certificates and takes them away from a running server', async () => {
    const revoked = await RevokedCertificates.follow(dir, (error) => { throw error; });
    const s = await TestServer.start({ revoked });
    try {
      await Promise.all(['ca.crt', 'ca.key'].map((file) => writeFile(join(dir, file), file === 'ca.crt' ? s.pki.ca.cert : s.pki.ca.key)));
      const { client } = await addUser(dir, { name: 'ada', groups: ['dev', 'ops'], days: 30 });
      const certificate = { cert: client.cert, key: client.key };
      const who = await s.ask({ method: 'POST', path: '/apis/authentication.k8s.io/v1/selfsubjectreviews', body: {}, certificate });
      assert.deepEqual(at(who.json, 'status', 'userInfo', 'groups'), ['dev', 'ops', 'system:authenticated']);
      const life = new X509Certificate(client.cert).validToDate.getTime() - Date.now();
      assert.ok(life > 29 * DAY_MS && life <= 30 * DAY_MS);
      assert.deepEqual((await issuedUsers(dir)).map(({ name, groups }) => [name, groups]), [['ada', ['dev', 'ops']]]);
      assert.equal(await removeUser(dir, 'ada'), 1);
      assert.equal(await removeUser(dir, 'ada'), 0);
      while ((await s.ask({ path: '/version', certificate })).code !== 401) {
        await new Promise((resolve) => { setTimeout(resolve, 50); });
      }
      assert.equal((await addUser(dir, { name: 'ada', groups: [], days: 1 })).ca, s.pki.ca.cert);
      await appendFile(join(dir, 'users.jsonl'), '{"name":"half');
      await Promise.all(['eve', 'zoe'].map((name) => addUser(dir, { name, groups: [], days: 1 })));
      assert.deepEqual((await issuedUsers(dir)).map(({ name, removed }) => [name, removed !== undefined]).slice(0, 2), [['ada', true], ['ada', false]]);
    } finally {
      revoked.close();
      await s.close();
    }
  });

  it('turns away certificates that have ended', async () => {
    const s = await TestServer.start();
    try {
      const ended = issueLeaf(s.pki.ca, { commonName: 'late', organizations: ['system:masters'], usages: ['client'], names: [], days: -1 });
      assert.equal((await s.ask({ path: '/api/v1/nodes', certificate: ended })).code, 401);
      const valid = issueLeaf(s.pki.ca, { commonName: 'late', organizations: ['system:masters'], usages: ['client'], names: [], days: 1 });
      assert.equal((await s.ask({ path: '/api/v1/nodes', certificate: valid })).code, 200);
    } finally {
      await s.close();
    }
  });

  it('refuses to forget who has lost a certificate', async () => {
    await writeFile(join(dir, 'users.jsonl'), 'nonsense\n');
    await assert.rejects(RevokedCertificates.follow(dir, () => undefined), { name: 'UserError' });
    await assert.rejects(addUser(join(dir, 'none'), { name: 'x', groups: [], days: 1 }), /no certificate authority/);
    assert.equal(await readFile(join(dir, 'users.jsonl'), 'utf8'), 'nonsense\n');
  });
});
