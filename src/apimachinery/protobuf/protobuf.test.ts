import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { decodeObject } from '../schema/decode.ts';
import { StatusError } from '../status.ts';
import { parseTypes, type Field, type MessageType, type TypeTable } from '../typetable.ts';
import { decodeProtobuf, decodeProtobufEnvelope } from './decode.ts';
import { pointerFields } from './pointers.ts';
import { encodeProtobuf, encodeProtobufEnvelope } from './encode.ts';

const table: TypeTable = new Map(parseTypes('t/v1', `
Thing kind
  text string 1
  small int32 2
  large int64 3
  yes bool 4
  bytes bytes 5
  ratio double 6
  size Quantity 7
  at Time 8
  microAt MicroTime 9
  wait Duration 10
  port IntOrString 11
  named IntOrString 12
  any any 13
  fields FieldsV1 14
  list []string 15
  numbers []int64 16
  map map:string 17
  sizes map:Quantity 18
  extra map:[]string 19
  child Thing 20
  children []Thing 21
  byName map:Thing 22
  inlined string 23.1
  inlinedToo int32 23.2
  deep []string 24.1.3
  far string 4000
`).map((message) => [message.name, message]));

const full = {
  text: 'ñ 🧵', small: -7, large: -(2 ** 53 - 1), yes: true, bytes: 'aGk=', ratio: -1.5, size: '100Mi', at: '2026-01-02T03:04:05Z', microAt: '2026-01-02T03:04:05.123456Z', wait: '1h0m1.5s',
  port: 8080, named: 'http', any: { x: [1, null] }, fields: { 'f:a': {} }, list: ['', 'b'], numbers: [0, 1, 300, 2 ** 40], map: { a: 'b', '': '', __proto: 'x' }, sizes: { cpu: '1' },
  extra: { k: ['v', 'w'] }, child: { text: 'c', child: {} }, children: [{}, { small: 1 }], byName: { n: { yes: true } }, inlined: 'i', inlinedToo: 5, deep: ['d', 'e'], far: 'f',
};

test('every type survives the way there and back', () => {
  const bytes = encodeProtobuf(full, table, 't/v1.Thing');
  assert.deepEqual(decodeProtobuf(bytes, table, 't/v1.Thing'), full);
});

test('the envelope of a request', () => {
  const raw = encodeProtobuf({ text: 'x' }, table, 't/v1.Thing');
  const envelope = decodeProtobufEnvelope(encodeProtobufEnvelope({ apiVersion: 'v1', kind: 'Thing' }, raw));
  assert.deepEqual({ ...envelope, raw: Buffer.from(envelope.raw).toString('hex') }, { apiVersion: 'v1', kind: 'Thing', raw: Buffer.from(raw).toString('hex'), contentType: '' });
});

test('a body as kubectl sends it', () => {
  // kubectl create namespace: magic, Unknown{typeMeta{v1, Namespace}, raw, "", ""}; the fields that are no pointers are all written.
  const body = Buffer.from('6b3873000a0f0a02763112094e616d65737061636512060a040a0261621a002200', 'hex');
  const { apiVersion, kind, raw, contentType } = decodeProtobufEnvelope(body);
  assert.deepEqual([apiVersion, kind, Buffer.from(raw).toString('hex'), contentType], ['v1', 'Namespace', '0a040a026162', '']);
  assert.throws(() => decodeProtobufEnvelope(body.subarray(0, 20)), StatusError);
});

test('hostile bytes are refused with 400, and never anything else', () => {
  const refused = (bytes: Uint8Array): boolean => {
    try {
      decodeProtobuf(bytes, table, 't/v1.Thing');
      return false;
    } catch (error) {
      assert.ok(error instanceof StatusError, String(error));
      assert.equal(error.code, 400);
      return true;
    }
  };
  for (const hex of ['0a', '0a05', '0aff', '0affffffffff7f', '10', '10ffffffffffffffffffff01', '00', '07', '0d', 'a201', '0a01ff', '08', '4a0408ffffff', '6a030a0178']) {
    assert.ok(refused(Buffer.from(hex, 'hex')), hex);
  }
  let nested: Uint8Array = new Uint8Array();
  for (let depth = 0; depth < 200; depth += 1) {
    const length = nested.length < 128 ? [nested.length] : nested.length < 16_384 ? [(nested.length & 0x7f) | 0x80, nested.length >> 7] : [];
    nested = Buffer.concat([Uint8Array.of(0xa2, 0x01, ...length), nested]);
  }
  assert.ok(refused(nested), 'two hundred levels');
  const whole = encodeProtobuf(full, table, 't/v1.Thing');
  let seed = 42;
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % below;
  };
  for (let round = 0; round < 5000; round += 1) {
    const damaged = Uint8Array.from(whole.subarray(0, random(4) === 0 ? random(whole.length) : whole.length));
    for (let changes = random(4); changes >= 0 && damaged.length > 0; changes -= 1) {
      damaged[random(damaged.length)] = random(256);
    }
    refused(damaged);
  }
  assert.throws(() => decodeProtobufEnvelope(new TextEncoder().encode('{"kind":"Pod"}')), (error) => error instanceof StatusError && error.code === 400);
});

