import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, beforeEach, describe, test } from 'node:test';
import { secretsTransformer } from './encryption/aesgcm.ts';
import { parseKeys } from './encryption/keyfile.ts';
import { openStore } from './open.ts';
import { APPLICATION_ID, copyOf, FORMAT } from './sqlite/format.ts';
import { StoreOpenError } from './store.ts';
import { configMap, keyOfName } from './testing.ts';
import { verifyStore } from './verify.ts';

/** What the first Telar wrote. */
const FIRST_SCHEMA = `
  CREATE TABLE log (revision INTEGER PRIMARY KEY, key TEXT NOT NULL, create_revision INTEGER NOT NULL, deleted INTEGER NOT NULL, value TEXT NOT NULL);
  CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  INSERT INTO meta VALUES ('compacted', 0);
`;

let path: string;
let scratch: string;

before(async () => { scratch = await mkdtemp(join(tmpdir(), 'telar-format-')); });
after(() => rm(scratch, { recursive: true }));
let count = 0;
beforeEach(() => { path = join(scratch, String(count += 1)); });

const fileOf = (): string => join(path, 'log.sqlite');

/** Runs SQL on the database file itself. */
function change(sql: string): void {
  const db = new DatabaseSync(fileOf());
  db.exec(sql);
  db.close();
}

async function filled(): Promise<void> {
  const store = await openStore({ path });
  const first = await store.create(keyOfName('a'), configMap('a'));
  await store.update(keyOfName('a'), first.revision, configMap('a', { n: '1' }));
  await store.create(keyOfName('b'), configMap('b'));
  await store.delete(keyOfName('b'), 3);
  await store.close();
}

describe('the format of the file', () => {
  test('an older one is brought up to date, and a copy of it is kept', async () => {
    await filled();
    change('PRAGMA user_version = 1');
    const store = await openStore({ path });
    assert.deepEqual(store.get(keyOfName('a'))?.object, { ...configMap('a', { n: '1' }), metadata: { name: 'a', namespace: 'default', resourceVersion: '2' } });
    await store.create(keyOfName('c'), configMap('c'));
    await store.close();
    const copy = copyOf(fileOf(), 1);
    assert.equal(statSync(copy).mode & 0o777, 0o600);
    const old = new DatabaseSync(copy);
    assert.equal(old.prepare('PRAGMA user_version').get()?.['user_version'], 1);
    assert.equal(old.prepare('SELECT count(*) AS n FROM log').get()?.['n'], 4);
    old.close();
    assert.equal(verifyStore(fileOf()).format, FORMAT);
    await (await openStore({ path })).close();
    assert.ok(!existsSync(`${copy}.partial`));
  });

  test('the very first one can be read', async () => {
    await mkdir(path);
    change(`${FIRST_SCHEMA} PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = 1;
      INSERT INTO log VALUES (1, '${keyOfName('x')}', 1, 0, '${JSON.stringify({ ...configMap('x'), metadata: { name: 'x', namespace: 'default', resourceVersion: '1' } })}')`);
    const store = await openStore({ path });
    assert.equal(store.get(keyOfName('x'))?.revision, 1);
    await store.close();
    assert.deepEqual(verifyStore(fileOf()).problems, []);
  });

  test('a newer one, and one too old, are refused and left as they are', async () => {
    await filled();
    for (const format of [FORMAT + 1, 0]) {
      change(`PRAGMA user_version = ${format}`);
      await assert.rejects(openStore({ path }), StoreOpenError);
      const db = new DatabaseSync(fileOf());
      assert.equal(db.prepare('PRAGMA user_version').get()?.['user_version'], format);
      db.close();
    }
    change(`PRAGMA user_version = ${FORMAT + 1}`);
    assert.throws(() => verifyStore(fileOf()), /a newer Telar wrote it/);
  });
});

