/** Objects of every built-in kind survive the way through protobuf and back, which is how kubectl and client-go send many of theirs. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { decodeProtobuf } from '../apimachinery/protobuf/decode.ts';
import { encodeProtobuf } from '../apimachinery/protobuf/encode.ts';
import type { TypeRef } from '../apimachinery/typetable.ts';
import { isObject } from '../apimachinery/values.ts';
import { Maker } from './randomobjects.ts';
import { loadRegistry } from './registry.ts';

const registry = loadRegistry();
const ROUNDS = 60;

/** Messages that a kind is made of, itself included. */
function messagesOf(name: string, found: Set<string>): void {
  const inner = (ref: TypeRef): string | undefined => (ref.t === 'message' ? ref.name : ref.t === 'scalar' ? undefined : inner(ref.of));
  if (found.has(name)) {
    return;
  }
  found.add(name);
  for (const field of registry.types.get(name)?.fields.values() ?? []) {
    const next = inner(field.type);
    if (next !== undefined) {
      messagesOf(next, found);
    }
  }
}

const BUILTIN = registry.list().filter(({ origin }) => origin === 'builtin');
const BODIES = ['policy/v1.Eviction', 'autoscaling/v1.Scale', 'authentication/v1.TokenRequest', 'meta/v1.DeleteOptions'];

for (const { kind, group, type } of BUILTIN) {
  test(`${kind}.${group} encodes and decodes to itself`, () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const object = new Maker(registry.types, round * 104_729 + kind.length, false).message(type);
      assert.deepEqual(decodeProtobuf(encodeProtobuf(object, registry.types, type), registry.types, type), object, `round ${round}`);
    }
  });
}

test('every message of every kind, with each of its fields given', () => {
  const messages = new Set<string>();
  for (const type of [...BUILTIN.map((kind) => kind.type), ...BODIES]) {
    messagesOf(type, messages);
  }
  for (const name of messages) {
    const maker = new Maker(registry.types, name.length, false);
    const object = maker.whole(name);
    assert.equal(Object.keys(object).length, registry.types.get(name)?.fields.size, name);
    assert.deepEqual(decodeProtobuf(encodeProtobuf(object, registry.types, name), registry.types, name), object, name);
  }
});

const FACTS = new URL('../../../shared/data/protobuf/fields-1.36.json.gz', import.meta.url);
const PACKAGES: Readonly<Record<string, string>> = {
  meta: 'k8s.io.apimachinery.pkg.apis.meta', apiextensions: 'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions', apiregistration: 'k8s.io.kube_aggregator.pkg.apis.apiregistration',
};

/** Fields that Go inlines or that are written by an interface of their own, and so have other names in JSON. */
const UNNAMED = new Set(['k8s.io.api.core.v1.Volume.volumeSource', 'k8s.io.api.core.v1.PersistentVolumeSpec.persistentVolumeSource']);

test('every field of every message that Kubernetes has for these kinds is in the tables', { skip: !existsSync(FACTS) && 'no reference data' }, () => {
  const facts: unknown = JSON.parse(gunzipSync(readFileSync(FACTS)).toString());
  assert.ok(isObject(facts));
  const messages = new Set<string>();
  BUILTIN.forEach(({ type }) => { messagesOf(type, messages); });
  const missing: string[] = [];
  let compared = 0;
  for (const message of messages) {
    const [pkg = '', short = ''] = message.split('.');
    const [group = '', version = ''] = pkg.split('/');
    const name = `${PACKAGES[group] ?? `k8s.io.api.${group}`}.${version}.${short}`;
    const theirs = facts[name];
    if (!isObject(theirs)) {
      continue;
    }
    const numbers = new Set([...registry.types.get(message)?.fields.values() ?? []].map(({ number }) => number[0]));
    for (const [field, entry] of Object.entries(theirs)) {
      compared += 1;
      const number: unknown = Array.isArray(entry) ? entry[0] : undefined;
      if (typeof number !== 'number' || (!numbers.has(number) && !UNNAMED.has(`${name}.${field}`))) {
        missing.push(`${name}.${field} = ${String(number)}`);
      }
    }
  }
  assert.deepEqual(missing, []);
  assert.ok(compared > 1800, `only ${compared} fields`);
});
