/** A real issuer on this machine, over HTTPS with an authority of its own. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose';
import { silentLog } from '../../../apimachinery/log.ts';
import { issueCa, issueLeaf } from '../../pki/issue.ts';
import { at, TestServer, type Reply } from '../../testing/harness.ts';
import { oidcOptions, type OidcFlags } from './options.ts';
import { OidcTokens } from './tokens.ts';

type SigningKey = Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];

const AUDIENCES = ['https://kubernetes.default.svc.cluster.local'];
const WHOAMI = '/apis/authentication.k8s.io/v1/selfsubjectreviews';

describe('OpenID Connect', () => {
  const ca = issueCa('issuer-ca');
  let issuer: Server;
  let url: string;
  const published: JWK[] = [];
  const asked = { description: 0, keys: 0 };
  let key: SigningKey;

  const newKey = async (kid: string): Promise<SigningKey> => {
    const { publicKey, privateKey } = await generateKeyPair('RS256');
    published.push({ ...await exportJWK(publicKey), kid, alg: 'RS256', use: 'sig' });
    return privateKey;
  };

  before(async () => {
    const leaf = issueLeaf(ca, { commonName: 'issuer', organizations: [], usages: ['server'], names: ['127.0.0.1'] });
    issuer = createServer({ key: leaf.key, cert: leaf.cert }, (req, res) => {
      if (req.url === '/.well-known/openid-configuration') {
        asked.description += 1;
        res.end(JSON.stringify({ issuer: url, jwks_uri: `${url}/keys` }));
      } else {
        asked.keys += 1;
        res.end(JSON.stringify({ keys: published }));
      }
    });
    await new Promise<void>((resolve) => { issuer.listen(0, '127.0.0.1', resolve); });
    url = `https://127.0.0.1:${(issuer.address() as AddressInfo).port}`;
    key = await newKey('one');
  });
  after(() => { issuer.close(); });

  interface Claims { [name: string]: unknown }

  const token = (claims: Claims, { kid = 'one', audience = 'telar', signer = key, expires = '1h', iss = url } = {}): Promise<string> =>
    new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid }).setIssuer(iss).setAudience(audience).setIssuedAt().setExpirationTime(expires).sign(signer);

  const source = (flags: Partial<OidcFlags> = {}): OidcTokens =>
    new OidcTokens(oidcOptions({ issuerUrl: url, clientId: 'telar', ca: ca.cert, ...flags }), AUDIENCES, silentLog);
  const userOf = async (from: OidcTokens, text: string): Promise<{ name: string; groups: readonly string[] } | undefined> => {
    const found = await from.review(text, AUDIENCES);
    return found === undefined ? undefined : { name: found.user.name, groups: found.user.groups };
  };

  it('names users and groups by their claims and prefixes', async () => {
    const claims = { sub: 'u-1', email: 'ada@example.com', email_verified: true, roles: ['dev', 'ops'] };
    assert.deepEqual(await userOf(source(), await token(claims)), { name: `${url}#u-1`, groups: ['system:authenticated'] });
    assert.deepEqual(
      await userOf(source({ usernameClaim: 'email', groupsClaim: 'roles', groupsPrefix: 'oidc:' }), await token(claims)),
      { name: 'ada@example.com', groups: ['oidc:dev', 'oidc:ops', 'system:authenticated'] },
    );
    assert.equal((await userOf(source({ usernamePrefix: '-' }), await token(claims)))?.name, 'u-1');
    assert.equal((await userOf(source({ usernamePrefix: 'x:' }), await token({ sub: 'u', roles: 'one' })))?.name, 'x:u');
    assert.equal(await userOf(source({ usernameClaim: 'email' }), await token({ ...claims, email_verified: false })), undefined);
    assert.equal(await userOf(source({ usernameClaim: 'nick' }), await token(claims)), undefined);
    assert.equal(await userOf(source({ requiredClaims: ['tenant=a'] }), await token(claims)), undefined);
    assert.equal((await userOf(source({ requiredClaims: ['tenant=a'] }), await token({ ...claims, tenant: 'a' })))?.name, `${url}#u-1`);
  });

  it('takes no token that is old, for others, of others, or signed otherwise', async () => {
    const from = source();
    assert.equal(await userOf(from, await token({ sub: 'u' }, { expires: '-1h' })), undefined);
    assert.equal(await userOf(from, await token({ sub: 'u' }, { audience: 'another' })), undefined);
    assert.equal(await userOf(from, await token({ sub: 'u' }, { iss: 'https://elsewhere.example' })), undefined);
    const { privateKey } = await generateKeyPair('RS256');
    assert.equal(await userOf(from, await token({ sub: 'u' }, { signer: privateKey })), undefined);
    assert.equal(await userOf(source({ signingAlgs: 'ES256' }), await token({ sub: 'u' })), undefined);
    assert.equal(from.review('not.a.token', AUDIENCES), undefined);
    assert.equal(from.review(await token({ sub: 'u' }), ['another audience']), undefined);
  });

  it('asks for the keys once, and again when one is missing', async () => {
    const from = source();
    const before = asked.keys;
    await Promise.all([1, 2, 3].map(async () => userOf(from, await token({ sub: 'u' }))));
    assert.equal(asked.keys, before + 1);
    const rolled = await newKey('two');
    const fresh = await token({ sub: 'rolled' }, { kid: 'two', signer: rolled });
    assert.equal(await userOf(from, fresh), undefined, 'not asked again within the pause');
    assert.equal((await userOf(source(), fresh))?.name, `${url}#rolled`);
  });

  it('lets users in and reviews their tokens', async () => {
    const s = await TestServer.start({ tokenSources: [source({ usernamePrefix: 'oidc:', groupsClaim: 'groups' })] });
    try {
      const text = await token({ sub: 'ada', groups: ['dev'] });
      const who: Reply = await s.ask({ method: 'POST', path: WHOAMI, body: {}, token: text });
      assert.deepEqual(at(who.json, 'status', 'userInfo'), { username: 'oidc:ada', groups: ['dev', 'system:authenticated'] });
      assert.equal((await s.ask({ path: '/api/v1/nodes', token: text })).code, 403);
      assert.equal((await s.ask({ path: '/api/v1/nodes', token: `${text.slice(0, -4)}AAAA` })).code, 401);
      const review = await s.post('/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token: text } });
      assert.equal(at(review.json, 'status', 'user', 'username'), 'oidc:ada');
    } finally {
      await s.close();
    }
  });

  it('says which flag is wrong', () => {
    const wrong: [Partial<OidcFlags>, RegExp][] = [
      [{ issuerUrl: 'http://x.example', clientId: 'a' }, /require 'https'/], [{ issuerUrl: 'https://x.example' }, /--oidc-client-id/],
      [{ issuerUrl: 'https://x.example', clientId: 'a', signingAlgs: 'HS256' }, /"HS256" is not supported/],
      [{ issuerUrl: 'https://x.example', clientId: 'a', requiredClaims: ['b'] }, /no key=value/],
    ];
    for (const [flags, message] of wrong) {
      assert.throws(() => oidcOptions({ issuerUrl: '', ...flags }), { name: 'OidcOptionError', message });
    }
  });
});