describe('verifying a store', () => {
  test('says what is in one that is well', async () => {
    await filled();
    assert.deepEqual(verifyStore(fileOf()), { format: FORMAT, versions: 4, objects: 1, encrypted: 0, revision: 4, compacted: 0, problems: [], moreProblems: 0 });
  });

  test('is quiet about what compaction leaves', async () => {
    const store = await openStore({ path, compactEveryMs: 0 });
    let last = await store.create(keyOfName('a'), configMap('a'));
    for (let n = 0; n < 20; n += 1) {
      last = await store.update(keyOfName('a'), last.revision, configMap('a', { n: String(n) }));
      const b = await store.create(keyOfName('b'), configMap('b'));
      await store.delete(keyOfName('b'), b.revision);
      if (n % 7 === 0) {
        await store.compact(store.currentRevision - 3);
      }
    }
    await store.close();
    const { problems, objects } = verifyStore(fileOf());
    assert.deepEqual(problems, []);
    assert.equal(objects, 1);
  });

  const DAMAGE: readonly [name: string, sql: string, expected: RegExp][] = [
    ['text that is no JSON', "UPDATE log SET value = '{\"kind\":' WHERE revision = 2", /revision 2 of .* is no object/],
    ['another revision inside', "UPDATE log SET value = replace(value, '\"resourceVersion\":\"2\"', '\"resourceVersion\":\"9\"') WHERE revision = 2", /says it is 9/],
    ['a row under another key', `UPDATE log SET key = '${keyOfName('z')}' WHERE revision = 3`, /holds ConfigMap default\/b/],
    ['a creation that is not one', 'UPDATE log SET create_revision = 2 WHERE revision = 2', /was created at 2/],
    ['something that is no key', "UPDATE log SET key = 'a' WHERE revision = 1", /is no key/],
  ];
  for (const [name, sql, expected] of DAMAGE) {
    test(`finds ${name}`, async () => {
      await filled();
      change(sql);
      const { problems } = verifyStore(fileOf(), { keyOf: ({ metadata }) => keyOfName(metadata.name) });
      assert.match(problems.join('\n'), expected);
    });
  }

  test('looks into what is encrypted when it has the key', async () => {
    const [right, wrong] = [1, 2].map((byte) => secretsTransformer(parseKeys(Buffer.alloc(32, byte).toString('base64'))));
    assert.ok(right !== undefined && wrong !== undefined);
    const store = await openStore({ path, transformer: right });
    await store.create('/core/secrets/default/s', { ...configMap('s'), kind: 'Secret' });
    await store.close();
    assert.deepEqual([verifyStore(fileOf()).encrypted, verifyStore(fileOf()).problems], [1, []]);
    assert.deepEqual([verifyStore(fileOf(), { transformer: right }).encrypted, verifyStore(fileOf(), { transformer: right }).problems], [0, []]);
    assert.match(verifyStore(fileOf(), { transformer: wrong }).problems.join(), /is encrypted with key/);
    change(`UPDATE log SET key = '/core/secrets/default/other'`);
    assert.match(verifyStore(fileOf(), { transformer: right }).problems.join(), /cannot be decrypted/);
  });

  test('finds damaged pages', async () => {
    const store = await openStore({ path });
    for (let n = 0; n < 200; n += 1) {
      await store.create(keyOfName(`n${n}`), configMap(`n${n}`, { text: 'x'.repeat(500) }));
    }
    await store.close();
    const file = await open(fileOf(), 'r+');
    await file.write(Buffer.alloc(2000, 0xa5), 0, 2000, 10 * 4096);
    await file.close();
    const found = ((): string => {
      try {
        return verifyStore(fileOf()).problems.join('\n');
      } catch (error) {
        return error instanceof StoreOpenError ? error.message : '';
      }
    })();
    assert.match(found, /damaged/);
  });

  test('refuses one that is open', async () => {
    const store = await openStore({ path });
    assert.throws(() => verifyStore(fileOf()), /in use by another process/);
    await store.close();
  });
});

describe('a snapshot', () => {
  test('holds all that was acknowledged before it, while writing goes on', async () => {
    const store = await openStore({ path });
    for (let n = 0; n < 300; n += 1) {
      await store.create(keyOfName(`before-${n}`), configMap(`before-${n}`, { text: 'x'.repeat(2000) }));
    }
    let writing = true;
    let written = 0;
    const writers = Promise.all([0, 1, 2].map(async (writer) => {
      for (let n = 0; writing; n += 1) {
        await store.create(keyOfName(`during-${writer}-${n}`), configMap(`during-${writer}-${n}`));
        written += 1;
      }
    }));
    const copy = join(path, 'copy.sqlite');
    await store.snapshot(copy);
    writing = false;
    await writers;
    assert.ok(written > 0);
    await assert.rejects(store.snapshot(copy), /EEXIST/);
    await store.close();
    assert.equal(statSync(copy).mode & 0o777, 0o600);
    const report = verifyStore(copy);
    assert.deepEqual(report.problems, []);
    assert.ok(report.objects >= 300 && report.objects <= 300 + written);
  });
});
