import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { at, TestServer, type Reply } from '../testing/harness.ts';
import { parseCertificateRequest } from './request.ts';

const CSRS = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const CLIENT = 'kubernetes.io/kube-apiserver-client';
const KUBELET = 'kubernetes.io/kube-apiserver-client-kubelet';
const SERVING = 'kubernetes.io/kubelet-serving';
const KUBELET_USAGES = ['digital signature', 'key encipherment', 'client auth'];

let dir: string;
const openssl = (...words: string[]): void => { execFileSync('openssl', words, { stdio: ['ignore', 'ignore', 'pipe'] }); };

interface Asked {
  pem: string;
  key: string;
}

/** A request as people make them: with openssl. */
function request(subject: string, algorithm: readonly string[] = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'], names = ''): Asked {
  const [key, csr] = [join(dir, 'key.pem'), join(dir, 'csr.pem')];
  openssl('req', '-new', '-nodes', ...algorithm, '-subj', subject, '-keyout', key, '-out', csr, ...(names === '' ? [] : ['-addext', `subjectAltName=${names}`]));
  return { pem: readFileSync(csr, 'utf8'), key: readFileSync(key, 'utf8') };
}

const encoded = (pem: string): string => Buffer.from(pem).toString('base64');
const body = (name: string, { pem }: Asked, signerName: string, usages: readonly string[], more: Record<string, unknown> = {}): Record<string, unknown> =>
  ({ metadata: { name }, spec: { request: encoded(pem), signerName, usages, ...more } });

