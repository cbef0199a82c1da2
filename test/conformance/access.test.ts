/** A real `telar server` with keys, an audit log and users: what is on disk, who comes in, and what a wrong start says. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { issueCa, issueLeaf } from '../../src/apiserver/pki/issue.ts';
import { TestInstance, type Output } from '../harness/instance.ts';

const SECRET = 'the-safe-opens-with-2718281828';
const POLICY = `apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- {level: RequestResponse, users: [kubernetes-admin]}
`;

describe('telar server with keys, users and an audit log', () => {
  let telar: TestInstance;
  let keys: string;
  let policy: string;
  let log: string;

  before(async () => {
    telar = await TestInstance.create();
    keys = join(telar.dataDir, 'keys');
    policy = join(telar.dataDir, 'policy.yaml');
    log = join(telar.dataDir, 'audit.log');
    await writeFile(keys, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
    await writeFile(policy, POLICY);
  });
  after(async () => {
    await telar.down();
    rmSync(telar.dataDir, { recursive: true, force: true });
  });

  const start = (...flags: string[]): Promise<Output> =>
    telar.telar(['server', '--data-dir', telar.dataDir, '--port', String(telar.port), '--detach', ...flags], { timeoutMs: 120_000 });
  const started = async (...flags: string[]): Promise<void> => {
    const { code, stdout, stderr } = await start(...flags);
    assert.equal(code, 0, stdout + stderr);
  };
  const stop = async (): Promise<void> => {
    assert.equal((await telar.telar(['down'])).code, 0);
  };
  const onDisk = async (text: string): Promise<boolean> => {
    const dir = join(telar.dataDir, 'store');
    const files = await Promise.all((await readdir(dir)).map((name) => readFile(join(dir, name), 'latin1')));
    return files.some((content) => content.includes(text));
  };

  it('keeps Secrets from the disk and from the audit log', async () => {
    await started('--encryption-key', keys, '--audit-policy-file', policy, '--audit-log-path', log);
    await telar.k('create', 'secret', 'generic', 'safe', `--from-literal=combination=${SECRET}`);
    await telar.k('create', 'configmap', 'open', '--from-literal=door=left');
    assert.equal(await telar.k('get', 'secret', 'safe', '-o', 'jsonpath={.data.combination}'), Buffer.from(SECRET).toString('base64'));
    await stop();
    assert.equal(await onDisk(Buffer.from(SECRET).toString('base64')), false);
    assert.equal(await onDisk('"door":"left"'), true);
    const checked = await telar.telar(['verify']);
    assert.equal(checked.code, 0, checked.stdout + checked.stderr);
    const told = await readFile(log, 'utf8');
    assert.ok(!told.includes(SECRET) && !told.includes(Buffer.from(SECRET).toString('base64')));
    assert.ok(told.trim().split('\n').some((line) => line.includes('"name":"open"') && line.includes('"requestObject"')));
  });

  it('says what is wrong with a start', async () => {
    const cases: [string[], RegExp][] = [
      [[], /holds encrypted values .*start with --encryption-key/],
      [['--encryption-key', join(telar.dataDir, 'none')], /encryption key file .* cannot be read/],
      [['--encryption-key', policy], /can be read by others|is no key/],
      [['--encryption-key', keys, '--audit-log-path', log], /needs both --audit-policy-file and --audit-log-path/],
      [['--encryption-key', keys, '--oidc-client-id', 'x'], /need --oidc-issuer-url/],
      [['--encryption-key', keys, '--oidc-issuer-url', 'http://x', '--oidc-client-id', 'x'], /require 'https'/],
    ];
    for (const [flags, message] of cases) {
      const { code, stdout, stderr } = await start(...flags);
      assert.equal(code, 1, flags.join(' '));
      assert.match(stdout + stderr, message);
      assert.doesNotMatch(stderr, /at .*\.ts:\d+/, 'no stack');
    }
  });

  it('gives users certificates and takes them away', async () => {
    await writeFile(keys, `${randomBytes(32).toString('base64')}\n${await readFile(keys, 'utf8')}`, { mode: 0o600 });
    await started('--encryption-key', keys);
    const added = await telar.telar(['user', 'add', 'ada', '--group', 'dev', '--days', '2']);
    assert.equal(added.code, 0, added.stderr);
    assert.match(added.stderr, /ada may come in and look at nothing yet/);
    const kubeconfig = join(telar.dataDir, 'ada.kubeconfig');
    await writeFile(kubeconfig, added.stdout, { mode: 0o600 });
    const asAda = (...args: string[]): Promise<Output> => telar.kubectl(['--kubeconfig', kubeconfig, ...args]);
    assert.match((await asAda('auth', 'whoami')).stdout, /Groups\s+\[dev system:authenticated\]/);
    assert.equal((await asAda('get', 'secrets')).code, 1);
    await telar.k('create', 'clusterrolebinding', 'dev', '--clusterrole=admin', '--group=dev');
    assert.match((await asAda('get', 'secrets')).stdout, /safe/);
    assert.match((await telar.telar(['user', 'list'])).stdout, /ada\s+dev\s+\S+\s+\S+\s+valid/);
    assert.equal((await telar.telar(['user', 'remove', 'ada'])).code, 0);
    while (!(await asAda('get', 'secrets')).stderr.includes('Unauthorized')) {
      await sleep(100);
    }
    assert.match((await telar.telar(['user', 'list'])).stdout, /ada\s+dev\s+\S+\s+\S+\s+removed/);
    assert.equal((await telar.telar(['user', 'remove', 'ada'])).code, 1);
    assert.match((await telar.telar(['user', 'add', 'a b'])).stderr, /cannot be a user or group/);
    await stop();
  });

  it('takes ID tokens of an issuer and tokens of a file', async () => {
    const ca = issueCa('issuer-ca');
    const leaf = issueLeaf(ca, { commonName: 'issuer', organizations: [], usages: ['server'], names: ['127.0.0.1'] });
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const keySet = { keys: [{ ...await exportJWK(publicKey), kid: 'k', alg: 'ES256', use: 'sig' }] };
    const issuer = createServer({ key: leaf.key, cert: leaf.cert }, (req, res) => {
      res.end(JSON.stringify(req.url === '/keys' ? keySet : { issuer: url, jwks_uri: `${url}/keys` }));
    });
    await new Promise<void>((resolve) => { issuer.listen(0, '127.0.0.1', resolve); });
    const address = issuer.address();
    const url = `https://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
    try {
      await started(
        '--encryption-key', keys, '--oidc-issuer-url', url, '--oidc-client-id', 'telar', '--oidc-ca-file', telar.writeFile('issuer.crt', ca.cert),
        '--oidc-username-prefix', 'oidc:', '--oidc-groups-claim', 'roles', '--oidc-signing-algs', 'ES256', '--token-auth-file', telar.writeFile('tokens', 'file-token,fred,,"dev"\n'),
      );
      const idToken = await new SignJWT({ sub: 'ada', roles: ['dev'] }).setProtectedHeader({ alg: 'ES256', kid: 'k' })
        .setIssuer(url).setAudience('telar').setExpirationTime('1h').sign(privateKey);
      // A kubeconfig without the administrator's certificate.
      const plain = telar.writeFile('plain', (await readFile(telar.kubeconfig, 'utf8')).replace(/ {4}client-(certificate|key)-data: .*\n/g, ''));
      const whoami = async (token: string): Promise<string> => (await telar.kubectl(['--kubeconfig', plain, '--token', token, 'auth', 'whoami'])).stdout;
      assert.match(await whoami(idToken), /Username\s+oidc:ada\nGroups\s+\[dev system:authenticated\]/);
      assert.match(await whoami('file-token'), /Username\s+fred\nGroups\s+\[dev system:authenticated\]/);
      assert.equal(await whoami(`${idToken}x`), '');
    } finally {
      issuer.close();
      await stop();
    }
  });
});
