/** Long lists go out in pieces: the pieces must make the same document as the whole would. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { parse } from 'yaml';
import { at, CMS, configMap, TestServer } from '../testing/harness.ts';

const COUNT = 1_203;
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';

describe('long lists', () => {
  let s: TestServer;
  before(async () => {
    s = await TestServer.start();
    for (let start = 0; start < COUNT; start += 100) {
      await Promise.all(Array.from({ length: Math.min(100, COUNT - start) }, (_, n) =>
        s.post(CMS, configMap(`cm-${start + n}`, { text: `line\nline: "${'x'.repeat(700)}"\n` }, { tenth: String(n % 10), odd: '"' === String(n) ? 'y' : 'n' }))));
    }
  });
  after(() => s.close());

  it('are the same in every writing', async () => {
    const plain = (await s.get(CMS)).json;
    assert.equal((plain['items'] as unknown[]).length, COUNT);
    const pretty = await s.get(`${CMS}?pretty=true`);
    assert.deepEqual(pretty.json, plain);
    assert.equal(pretty.text, `${JSON.stringify(plain, null, 2)}\n`);
    const yaml = await s.get(`${CMS}?limit=300`, { accept: 'application/yaml' });
    assert.deepEqual(parse(yaml.text), (await s.get(`${CMS}?limit=300`)).json);
  });

  it('are the same as a Table, in every writing', async () => {
    const plain = (await s.get(CMS, { accept: TABLE })).json;
    assert.equal((plain['rows'] as unknown[]).length, COUNT);
    const pretty = await s.get(`${CMS}?pretty=true`, { accept: TABLE });
    assert.deepEqual(Object.keys(pretty.json), Object.keys(plain));
    assert.equal((pretty.json['rows'] as unknown[]).length, COUNT);
    assert.deepEqual(at(pretty.json, 'rows', 7, 'object'), at(plain, 'rows', 7, 'object'));
  });

  it('can be empty', async () => {
    const empty = '/api/v1/namespaces/none/configmaps';
    const plain = (await s.get(empty)).json;
    assert.deepEqual(plain['items'], []);
    assert.equal((await s.get(`${empty}?pretty=true`)).text, `${JSON.stringify(plain, null, 2)}\n`);
    assert.deepEqual(parse((await s.get(empty, { accept: 'application/yaml' })).text), plain);
  });

  it('are thinned out by labels, whether the objects are at hand or only their texts', async () => {
    for (const [selector, matches] of [['tenth=3', (n: number) => n % 10 === 3], ['tenth in (1,2)', (n: number) => n % 10 === 1 || n % 10 === 2],
      ['tenth', () => true], ['!tenth', () => false], ['tenth!=4', (n: number) => n % 10 !== 4], ['line=line', () => false]] as const) {
      const { items } = (await s.get(`${CMS}?labelSelector=${encodeURIComponent(selector)}`)).json;
      assert.equal((items as unknown[]).length, Array.from({ length: COUNT }, (_, n) => n).filter(matches).length, selector);
    }
  });
});