describe('zero values', () => {
  const pods: TypeTable = new Map(parseTypes('core/v1', `
PodSpec
  priority int32 1
  enableServiceLinks bool 2
  runtimeClassName string 3
  hostNetwork bool 4
  nodeName string 5
  containers []Container 6

Container
  name string 1 !
  stdin bool 2
`).map((message) => [message.name, message]));

  test('count where Go has a pointer, and are absence elsewhere', () => {
    const given = { priority: 0, enableServiceLinks: false, runtimeClassName: '', hostNetwork: false, nodeName: '', containers: [{ name: '', stdin: false }] };
    assert.deepEqual(decodeProtobuf(encodeProtobuf(given, pods, 'core/v1.PodSpec'), pods, 'core/v1.PodSpec'),
      { priority: 0, enableServiceLinks: false, runtimeClassName: '', containers: [{ name: '' }] });
    assert.deepEqual(decodeObject(given, pods, 'core/v1.PodSpec', 'strict').object, given, 'JSON says what it says');
  });
});

const kindsFolder = new URL('../../kinds/', import.meta.url);
const factsFile = new URL('../../../../shared/data/protobuf/fields-1.36.json.gz', import.meta.url);

/** Read dynamically: this room imports nothing, its tests look further. */
async function tables(): Promise<TypeTable> {
  const kinds = await import(new URL('types.ts', kindsFolder).href) as { loadTypes: () => TypeTable };
  return kinds.loadTypes();
}

/** Boxed lists outside maps, which no request holds. */
const BOXED = new Set(['meta/v1.APIResource.verbs']);

const PACKAGES: Readonly<Record<string, string>> = {
  meta: 'k8s.io.apimachinery.pkg.apis.meta', apiextensions: 'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions', apiregistration: 'k8s.io.kube_aggregator.pkg.apis.apiregistration',
};

test('the tables\' numbers are Kubernetes\' own', { skip: !existsSync(factsFile) && 'no reference data' }, async () => {
  const facts: Record<string, Record<string, [number, string, string?]>> = JSON.parse(gunzipSync(readFileSync(factsFile)).toString());
  const types = await tables();
  let compared = 0;
  const problems: string[] = [];
  const numbersOf = (message: string): Set<string> => {
    const found = new Set<string>();
    for (const [number] of Object.values(facts[message] ?? {})) {
      found.add(String(number));
    }
    return found;
  };
  const compare = (message: MessageType, field: Field, name: string): void => {
    const entry = Object.entries(facts[name] ?? {}).find(([key]) => key === field.name);
    if (field.number.length === 1 && entry !== undefined) {
      compared += 1;
      if (entry[1][0] !== field.number[0] || ((entry[1][2] === 'repeated') !== (field.type.t === 'list') && !BOXED.has(`${message.name}.${field.name}`))) {
        problems.push(`${message.name}.${field.name}: ${field.number.join('.')} against ${entry[1].join(' ')}`);
      }
    } else if (field.number.length > 0 && !numbersOf(name).has(String(field.number[0]))) {
      problems.push(`${message.name}.${field.name}: number ${field.number.join('.')} is unknown`);
    }
  };
  for (const message of types.values()) {
    const [pkg = '', short = ''] = message.name.split('.');
    const [group = '', version = ''] = pkg.split('/');
    const name = `${PACKAGES[group] ?? `k8s.io.api.${group}`}.${version}.${short}`;
    if (facts[name] !== undefined) {
      message.fields.forEach((field) => compare(message, field, name));
    }
  }
  assert.deepEqual(problems, []);
  assert.ok(compared > 1500, `only ${compared} fields compared`);
});

test('every field named as a pointer is in the tables', async () => {
  const types = await tables();
  const unknown = [...pointerFields()].flatMap(([message, fields]) => [...fields].filter((field) => types.get(message)?.fields.get(field) === undefined).map((field) => `${message}.${field}`));
  assert.deepEqual(unknown, []);
});
