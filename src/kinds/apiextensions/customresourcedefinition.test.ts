import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { JsonObject } from '../../apimachinery/object.ts';
import { isObject } from '../../apimachinery/values.ts';
import { at, create } from '../testing.ts';
import { customResourceDefinition, customResourceDefinitions } from './customresourcedefinition.ts';

const UPSTREAM = new URL('../../../../shared/data/crds/kubevirt/virtualmachines.kubevirt.io.json.gz', import.meta.url);
const json = (value: unknown): JsonObject => {
  const parsed: unknown = JSON.parse(JSON.stringify(value));
  assert.ok(isObject(parsed));
  // Parsed JSON is JSON.
  return parsed as JsonObject;
};

test('every custom kind has a definition that is established', () => {
  assert.deepEqual(customResourceDefinitions().map(({ metadata }) => metadata.name), ['virtualmachines.kubevirt.io', 'virtualmachineinstances.kubevirt.io']);
  for (const definition of customResourceDefinitions()) {
    const { object, errors } = create(customResourceDefinition, json(definition));
    assert.deepEqual(errors, []);
    assert.deepEqual([at(object, 'status.conditions.1.type'), at(object, 'status.conditions.1.status'), at(object, 'status.storedVersions')], ['Established', 'True', ['v1']]);
  }
});

test('the definition KubeVirt installs is accepted', { skip: !existsSync(UPSTREAM) }, () => {
  const { errors } = create(customResourceDefinition, json(JSON.parse(gunzipSync(readFileSync(UPSTREAM)).toString())));
  assert.deepEqual(errors, []);
});

test('definitions of kinds that are not served are refused by name', () => {
  const spec = { group: 'example.com', names: { plural: 'things', kind: 'Thing' }, scope: 'Namespaced', versions: [{ name: 'v1', served: true, storage: true }] };
  assert.deepEqual(create(customResourceDefinition, { metadata: { name: 'things.example.com' }, spec }).errors, [
    'spec.names: Forbidden: this server serves only the custom resources it was built with: virtualmachines.kubevirt.io, virtualmachineinstances.kubevirt.io',
  ]);
});
