/** The objects Kubernetes makes by itself, in a fresh server, and what may be done to them. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { loadRegistry } from '../kinds/registry.ts';
import { create } from '../kinds/testing.ts';
import type { JsonObject } from '../apimachinery/object.ts';
import { systemObjects } from './systemobjects.ts';
import { at, TestServer } from './testing/harness.ts';

const registry = loadRegistry();
const FLOW = '/apis/flowcontrol.apiserver.k8s.io/v1';

it('every one is what its kind takes, and already has its defaults', () => {
  for (const { resource, object } of systemObjects('10.43.0.0/16')) {
    const kind = registry.byResource(...resource);
    assert.ok(kind !== undefined, resource.join('/'));
    // The table holds plain JSON.
    const made = create(kind, object as JsonObject);
    assert.deepEqual(made.errors, [], object.metadata.name);
    if (resource[2] === 'flowschemas' || resource[2] === 'prioritylevelconfigurations') {
      assert.deepEqual(at(made.object, 'spec'), object['spec'], object.metadata.name);
    }
  }
});

it('no flow schema names a level that is missing', () => {
  const all = systemObjects('10.43.0.0/16');
  const levels = new Set(all.filter(({ resource }) => resource[2] === 'prioritylevelconfigurations').map(({ object }) => object.metadata.name));
  for (const { object } of all.filter(({ resource }) => resource[2] === 'flowschemas')) {
    assert.ok(levels.has(String(at(object, 'spec', 'priorityLevelConfiguration', 'name'))), object.metadata.name);
  }
});

describe('in a fresh server', () => {
  let s: TestServer;
  before(async () => { s = await TestServer.start(); });
  after(() => s.close());

  it('stand with their conditions', async () => {
    const { json: range } = await s.get('/apis/networking.k8s.io/v1/servicecidrs/kubernetes');
    assert.deepEqual([at(range, 'spec', 'cidrs'), at(range, 'status', 'conditions', 0, 'status')], [['10.96.0.0/24'], 'True']);
    const { json: schema } = await s.get(`${FLOW}/flowschemas/service-accounts`);
    assert.deepEqual([at(schema, 'spec', 'priorityLevelConfiguration', 'name'), at(schema, 'status', 'conditions', 0, 'type')], ['workload-low', 'Dangling']);
    assert.equal((await s.get('/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical')).code, 200);
  });

  it('keep what is mandatory', async () => {
    const change = await s.patch(`${FLOW}/flowschemas/catch-all`, { spec: { matchingPrecedence: 500 } });
    assert.equal(change.code, 422);
    assert.match(String(change.json['message']), /spec of 'catch-all' must equal the fixed value/);
    assert.equal((await s.patch(`${FLOW}/prioritylevelconfigurations/workload-low`, { spec: { limited: { nominalConcurrencyShares: 50 } } })).code, 200);
  });
});
