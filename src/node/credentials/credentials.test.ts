import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isUsable } from './credentials.ts';
import { readPair, writePair, type KeyPair } from './files.ts';
import { newRequest } from './request.ts';

const DAY_MS = 86_400_000;
const USER = 'system:node:n1';

describe('credentials of a node', () => {
  let dir: string;
  let ca: string;
  const openssl = (...words: string[]): string => execFileSync('openssl', words, { stdio: ['ignore', 'pipe', 'pipe'], cwd: dir }).toString();
  /** Signed by the authority of that name, for 100 days. */
  const signed = (authority: string, commonName = USER): KeyPair => {
    const { key, request } = newRequest({ commonName, organization: 'system:nodes', dns: ['n1'] });
    writeFileSync(join(dir, 'one.csr'), request);
    openssl('x509', '-req', '-in', 'one.csr', '-CA', `${authority}.crt`, '-CAkey', `${authority}.key`, '-CAcreateserial', '-days', '100', '-out', 'one.crt');
    return { cert: readFileSync(join(dir, 'one.crt'), 'utf8'), key };
  };
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'telar-credentials-'));
    for (const name of ['ca', 'other']) {
      openssl('req', '-x509', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-subj', `/CN=${name}`, '-days', '365', '-keyout', `${name}.key`, '-out', `${name}.crt`);
    }
    ca = readFileSync(join(dir, 'ca.crt'), 'utf8');
  });
  after(() => { rmSync(dir, { recursive: true }); });

  it('asks in words that openssl understands', () => {
    writeFileSync(join(dir, 'r.csr'), newRequest({ commonName: USER, organization: 'system:nodes', dns: ['n1', 'n1.example'] }).request);
    const shown = openssl('req', '-in', 'r.csr', '-noout', '-verify', '-text');
    assert.match(shown, /Subject: O = system:nodes, CN = system:node:n1\n[\s\S]*DNS:n1, DNS:n1\.example/);
  });

  it('takes what is on disk only from its authority, for its name and key, and in good time before its end', () => {
    const [pair, other] = [signed('ca'), signed('ca')];
    assert.ok(isUsable(pair, ca, USER, Date.now()));
    assert.ok(isUsable(pair, readFileSync(join(dir, 'other.crt'), 'utf8') + ca, USER, Date.now()), 'one of several authorities');
    assert.ok(isUsable(pair, ca, USER, Date.now() + 79 * DAY_MS));
    assert.ok(!isUsable(pair, ca, USER, Date.now() + 81 * DAY_MS), 'a fifth of its life is left');
    assert.ok(!isUsable(pair, ca, USER, Date.now() - DAY_MS));
    assert.ok(!isUsable(pair, ca, 'system:node:n2', Date.now()));
    assert.ok(!isUsable({ cert: pair.cert, key: other.key }, ca, USER, Date.now()));
    assert.ok(!isUsable(signed('other'), ca, USER, Date.now()));
  });

  it('keeps key and certificate in one file that only its owner reads, and takes no part for the whole', async () => {
    const pair = signed('ca');
    await writePair(join(dir, 'kept'), 'one', pair);
    assert.deepEqual(await readPair(join(dir, 'kept'), 'one'), pair);
    const file = join(dir, 'kept', 'one.pem');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    for (let size = statSync(file).size - 2; size >= 0; size -= 40) {
      truncateSync(file, size);
      assert.equal(await readPair(join(dir, 'kept'), 'one'), undefined, `${size} bytes`);
    }
    assert.equal(await readPair(dir, 'nothing'), undefined);
  });
});
