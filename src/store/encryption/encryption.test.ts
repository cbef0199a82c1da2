import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { KubeObject } from '../../apimachinery/object.ts';
import { openStore } from '../open.ts';
import type { Store } from '../store.ts';
import { secretsTransformer } from './aesgcm.ts';
import { parseKeys, readKeyFile } from './keyfile.ts';

const KEY = '/core/secrets/default/bank';
/** Long enough to be found in a file of any encoding. */
const PLAIN = 'the-combination-of-the-safe-is-31415926';

const newKey = (): string => randomBytes(32).toString('base64');
const transformer = (...keys: string[]): ReturnType<typeof secretsTransformer> => secretsTransformer(parseKeys(keys.join('\n')));
const secret = (value: string): KubeObject =>
  ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'bank', namespace: 'default' }, stringData: { value } } as KubeObject);

describe('secrets at rest', () => {
  let dir: string;
  beforeEach(async () => { dir = await mkdtemp(join(tmpdir(), 'telar-encryption-')); });
  afterEach(() => rm(dir, { recursive: true }));

  const open = (...keys: string[]): Promise<Store> =>
    openStore({ path: join(dir, 'store'), compactEveryMs: 0, ...(keys.length === 0 ? {} : { transformer: transformer(...keys) }) });

  /** Whether a text stands anywhere in the files of the store. */
  async function onDisk(text: string): Promise<boolean> {
    const files = await readdir(join(dir, 'store'));
    const contents = await Promise.all(files.map((file) => readFile(join(dir, 'store', file), 'latin1')));
    return contents.some((content) => content.includes(text));
  }

  const valueOf = (store: Store): unknown => Reflect.get(store.get(KEY)?.object ?? {}, 'stringData');

  it('writes no secret in plain, history included, and reads all of it again', async () => {
    const key = newKey();
    let store = await open(key);
    const first = await store.create(KEY, secret(PLAIN));
    await store.update(KEY, first.revision, secret(`${PLAIN}-second`));
    await store.create('/core/configmaps/default/open', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'nothing-to-hide' } });
    await store.close();
    assert.equal(await onDisk(PLAIN), false);
    assert.equal(await onDisk('nothing-to-hide'), true, 'the rest stays readable');
    store = await open(key);
    assert.deepEqual(valueOf(store), { value: `${PLAIN}-second` });
    const old = store.list('/core/secrets/', { revision: first.revision });
    assert.deepEqual(old.items.map(({ object }) => Reflect.get(object, 'stringData')), [{ value: PLAIN }]);
    await store.close();
  });

  it('encrypts what was in plain when it is turned on, and leaves no trace of it', async () => {
    let store = await open();
    const first = await store.create(KEY, secret(PLAIN));
    await store.update(KEY, first.revision, secret(`${PLAIN}-second`));
    await store.close();
    assert.equal(await onDisk(PLAIN), true);
    const key = newKey();
    await (await open(key)).close();
    assert.equal(await onDisk(PLAIN), false);
    store = await open(key);
    assert.deepEqual(valueOf(store), { value: `${PLAIN}-second` });
    await store.close();
  });

  it('takes the newest key for everything once both are there, so that the old one can go', async () => {
    const [older, newer] = [newKey(), newKey()];
    let store = await open(older);
    await store.create(KEY, secret(PLAIN));
    await store.close();
    await (await open(newer, older)).close();
    store = await open(newer);
    assert.deepEqual(valueOf(store), { value: PLAIN });
    await store.close();
  });

  it('says what is wrong with a missing, a wrong or a damaged key', async () => {
    const key = newKey();
    const store = await open(key);
    await store.create(KEY, secret(PLAIN));
    await store.close();
    await assert.rejects(open(), /holds encrypted values .*start with --encryption-key/);
    await assert.rejects(open(newKey()), /encrypted with key [0-9a-f]{8}, which is not in the encryption key file/);
    await assert.rejects(readKeyFile(join(dir, 'none')), /cannot be read/);
    await writeFile(join(dir, 'keys'), 'c2hvcnQ=\n', { mode: 0o600 });
    await assert.rejects(readKeyFile(join(dir, 'keys')), /line 1 of the encryption key file is no key/);
    await writeFile(join(dir, 'keys'), `# two\n${key}\n`);
    assert.equal((await readKeyFile(join(dir, 'keys'))).length, 1);
    await chmod(join(dir, 'keys'), 0o644);
    await assert.rejects(readKeyFile(join(dir, 'keys')), /can be read by others/);
    assert.throws(() => parseKeys(`${key}\n${key}`), /twice/);
    assert.throws(() => parseKeys('# nothing\n'), /holds no key/);
  });

  it('notices a value that was changed or moved on disk, and never writes one twice alike', () => {
    const both = transformer(newKey());
    const json = JSON.stringify(secret(PLAIN));
    const [one, two] = [both.toDisk(KEY, json), both.toDisk(KEY, json)];
    assert.notEqual(one, two);
    assert.deepEqual(both.fromDisk(KEY, one), { json, stale: false });
    assert.throws(() => both.fromDisk('/core/secrets/default/other', one), /changed on disk/);
    const end = one.at(-5) === 'A' ? 'B' : 'A';
    assert.throws(() => both.fromDisk(KEY, `${one.slice(0, -5)}${end}${one.slice(-4)}`), /changed on disk/);
    assert.throws(() => both.fromDisk(KEY, 'enc:rot13:1:x:y'), /in a way this version does not know/);
  });
});
