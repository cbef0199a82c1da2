/** Tokens of service accounts and files, piece by piece. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { beforeEach, describe, it } from 'node:test';
import type { KubeObject } from '../../apimachinery/object.ts';
import { staticSource, TokenChain, type TokenSource } from './chain.ts';
import { ServiceAccountTokens, type TokenGrant } from './serviceaccounts.ts';
import { parseTokenFile, StaticTokens } from './tokenfile.ts';

const ISSUER = 'https://kubernetes.default.svc.cluster.local';
const HOUR_MS = 3_600_000;
const newKey = (): string => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();

describe('service-account tokens', () => {
  let objects: Map<string, KubeObject>;
  let tokens: ServiceAccountTokens;
  const put = (what: string, name: string, uid: string, more: Record<string, unknown> = {}): void => {
    objects.set(`${what}/${name}`, { apiVersion: 'v1', kind: what, metadata: { name, namespace: 'ns', uid }, ...more });
  };
  const grant = (more: Partial<TokenGrant> = {}): TokenGrant =>
    ({ namespace: 'ns', account: { name: 'robot', uid: 'u1' }, bound: undefined, audiences: [], lifetime: 3600, ...more });
  beforeEach(() => {
    objects = new Map();
    put('ServiceAccount', 'robot', 'u1');
    tokens = new ServiceAccountTokens({ key: newKey(), issuer: ISSUER, lookup: (what, _namespace, name) => objects.get(`${what}/${name}`) });
  });

  it('say whose they are, where they were given out and which one it is', () => {
    put('Pod', 'p', 'pu');
    const { token } = tokens.issue(grant({ bound: { kind: 'Pod', name: 'p', uid: 'pu' }, node: { name: 'n', uid: 'nu' } }));
    const { user } = tokens.review(token) ?? {};
    assert.equal(user?.name, 'system:serviceaccount:ns:robot');
    assert.deepEqual(user?.groups, ['system:serviceaccounts', 'system:serviceaccounts:ns', 'system:authenticated']);
    const { 'authentication.kubernetes.io/credential-id': id, ...rest } = user?.extra ?? {};
    assert.match(id?.[0] ?? '', /^JTI=[0-9a-f-]{36}$/);
    assert.deepEqual(rest, {
      'authentication.kubernetes.io/pod-name': ['p'], 'authentication.kubernetes.io/pod-uid': ['pu'],
      'authentication.kubernetes.io/node-name': ['n'], 'authentication.kubernetes.io/node-uid': ['nu'],
    });
  });

  it('end with time, with their account and with what they are bound to', () => {
    put('Pod', 'p', 'pu');
    const { token, expires } = tokens.issue(grant({ bound: { kind: 'Pod', name: 'p', uid: 'pu' } }));
    assert.ok(tokens.review(token));
    assert.equal(tokens.review(token, [ISSUER], expires.getTime() + HOUR_MS), undefined);
    assert.equal(tokens.review(token, [ISSUER], Date.now() - HOUR_MS), undefined, 'not yet');
    put('Pod', 'p', 'another');
    assert.equal(tokens.review(token), undefined);
    put('Pod', 'p', 'pu');
    put('ServiceAccount', 'robot', 'another');
    assert.equal(tokens.review(token), undefined);
  });

  it('are good for their audiences only', () => {
    const { token } = tokens.issue(grant({ audiences: ['vault', 'db'] }));
    assert.equal(tokens.review(token), undefined);
    assert.deepEqual(tokens.review(token, ['db', 'other'])?.audiences, ['db']);
  });

  it('cannot be changed, and nobody else\'s count', () => {
    const { token } = tokens.issue(grant());
    const [header = '', payload = '', signature = ''] = token.split('.');
    const claims: Record<string, unknown> = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
    const forged = Buffer.from(JSON.stringify({ ...claims, sub: 'system:serviceaccount:ns:root' })).toString('base64url');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    const other = new ServiceAccountTokens({ key: newKey(), issuer: ISSUER, lookup: (what, _namespace, name) => objects.get(`${what}/${name}`) });
    for (const bad of [`${header}.${forged}.${signature}`, `${none}.${payload}.`, `${header}.${payload}`, `${token}.x`, `${header}..${signature}`, '', 'a.b.c', other.issue(grant()).token]) {
      assert.equal(tokens.review(bad), undefined, bad);
    }
    assert.ok(tokens.review(token));
  });

  it('live in their Secret, when they are the old kind', () => {
    const token = tokens.issueLegacy('ns', { name: 'robot', uid: 'u1' }, 's');
    assert.equal(tokens.review(token), undefined, 'the Secret is not there');
    put('Secret', 's', 'su', { data: { token: Buffer.from(token).toString('base64') } });
    assert.equal(tokens.review(token)?.user.name, 'system:serviceaccount:ns:robot');
    assert.equal(tokens.review(token, ['vault']), undefined);
    put('Secret', 's', 'su', { data: { token: Buffer.from('another').toString('base64') } });
    assert.equal(tokens.review(token), undefined);
  });
});

describe('token files and chains', () => {
  const file = new StaticTokens(parseTokenFile('t1,ann,u1,"a,b"\n\nt2,bob,\n'));

  it('reads kube-apiserver\'s format', () => {
    assert.deepEqual(file.find('t1'), { name: 'ann', uid: 'u1', groups: ['a', 'b', 'system:authenticated'] });
    assert.deepEqual(file.find('t2'), { name: 'bob', groups: ['system:authenticated'] });
    assert.equal(file.find('t'), undefined);
    assert.throws(() => parseTokenFile('only,two\n'), /line 1: expected token,user,uid/);
  });

  it('asks one source after the other, waiting only for those that must ask elsewhere', async () => {
    const slow: TokenSource = { review: (token, audiences) => (token.startsWith('s') ? Promise.resolve(token === 'slow' ? { user: { name: 'slow', groups: [] }, audiences } : undefined) : undefined) };
    const last: TokenSource = { review: (token, audiences) => (token === 'slower' ? { user: { name: 'last', groups: [] }, audiences } : undefined) };
    const chain = new TokenChain([staticSource(file, [ISSUER]), slow, last], [ISSUER]);
    const first = chain.review('t1');
    assert.ok(first !== undefined && !(first instanceof Promise) && first.user.name === 'ann');
    assert.equal(chain.review('nothing'), undefined);
    assert.equal((await chain.review('slow'))?.user.name, 'slow');
    assert.equal((await chain.review('slower'))?.user.name, 'last');
    assert.equal(await chain.review('sour'), undefined);
    assert.equal(chain.review('t1', ['vault']), undefined, 'a file\'s tokens are for this server');
  });
});
