/** What one client sends must not keep the others waiting: turns of the event loop are counted, not time. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { KubeObject } from '../../apimachinery/object.ts';
import { isStatusError, StatusError } from '../../apimachinery/status.ts';
import { deepClone } from '../../apimachinery/values.ts';
import { BIG_BODY_BYTES, MAX_BODY_VALUES, MAX_MEMBERS, MAX_WAITING_YAML } from '../limits.ts';
import { Pace } from '../pace.ts';
import { CMS, configMap, TestServer } from '../testing/harness.ts';
import type { Body } from '../types.ts';
import { APPLY_PATCH, JSON_TYPE, YAML_TYPE } from './mediatype.ts';
import { parsedBody, settleBody } from './parsedbody.ts';
import { createObject, updateObject, type WriteContext } from './writes.ts';
import { YamlReader } from './yamlreader.ts';

const user = { name: 'somebody', groups: [] };
const bodyOf = (text: string, contentType: string): Extract<Body, { kind: 'bytes' }> => ({ kind: 'bytes', bytes: Buffer.from(text), contentType });
const wide = (members: number): Record<string, string> => Object.fromEntries(Array.from({ length: members }, (_, n) => [`k${n}`, 'v']));
const yamlMap = (members: number): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: long}\ndata:\n${Object.keys(wide(members)).map((key) => `  ${key}: "yes"\n`).join('')}`;

/** How often the event loop came round meanwhile. */
async function turnsDuring(work: Promise<void> | undefined): Promise<number> {
  assert.ok(work !== undefined, 'it is to be read beforehand');
  let [turns, busy] = [0, true];
  const turn = (): void => {
    turns += 1;
    if (busy) {
      setImmediate(turn);
    }
  };
  setImmediate(turn);
  await work;
  busy = false;
  return turns;
}

describe('long bodies', () => {
  it('of JSON are read with rests', async () => {
    const body = bodyOf(JSON.stringify({ list: Array.from({ length: 45 }, () => wide(2000)) }), JSON_TYPE);
    assert.ok(await turnsDuring(settleBody({ body, user })) >= 3);
    assert.deepEqual(parsedBody(body.bytes, JSON_TYPE).value, JSON.parse(body.bytes.toString()));
  });

  it('of YAML are read by another thread', async () => {
    const body = bodyOf(yamlMap(5000), YAML_TYPE);
    assert.ok(await turnsDuring(settleBody({ body, user })) >= 3);
    const { value, duplicates } = parsedBody(body.bytes, YAML_TYPE);
    assert.deepEqual(value, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'long' }, data: Object.fromEntries(Object.keys(wide(5000)).map((key) => [key, 'yes'])) });
    assert.deepEqual(duplicates, []);
  });

  it('say what is wrong with them to whoever asks for them', async () => {
    const padding = `# ${'x'.repeat(BIG_BODY_BYTES)}\n`;
    const refusal = async (text: string, type: string): Promise<StatusError> => {
      const body = bodyOf(text, type);
      await settleBody({ body, user });
      try {
        parsedBody(body.bytes, type);
      } catch (error) {
        assert.ok(error instanceof StatusError);
        return error;
      }
      return assert.fail('it was taken');
    };
    assert.match((await refusal(`${padding}a: [1`, YAML_TYPE)).message, /^error converting YAML to JSON: yaml: /);
    assert.match((await refusal(`${padding}a: [1`, APPLY_PATCH)).message, /^error converting YAML to JSON: yaml: /);
    assert.equal((await refusal(JSON.stringify(wide(6000)).slice(0, -1), JSON_TYPE)).code, 400);
    assert.equal((await refusal(JSON.stringify(wide(MAX_MEMBERS + 1)), JSON_TYPE)).code, 413);
    assert.equal((await refusal(JSON.stringify(Array.from({ length: MAX_BODY_VALUES + 2 }, () => 1)), JSON_TYPE)).code, 413);
    assert.equal((await refusal(yamlMap(MAX_MEMBERS + 1), YAML_TYPE)).code, 413);
    assert.equal((await refusal(`${padding}${'x'.repeat(1024 * 1024)}: 1`, YAML_TYPE)).code, 413);
  });

  it('name the lines of keys given twice, in JSON that is applied too', async () => {
    const body = bodyOf(`{"padding": "${'x'.repeat(BIG_BODY_BYTES)}",\n"a": 1,\n"a": 2}`, APPLY_PATCH);
    await settleBody({ body, user });
    assert.deepEqual(parsedBody(body.bytes, APPLY_PATCH), {
      value: { padding: 'x'.repeat(BIG_BODY_BYTES), a: 2 }, duplicates: ['yaml: unmarshal errors:\n  line 3: key "a" already set in map'],
    });
  });

  it('are short ones\' business no more than before', () => {
    assert.equal(settleBody({ body: bodyOf(JSON.stringify(configMap('short')), JSON_TYPE), user }), undefined);
    assert.equal(settleBody({ body: { kind: 'none' }, user }), undefined);
  });
});

