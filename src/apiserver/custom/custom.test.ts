/** Custom resources from the definition to its end, over HTTP. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { at, TestServer } from '../testing/harness.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

const definition = (plural: string, schema: Record<string, unknown>, version: Record<string, unknown> = {}): Record<string, unknown> => {
  const kind = plural.slice(0, 1).toUpperCase() + plural.slice(1, -1);
  return {
    apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `${plural}.example.com` },
    spec: {
      group: 'example.com', scope: 'Namespaced', names: { plural, kind },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', properties: { spec: schema } } }, ...version }],
    },
  };
};

const WIDGET = definition('widgets', {
  type: 'object', required: ['size'],
  properties: { size: { type: 'integer', minimum: 1, maximum: 10 }, color: { type: 'string', default: 'red', enum: ['red', 'blue'] }, tags: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' } },
}, {
  subresources: { status: {}, scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size' } },
  additionalPrinterColumns: [{ name: 'Size', type: 'integer', jsonPath: '.spec.size' }, { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' }],
});

describe('custom resources', () => {
  let s: TestServer;
  before(async () => { s = await TestServer.start(); });
  after(() => s.close());
  const WIDGETS = '/apis/example.com/v1/namespaces/default/widgets';
  const widget = (name: string, spec: Record<string, unknown>): Record<string, unknown> => ({ apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name }, spec });

  it('are served as soon as their definition is stored', async () => {
    assert.equal((await s.get(WIDGETS)).code, 404);
    const made = await s.post(CRDS, WIDGET);
    assert.equal(made.code, 201, made.text);
    assert.deepEqual([at(made.json, 'spec', 'names', 'singular'), at(made.json, 'spec', 'names', 'listKind'), at(made.json, 'status', 'storedVersions')], ['widget', 'WidgetList', ['v1']]);
    assert.equal((await s.get(WIDGETS)).code, 200);
    const created = await s.post(WIDGETS, widget('a', { size: 3, unknown: 1 }));
    assert.equal(created.code, 201, created.text);
    assert.deepEqual(at(created.json, 'spec'), { size: 3, color: 'red' });
    assert.match(String(created.headers['warning']), /unknown field \\"spec.unknown\\"/);
  });

  it('get their conditions', async () => {
    const read = await s.get(`${CRDS}/widgets.example.com`);
    const conditions = at(read.json, 'status', 'conditions');
    assert.ok(Array.isArray(conditions));
    assert.deepEqual(conditions.map((one) => [at(one, 'type'), at(one, 'status'), at(one, 'reason')]), [['NamesAccepted', 'True', 'NoConflicts'], ['Established', 'True', 'InitialNamesAccepted']]);
    assert.deepEqual(at(read.json, 'status', 'acceptedNames', 'plural'), 'widgets');
  });

  it('are refused in the words of Kubernetes', async () => {
    const refused = await s.post(WIDGETS, widget('b', { size: 30, color: 'green', tags: ['x', 'x', 1] }));
    assert.equal(refused.code, 422);
    assert.equal(at(refused.json, 'message'), 'Widget.example.com "b" is invalid: [spec.size: Invalid value: 30: spec.size in body should be less than or equal to 10, '
      + 'spec.color: Unsupported value: "green": supported values: "red", "blue", spec.tags[2]: Invalid value: "integer": spec.tags[2] in body must be of type string: "integer", '
      + 'spec.tags[1]: Duplicate value: "x"]');
    const strict = await s.post(`${WIDGETS}?fieldValidation=Strict`, widget('b', { size: 1, other: 1 }));
    assert.match(String(at(strict.json, 'message')), /strict decoding error: unknown field "spec.other"$/);
  });

  it('are shown as tables', async () => {
    const table = await s.get(WIDGETS, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
    const columns = at(table.json, 'columnDefinitions');
    assert.ok(Array.isArray(columns));
    assert.deepEqual(columns.map((one) => at(one, 'name')), ['Name', 'Size', 'Age']);
    assert.deepEqual(at(table.json, 'rows', 0, 'cells', 1), 3);
  });

  it('have status and scale apart', async () => {
    const status = await s.patch(`${WIDGETS}/a/status`, { status: { size: 2 }, spec: { size: 9 } });
    assert.deepEqual([status.code, at(status.json, 'spec', 'size'), at(status.json, 'metadata', 'generation')], [200, 3, 1]);
    const scaled = await s.patch(`${WIDGETS}/a/scale`, { spec: { replicas: 7 } });
    assert.deepEqual([scaled.code, at(scaled.json, 'spec', 'replicas')], [200, 7]);
    assert.deepEqual([at((await s.get(`${WIDGETS}/a`)).json, 'metadata', 'generation')], [2]);
    assert.equal((await s.patch(`${WIDGETS}/a`, {}, 'strategic')).code, 415);
  });

  it('are in discovery and OpenAPI, under a hash that changes', async () => {
    const list = await s.get('/apis/example.com/v1');
    assert.deepEqual(at(list.json, 'resources', 0, 'kind'), 'Widget');
    const index = await s.get('/openapi/v3');
    const url = at(index.json, 'paths', 'apis/example.com/v1', 'serverRelativeURL');
    const document = await s.get(String(url));
    assert.equal(at(document.json, 'components', 'schemas', 'com.example.v1.Widget', 'properties', 'spec', 'properties', 'size', 'maximum'), 10);
    await s.patch(`${CRDS}/widgets.example.com`, [{ op: 'replace', path: '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/size/maximum', value: 20 }], 'json');
    assert.notEqual(at((await s.get('/openapi/v3')).json, 'paths', 'apis/example.com/v1', 'serverRelativeURL'), url);
    assert.equal((await s.get('/openapi/v2')).code, 200);
  });

  it('keep what an earlier schema let in', async () => {
    await s.patch(`${CRDS}/widgets.example.com`, [{ op: 'replace', path: '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/size/maximum', value: 5 }], 'json');
    const untouched = await s.patch(`${WIDGETS}/a`, { metadata: { labels: { x: 'y' } } });
    assert.equal(untouched.code, 200, untouched.text);
    assert.equal((await s.patch(`${WIDGETS}/a`, { spec: { size: 8 } })).code, 422);
    assert.equal((await s.patch(`${WIDGETS}/a`, { spec: { color: 'blue' } })).code, 200);
  });

  it('show new defaults in old objects', async () => {
    await s.patch(`${CRDS}/widgets.example.com`, [{ op: 'add', path: '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/late', value: { type: 'string', default: 'x' } }], 'json');
    assert.equal(at((await s.get(`${WIDGETS}/a`)).json, 'spec', 'late'), 'x');
  });

  it('go with their definition', async () => {
    const deleted = await s.delete(`${CRDS}/widgets.example.com`);
    assert.equal(deleted.code, 200);
    for (let tries = 0; (await s.get(`${CRDS}/widgets.example.com`)).code !== 404; tries += 1) {
      assert.ok(tries < 200, 'the definition does not go');
      await new Promise((resolve) => { setTimeout(resolve, 20); });
    }
    assert.equal((await s.get(WIDGETS)).code, 404);
    assert.equal(s.store.count('/example.com/widgets/'), 0);
  });
});
