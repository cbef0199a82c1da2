import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../apimachinery/object.ts';
import { isObject } from '../../apimachinery/values.ts';
import { loadRegistry } from '../../kinds/registry.ts';
import { openApiV2, openApiV2Protobuf, openApiV3, openApiV3Hash, openApiV3Index, openApiV3Paths } from './index.ts';

const registry = loadRegistry();

function dig(value: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>((at, step) => (isObject(at) ? at[step] : undefined), value);
}

/** Every `$ref` of a document that leads nowhere. */
function dangling(document: JsonObject): string[] {
  const refs = new Set([...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map((match) => match[1] ?? ''));
  return [...refs].filter((ref) => {
    const steps = ref.startsWith('definitions/') ? ['definitions', ref.slice('definitions/'.length)] : ['components', 'schemas', ref.slice('components/schemas/'.length)];
    return dig(document, ...steps) === undefined;
  });
}

const DEPLOYMENT = '/apis/apps/v1/namespaces/{namespace}/deployments/{name}';

test('v2: every reference leads somewhere, merge keys and kinds are told', () => {
  const document = openApiV2(registry);
  assert.deepEqual(dangling(document), []);
  const containers = dig(document, 'definitions', 'io.k8s.api.core.v1.PodSpec', 'properties', 'containers');
  assert.ok(isObject(containers));
  const { description, ...rules } = containers;
  assert.match(String(description), /^List of containers belonging to the pod\./);
  assert.deepEqual(rules, {
    type: 'array', items: { $ref: '#/definitions/io.k8s.api.core.v1.Container' }, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'],
    'x-kubernetes-patch-merge-key': 'name', 'x-kubernetes-patch-strategy': 'merge',
  });
  assert.deepEqual(dig(document, 'definitions', 'io.kubevirt.v1.VirtualMachine', 'x-kubernetes-group-version-kind'), [{ group: 'kubevirt.io', kind: 'VirtualMachine', version: 'v1' }]);
  assert.deepEqual(dig(document, 'paths', DEPLOYMENT, 'patch', 'x-kubernetes-group-version-kind'), { group: 'apps', kind: 'Deployment', version: 'v1' });
});

test('kubectl finds fieldValidation and dryRun where it looks for them', () => {
  for (const document of [openApiV2(registry), openApiV3(registry, 'apis/apps/v1')]) {
    const parameters = dig(document, 'paths', DEPLOYMENT, 'patch', 'parameters');
    const names = Array.isArray(parameters) ? parameters.filter((one) => dig(one, 'in') === 'query').map((one) => dig(one, 'name')) : [];
    assert.deepEqual(names, ['dryRun', 'fieldManager', 'fieldValidation', 'force']);
  }
});

test('custom resources take no strategic merge', () => {
  const patch = dig(openApiV3(registry, 'apis/kubevirt.io/v1'), 'paths', '/apis/kubevirt.io/v1/namespaces/{namespace}/virtualmachines/{name}', 'patch', 'requestBody', 'content');
  assert.deepEqual(isObject(patch) ? Object.keys(patch) : [], ['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml']);
});

test('v3: a document for every group-version, complete in itself, found under its hash', () => {
  const index = openApiV3Index(registry);
  for (const path of openApiV3Paths(registry)) {
    const document = openApiV3(registry, path);
    assert.ok(document !== undefined, path);
    assert.deepEqual(dangling(document), []);
    assert.equal(dig(index, 'paths', path, 'serverRelativeURL'), `/openapi/v3/${path}?hash=${openApiV3Hash(JSON.stringify(document))}`);
  }
  assert.equal(openApiV3(registry, 'apis/nothing/v1'), undefined);
});

/** Fields of a protobuf message: number → contents of its length-delimited occurrences. */
function fields(bytes: Uint8Array): Map<number, Uint8Array[]> {
  const found = new Map<number, Uint8Array[]>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at] ?? 0;
      at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        return value;
      }
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const size = varint();
    if (key % 8 === 2) {
      found.set(key >> 3, [...found.get(key >> 3) ?? [], bytes.subarray(at, at + size)]);
      at += size;
    }
  }
  return found;
}

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString();

test('the protobuf form holds every path and definition', () => {
  const document = openApiV2(registry);
  const top = fields(openApiV2Protobuf(document));
  assert.equal(text(top.get(1)?.[0]), '2.0');
  const names = (number: number, inner: number): string[] =>
    (fields(top.get(number)?.[0] ?? new Uint8Array()).get(inner) ?? []).map((one) => text(fields(one).get(1)?.[0]));
  const keys = (value: unknown): string[] => (isObject(value) ? Object.keys(value) : []);
  assert.deepEqual(names(8, 2), keys(document['paths']));
  assert.deepEqual(names(9, 1), keys(document['definitions']));
});
