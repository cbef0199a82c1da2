import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StatusError } from '../status.ts';
import { parseTypes } from '../typetable.ts';
import { decodeObject } from './decode.ts';
import { formatDuration, parseDuration } from './times.ts';

const table = new Map(parseTypes('core/v1', `
Pod kind
  metadata ObjectMeta 1
  spec PodSpec 2

ObjectMeta
  name string 1
  labels map:string 2
  creationTimestamp Time 3
  generation int64 4

PodSpec
  containers []Container 1 ! map=name patch=merge:name
  restartPolicy string 2 enum=Always|Never
  replicas int32 3
  overhead map:Quantity 4
  claims []Claim 5
  tree Tree 6
  selectors map:Tree 7
  matrix [][]string 8

Container
  name string 1 !
  tty bool 2
  port IntOrString 3
  limits map:Quantity 4
  args []string 5
  secret bytes 6
  renewed MicroTime 7
  timeout Duration 8
  ratio double 9
  raw any 10
  fields FieldsV1 11

Claim kind
  metadata ObjectMeta 1

Tree
  child Tree 1
  leaf string 2
`).map((message) => [message.name, message]));

const decode = (value: unknown): ReturnType<typeof decodeObject> => decodeObject(value, table, 'core/v1.Pod', 'strict');

test('values of the right types come through, made canonical', () => {
  const given = {
    apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', labels: { a: 'b', empty: null }, creationTimestamp: '2026-01-02T03:04:05.678+02:00', generation: 3 },
    spec: {
      restartPolicy: '', replicas: 0, overhead: { cpu: 0.5, memory: '1024Mi' }, claims: [{ apiVersion: 'v1', kind: 'Claim', metadata: {} }, null],
      containers: [{
        name: 'c', tty: false, port: 'http', limits: { cpu: '1000m', n: 2 }, args: ['', 'x', null], secret: 'aGk=\n', renewed: '2026-01-02T03:04:05.5Z', timeout: '1h30m', ratio: 1.5,
        raw: { any: [null, { thing: 1 }] }, fields: { 'f:a': {} },
      }, { name: 'd', port: 80, args: null, limits: {} }],
      tree: { child: { child: { leaf: 'x' } } },
    },
  };
  const before = JSON.stringify(given);
  const { object, unknown } = decode(given);
  assert.deepEqual(unknown, []);
  assert.deepEqual(object, {
    apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', labels: { a: 'b', empty: '' }, creationTimestamp: '2026-01-02T01:04:05Z', generation: 3 },
    spec: {
      replicas: 0, overhead: { cpu: '500m', memory: '1Gi' }, claims: [{ apiVersion: 'v1', kind: 'Claim', metadata: {} }, {}],
      containers: [{
        name: 'c', tty: false, port: 'http', limits: { cpu: '1', n: '2' }, args: ['', 'x', ''], secret: 'aGk=', renewed: '2026-01-02T03:04:05.500000Z', timeout: '1h30m', ratio: 1.5,
        raw: { any: [null, { thing: 1 }] }, fields: { 'f:a': {} },
      }, { name: 'd', port: 80, limits: {} }],
      tree: { child: { child: { leaf: 'x' } } },
    },
  });
  assert.equal(JSON.stringify(given), before, 'the value given is not changed');
  assert.deepEqual(decode(object).object, object, 'decoding again changes nothing');
  assert.deepEqual(decode({ metadata: { creationTimestamp: null } }).object, { metadata: {} });
  assert.deepEqual(decode({ metadata: { creationTimestamp: '0001-01-01T00:00:00Z' } }).object, { metadata: {} });
});

test('nothing of the result is shared with the value', () => {
  const given = { spec: { containers: [{ name: 'a', raw: { x: {} } }] }, metadata: { labels: {} } };
  const { object } = decode(given);
  assert.deepEqual(object, given);
  Object.assign(Object(object['metadata']).labels, { changed: 'yes' });
  Object.assign(Object(object['spec']).containers[0].raw.x, { changed: 'yes' });
  assert.deepEqual(given, { spec: { containers: [{ name: 'a', raw: { x: {} } }] }, metadata: { labels: {} } });
});

test('unknown fields are dropped and named with their path', () => {
  const value = JSON.parse('{"Kind":"x","spec":{"foo":1,"containers":[{"name":"a"},{"name":"b","bar":{"deep":1}}],"selectors":{"k":{"z":1}},"__proto__":{}},"metadata":{"Name":"n","labels":{"free":"text"}},"constructor":1}');
  const { object, unknown } = decode(value);
  assert.deepEqual(unknown, [
    'unknown field "Kind"', 'unknown field "spec.foo"', 'unknown field "spec.containers[1].bar"', 'unknown field "spec.selectors.k.z"', 'unknown field "spec.__proto__"', 'unknown field "metadata.Name"',
    'unknown field "constructor"',
  ]);
  assert.equal(JSON.stringify(object), '{"spec":{"containers":[{"name":"a"},{"name":"b"}],"selectors":{"k":{}}},"metadata":{"labels":{"free":"text"}}}');
  assert.deepEqual(decodeObject(value, table, 'core/v1.Pod', 'ignore').unknown, []);
  const many = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`x${index}`, 1]));
  assert.equal(decode(many).unknown.length, 100);
});