describe('certificate requests', () => {
  let s: TestServer;
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'telar-csr-'));
    s = await TestServer.start({ tokenFile: 'approver-token,approver,,"approvers"\njane-token,jane,u7,"dev"\n' });
  });
  after(async () => {
    await s.close();
    rmSync(dir, { recursive: true });
  });

  const approve = async (name: string, token?: string): Promise<Reply> => {
    const { json } = await s.get(`${CSRS}/${name}`);
    const status = { conditions: [{ type: 'Approved', status: 'True', reason: 'Test', message: 'by hand' }] };
    return s.ask({ method: 'PUT', path: `${CSRS}/${name}/approval`, body: { ...json, status }, ...(token === undefined ? {} : { token }) });
  };

  /** The request once it has a certificate or a final word. */
  const settled = async (name: string): Promise<Record<string, unknown>> => {
    for (;;) {
      const { json } = await s.get(`${CSRS}/${name}`);
      const conditions = at(json, 'status', 'conditions');
      if (at(json, 'status', 'certificate') !== undefined || (Array.isArray(conditions) && conditions.some((one) => at(one, 'type') === 'Failed'))) {
        return json;
      }
      await sleep(5);
    }
  };

  it('reads what openssl writes, with keys of every kind', () => {
    for (const algorithm of [['-newkey', 'rsa:2048'], ['-newkey', 'rsa:2048', '-sha512'], ['-newkey', 'ed25519'], ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384', '-sha384']]) {
      const read = parseCertificateRequest(encoded(request('/O=one/O=two/CN=Ñandú, of "signs"', [...algorithm, '-utf8'], 'DNS:a.example,IP:192.0.2.1,email:a@b.example').pem));
      assert.equal(read.commonName, 'Ñandú, of "signs"');
      assert.deepEqual(read.organizations, ['one', 'two']);
      assert.deepEqual(read.names, { dns: ['a.example'], ip: [Buffer.from([192, 0, 2, 1])], email: ['a@b.example'], uri: [] });
    }
  });

  it('refuses what is damaged, cut short, or signed with another key', () => {
    const { pem } = request('/CN=x');
    const der = Buffer.from(pem.replace(/-----.*-----|\s/g, ''), 'base64');
    const wrap = (bytes: Buffer): string => encoded(`-----BEGIN CERTIFICATE REQUEST-----\n${bytes.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`);
    assert.equal(parseCertificateRequest(wrap(der)).commonName, 'x');
    const forged = Buffer.from(der);
    forged[forged.indexOf('x'.charCodeAt(0), 10)] = 'y'.charCodeAt(0);
    assert.throws(() => parseCertificateRequest(wrap(forged)), /CertificateRequestError|does not/);
    for (let length = 0; length < der.length; length += 1) {
      assert.throws(() => parseCertificateRequest(wrap(der.subarray(0, length))), { name: 'CertificateRequestError' });
    }
    for (let index = 0; index < der.length; index += 1) {
      const damaged = Buffer.from(der);
      damaged[index] = (damaged[index] ?? 0) ^ 0xff;
      assert.throws(() => parseCertificateRequest(wrap(damaged)), { name: 'CertificateRequestError' }, `byte ${index}`);
    }
  });

  it('signs what was approved, and the certificate opens the door', async () => {
    const asked = request('/O=dev/CN=jane');
    const made = await s.ask({ method: 'POST', path: CSRS, token: 'jane-token', body: body('jane', asked, CLIENT, ['client auth'], { expirationSeconds: 3600, username: 'root' }) });
    assert.equal(made.code, 403, 'nobody may ask who was not allowed to');
    const created = await s.post(CSRS, body('jane', asked, CLIENT, ['client auth'], { expirationSeconds: 3600, username: 'root', groups: ['g'] }));
    assert.equal(created.code, 201, created.text);
    assert.deepEqual([at(created.json, 'spec', 'username'), at(created.json, 'spec', 'groups')], ['kubernetes-admin', ['system:masters', 'system:authenticated']]);
    assert.equal((await approve('jane')).code, 200);
    const json = await settled('jane');
    const pem = Buffer.from(String(at(json, 'status', 'certificate')), 'base64').toString();
    const certificate = new X509Certificate(pem);
    assert.equal(certificate.subject, 'O=dev\nCN=jane');
    assert.ok(certificate.verify(new X509Certificate(s.pki.ca.cert).publicKey));
    assert.ok(certificate.validToDate.getTime() - Date.now() <= 3_600_000);
    const who = await s.ask({
      method: 'POST', path: '/apis/authentication.k8s.io/v1/selfsubjectreviews', body: {}, certificate: { cert: pem, key: asked.key },
    });
    assert.equal(at(who.json, 'status', 'userInfo', 'username'), 'jane');
    assert.deepEqual(at(who.json, 'status', 'userInfo', 'groups'), ['dev', 'system:authenticated']);
  });

  it('lets nobody into system:masters, and nobody approve who may not', async () => {
    const root = await s.post(CSRS, body('root', request('/O=system:masters/CN=x'), CLIENT, ['client auth']));
    assert.equal(root.code, 403);
    assert.equal(root.json['message'], `certificatesigningrequests.certificates.k8s.io "root" is forbidden: use of ${CLIENT} signer with system:masters group is not allowed`);
    await s.post('/apis/rbac.authorization.k8s.io/v1/clusterroles', {
      metadata: { name: 'approving' }, rules: [{ apiGroups: ['certificates.k8s.io'], resources: ['certificatesigningrequests/approval'], verbs: ['update'] }],
    });
    await s.post('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
      metadata: { name: 'approving' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'approving' },
      subjects: [{ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: 'approvers' }],
    });
    await s.post(CSRS, body('waiting', request('/CN=x'), CLIENT, ['client auth']));
    const refused = await approve('waiting', 'approver-token');
    assert.equal(refused.code, 403);
    assert.match(String(refused.json['message']), /user not permitted to approve requests with signerName "kubernetes.io\/kube-apiserver-client"/);
    const garbled = await s.post(CSRS, { metadata: { name: 'garbled' }, spec: { request: encoded('-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n'), signerName: CLIENT, usages: ['client auth'] } });
    assert.equal(garbled.code, 422);
    assert.match(String(garbled.json['message']), /spec\.request/);
  });

  it('says why it does not sign', async () => {
    const cases: [string, string, readonly string[], Asked, string][] = [
      ['usage', CLIENT, ['client auth', 'server auth'], request('/CN=x'), 'invalid usage for client certificate: server auth'],
      ['noauth', CLIENT, ['digital signature'], request('/CN=x'), 'missing required usage for client certificate: client auth'],
      ['org', SERVING, ['digital signature', 'server auth'], request('/CN=system:node:n'), 'subject organization is not system:nodes'],
      ['names', SERVING, ['digital signature', 'server auth'], request('/O=system:nodes/CN=system:node:n'), 'DNS or IP subjectAltName is required'],
      ['dns', KUBELET, KUBELET_USAGES, request('/O=system:nodes/CN=system:node:n', undefined, 'DNS:n'), 'DNS subjectAltNames are not allowed'],
      ['usages', KUBELET, ['client auth'], request('/O=system:nodes/CN=system:node:n'), 'usages did not match [client auth digital signature key encipherment]'],
    ];
    for (const [name, signer, usages, asked, message] of cases) {
      assert.equal((await s.post(CSRS, body(name, asked, signer, usages))).code, 201);
      assert.equal((await approve(name)).code, 200);
      const json = await settled(name);
      const failed = (at(json, 'status', 'conditions') as unknown[]).find((one) => at(one, 'type') === 'Failed');
      assert.deepEqual([at(failed, 'reason'), at(failed, 'message')], ['SignerValidationFailure', message]);
    }
  });

  it('approves by itself the kubelets whose author may have them, and serves theirs when approved', async () => {
    await s.post('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
      metadata: { name: 'joining' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient' },
      subjects: [{ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: 'system:nodes' }],
    });
    const kubelet = s.server.transport({ name: 'system:node:n', groups: ['system:nodes', 'system:authenticated'] });
    const asked = request('/O=system:nodes/CN=system:node:n');
    await kubelet.request({ method: 'POST', path: CSRS, body: body('self', asked, KUBELET, KUBELET_USAGES) });
    const json = await settled('self');
    assert.deepEqual(at(json, 'status', 'conditions', 0, 'reason'), 'AutoApproved');
    assert.equal(at(json, 'status', 'conditions', 0, 'message'), 'Auto approving self kubelet client certificate after SubjectAccessReview.');
    const serving = request('/O=system:nodes/CN=system:node:n', undefined, 'DNS:n.example,IP:192.0.2.9');
    await kubelet.request({ method: 'POST', path: CSRS, body: body('serving', serving, SERVING, ['digital signature', 'key encipherment', 'server auth']) });
    await approve('serving');
    const certificate = new X509Certificate(Buffer.from(String(at(await settled('serving'), 'status', 'certificate')), 'base64'));
    assert.equal(certificate.checkHost('n.example'), 'n.example');
    assert.equal(certificate.checkIP('192.0.2.9'), '192.0.2.9');
    const pem = certificate.toString();
    const open = s.ask({ path: '/api/v1/nodes/n', certificate: { cert: pem, key: serving.key } });
    assert.equal((await open).code, 401, 'a server\'s certificate makes no client');
    writeFileSync(join(dir, 'signed.pem'), pem);
    assert.match(execFileSync('openssl', ['x509', '-in', join(dir, 'signed.pem'), '-noout', '-text']).toString(), /Digital Signature, Key Encipherment[\s\S]*TLS Web Server Authentication/);
  });

  it('certifies a node for its own name without being asked twice, and for nothing else', async () => {
    const usages = ['digital signature', 'server auth'];
    const asks = async (node: string, csr: string, asked: Asked): Promise<void> => {
      const transport = s.server.transport({ name: `system:node:${node}`, groups: ['system:nodes', 'system:authenticated'] });
      await transport.request({ method: 'POST', path: CSRS, body: body(csr, asked, SERVING, usages) });
    };
    const mine = (csr: string, asked: Asked): Promise<void> => asks('mine', csr, asked);
    await mine('own-name', request('/O=system:nodes/CN=system:node:mine', undefined, 'DNS:mine'));
    const certificate = new X509Certificate(Buffer.from(String(at(await settled('own-name'), 'status', 'certificate')), 'base64'));
    assert.equal(certificate.subjectAltName, 'DNS:mine');
    await mine('more-names', request('/O=system:nodes/CN=system:node:mine', undefined, 'DNS:mine,DNS:kubernetes'));
    await mine('address', request('/O=system:nodes/CN=system:node:mine', undefined, 'DNS:mine,IP:127.0.0.1'));
    await mine('another', request('/O=system:nodes/CN=system:node:other', undefined, 'DNS:other'));
    await asks('localhost', 'servers-name', request('/O=system:nodes/CN=system:node:localhost', undefined, 'DNS:localhost'));
    // Requests are handled in their order: once the last is settled, those before it have been looked at.
    await mine('last', request('/O=system:nodes/CN=system:node:mine', undefined, 'DNS:mine'));
    await settled('last');
    for (const name of ['more-names', 'address', 'another', 'servers-name']) {
      assert.equal(at((await s.get(`${CSRS}/${name}`)).json, 'status', 'conditions'), undefined, name);
    }
  });
});
