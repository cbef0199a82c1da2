import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { listenKubelet } from './listener.ts';

test('the port is the API server\'s alone: other certificates, administrators\' among them, could not be revoked here', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'telar-listener-'));
  const at = (name: string): string => join(dir, name);
  const openssl = (...words: string[]): void => { execFileSync('openssl', words, { stdio: ['ignore', 'ignore', 'pipe'] }); };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...key, '-subj', '/CN=ca', '-keyout', at('ca.key'), '-out', at('ca.crt'));
  writeFileSync(at('client.ext'), 'extendedKeyUsage=clientAuth\n');
  writeFileSync(at('server.ext'), 'extendedKeyUsage=serverAuth\nsubjectAltName=IP:127.0.0.1\n');
  const issue = (subject: string, usage: 'client' | 'server'): { cert: string; key: string } => {
    openssl('req', '-new', ...key, '-subj', subject, '-keyout', at('leaf.key'), '-out', at('leaf.csr'));
    openssl('x509', '-req', '-in', at('leaf.csr'), '-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-CAcreateserial', '-extfile', at(`${usage}.ext`), '-out', at('leaf.crt'));
    return { cert: readFileSync(at('leaf.crt'), 'utf8'), key: readFileSync(at('leaf.key'), 'utf8') };
  };
  const ca = readFileSync(at('ca.crt'), 'utf8');
  const handler = { request: (_target: string, _req: unknown, res: { end(text: string): void }): void => { res.end('ok'); }, upgrade: (): void => undefined };
  const listener = await listenKubelet(handler, { ca: { cert: ca }, kubeletServing: issue('/CN=node', 'server') }, '127.0.0.1');
  const ask = (client: { cert?: string; key?: string }): Promise<string> => new Promise((resolve) => {
    request({ host: '127.0.0.1', port: listener.port, path: '/pods', ca, agent: false, ...client }, (answer) => {
      answer.resume();
      resolve(String(answer.statusCode));
    }).on('error', () => { resolve('cut'); }).end();
  });
  try {
    assert.equal(await ask(issue('/CN=kube-apiserver-kubelet-client', 'client')), '200');
    assert.equal(await ask(issue('/O=system:masters/CN=removed', 'client')), '403');
    assert.equal(await ask(issue('/CN=kube-apiserver-kubelet-client/CN=x', 'client')), '403');
    assert.equal(await ask(issue('/CN=kube-apiserver-kubelet-client', 'server')), 'cut');
    assert.equal(await ask({}), 'cut');
  } finally {
    await listener.close();
    rmSync(dir, { recursive: true });
  }
});