test('wrong types are refused in the words of Go', () => {
  const cases: [unknown, string][] = [
    [{ metadata: { labels: 'x' } }, 'json: cannot unmarshal string into Go struct field ObjectMeta.metadata.labels of type map[string]string'],
    [{ metadata: { labels: { a: 1 } } }, 'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string'],
    [{ spec: { containers: {} } }, 'json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container'],
    [{ spec: { containers: ['x'] } }, 'json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type v1.Container'],
    [{ spec: { replicas: '1' } }, 'json: cannot unmarshal string into Go struct field PodSpec.spec.replicas of type int32'],
    [{ spec: { replicas: 1.5 } }, 'json: cannot unmarshal number 1.5 into Go struct field PodSpec.spec.replicas of type int32'],
    [{ spec: { replicas: 3e9 } }, 'json: cannot unmarshal number 3000000000 into Go struct field PodSpec.spec.replicas of type int32'],
    [{ spec: { containers: [{ tty: 'yes' }] } }, 'json: cannot unmarshal string into Go struct field Container.spec.containers.tty of type bool'],
    [{ spec: { containers: [{ args: ['a', {}] }] } }, 'json: cannot unmarshal object into Go struct field Container.spec.containers.args of type string'],
    [{ spec: { containers: [{ limits: { cpu: 'much' } }] } }, "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"],
    [{ spec: { containers: [{ port: true }] } }, 'json: cannot unmarshal bool into Go struct field Container.spec.containers.port of type int32'],
    [{ spec: { containers: [{ secret: 'not base64!' }] } }, 'illegal base64 data at input byte 3'],
    [{ spec: { containers: [{ timeout: 'soon' }] } }, 'time: invalid duration "soon"'],
    [{ metadata: { creationTimestamp: 'now' } }, 'parsing time "now" as "2006-01-02T15:04:05Z07:00": cannot parse "now" as "2006"'],
    [{ metadata: { creationTimestamp: '2026-02-30T00:00:00Z' } }, 'parsing time "2026-02-30T00:00:00Z": day out of range'],
    [{ metadata: [] }, 'json: cannot unmarshal array into Go struct field Pod.metadata of type v1.ObjectMeta'],
    [{ metadata: { generation: 2 ** 60 } }, 'json: cannot unmarshal number 1152921504606846976 into Go struct field ObjectMeta.metadata.generation of type int64'],
    [[], 'json: cannot unmarshal array into Go value of type v1.Pod'],
    ['text', 'json: cannot unmarshal string into Go value of type v1.Pod'],
  ];
  for (const [value, message] of cases) {
    assert.throws(() => decode(value), (error) => error instanceof StatusError && error.code === 400
      && assert.equal(error.message, `Pod in version "v1" cannot be handled as a Pod: ${message}`) === undefined, JSON.stringify(value));
  }
});

test('wrong types in custom resources are refused as by their schemas', () => {
  const custom = new Map(parseTypes('kubevirt/v1', `
VirtualMachine kind
  metadata Meta -
  spec Spec -

Meta
  name string -

Spec
  running bool -
  disks []Disk -

Disk
  name string -
  size int64 -
`).map((message) => [message.name, message]));
  const refused = (spec: unknown): { code: number; message: string } => {
    try {
      decodeObject({ apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', metadata: { name: 'vm' }, spec }, custom, 'kubevirt/v1.VirtualMachine', 'strict');
    } catch (error) {
      assert.ok(error instanceof StatusError);
      return { code: error.code, message: error.message };
    }
    throw new Error('not refused');
  };
  assert.deepEqual(refused({ running: 'yes' }), {
    code: 422, message: 'VirtualMachine.kubevirt.io "vm" is invalid: spec.running: Invalid value: "string": spec.running in body must be of type boolean: "string"',
  });
  assert.deepEqual(refused({ disks: [{}, { size: 1.5 }] }), {
    code: 422, message: 'VirtualMachine.kubevirt.io "vm" is invalid: spec.disks[1].size: Invalid value: "number": spec.disks[1].size in body must be of type integer: "number"',
  });
  assert.equal(refused({ disks: ['x'] }).message,
    'VirtualMachine.kubevirt.io "vm" is invalid: spec.disks[0]: Invalid value: "string": spec.disks[0] in body must be of type object: "string"');
});

test('durations are Go\'s', () => {
  const cases: [string, number, string][] = [
    ['1h30m', 5400e9, '1h30m0s'], ['1.5s', 1.5e9, '1.5s'], ['100ms', 1e8, '100ms'], ['0', 0, '0s'], ['-2m', -120e9, '-2m0s'], ['15µs', 15_000, '15µs'], ['3ns', 3, '3ns'], ['90s', 90e9, '1m30s'],
  ];
  for (const [text, nanoseconds, canonical] of cases) {
    assert.equal(parseDuration(text), nanoseconds, text);
    assert.equal(formatDuration(nanoseconds), canonical, text);
  }
});