describe('the thread that reads YAML', () => {
  it('gives users their turn: who sends many makes others wait for one', async () => {
    const reader = new YamlReader();
    const order: string[] = [];
    const read = (who: string, n: number): Promise<unknown> => reader.read(who, `nth: ${n}`).then(({ json }) => order.push(`${who} ${Buffer.from(json).toString()}`));
    await Promise.all([...[1, 2, 3].map((n) => read('greedy', n)), read('modest', 1)]);
    assert.deepEqual(order, ['greedy {"nth":1}', 'greedy {"nth":2}', 'modest {"nth":1}', 'greedy {"nth":3}']);
  });

  it('refuses more than may wait, and goes on', async () => {
    const reader = new YamlReader();
    const reads = await Promise.allSettled(Array.from({ length: MAX_WAITING_YAML + 5 }, () => reader.read('greedy', 'a: 1')));
    const refused = reads.filter((read) => read.status === 'rejected');
    assert.ok(refused.length >= 1 && refused.every(({ reason }) => isStatusError(reason, 'TooManyRequests')));
    assert.equal(Buffer.from((await reader.read('greedy', 'a: 2')).json).toString(), '{"a":2}');
  });
});

/** Rests whenever it is asked. */
class Restless extends Pace {
  rests = 0;

  override get due(): boolean {
    return true;
  }

  override rest(): Promise<void> {
    this.rests += 1;
    return super.rest();
  }
}

describe('long objects', () => {
  let s: TestServer;
  before(async () => {
    s = await TestServer.start();
  });
  after(() => s.close());

  it('are written with rests between what is done with them', async () => {
    const { core } = s.server;
    const kind = core.registry.byResource('', 'v1', 'configmaps');
    assert.ok(kind !== undefined);
    const pace = new Restless();
    const context: WriteContext = { user: { name: 'admin', groups: ['system:masters'] }, dryRun: false, warnings: [], pace };
    const object: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'paced' } };
    await createObject(core, kind, 'default', object, context);
    assert.ok(pace.rests >= 4, `${pace.rests} rests`);
    pace.rests = 0;
    const target = { kind, namespace: 'default', name: 'paced' };
    await updateObject(core, { target, scope: { part: 'main' }, mutate: (current) => ({ ...deepClone(current), data: { a: 'b' } }) }, context);
    assert.ok(pace.rests >= 6, `${pace.rests} rests`);
  });

  it('are no wider than allowed, by however many patches', async () => {
    assert.equal((await s.post(CMS, configMap('wide', wide(MAX_MEMBERS - 10)))).code, 201);
    assert.equal((await s.post(CMS, configMap('wider', wide(MAX_MEMBERS + 1)))).code, 413);
    const more = (from: number): Record<string, string> => Object.fromEntries(Array.from({ length: 8 }, (_, n) => [`more-${from + n}`, 'v']));
    assert.equal((await s.patch(`${CMS}/wide`, { data: more(0) })).code, 200);
    const refused = await s.patch(`${CMS}/wide`, { data: more(8) });
    assert.equal(refused.code, 413);
    assert.equal(refused.json['message'], `Request entity too large: an object may have at most ${MAX_MEMBERS} members`);
  });

  it('are taken as YAML, JSON and applied configurations alike', async () => {
    for (const [name, type] of [['yaml', YAML_TYPE], ['json', JSON_TYPE]] as const) {
      const text = type === YAML_TYPE ? yamlMap(3000).replace('long', name) : JSON.stringify(configMap(name, wide(3000)));
      const made = await s.ask({ method: 'POST', path: CMS, body: text, headers: { 'content-type': type } });
      assert.equal(made.code, 201, made.text.slice(0, 200));
      assert.equal(Object.keys(Object(made.json['data'])).length, 3000);
    }
    const applied = await s.ask({ method: 'PATCH', path: `${CMS}/applied?fieldManager=me`, body: yamlMap(3000).replace('long', 'applied'), headers: { 'content-type': APPLY_PATCH } });
    assert.equal(applied.code, 201, applied.text.slice(0, 200));
    assert.equal(Object.keys(Object(applied.json['data'])).length, 3000);
  });
});
