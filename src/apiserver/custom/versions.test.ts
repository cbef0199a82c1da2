/** Several versions of one resource: conversion by name and by webhook, storage versions, deprecation. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:https';
import { text as readText } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { isObject } from '../../apimachinery/values.ts';
import { issueLeaf } from '../pki/issue.ts';
import { at, lines, TestServer } from '../testing/harness.ts';
import { CRDS, definition, establish, eventually, version } from './testing/definition.ts';

const TEXT = { type: 'string' };
const open = (properties: Record<string, unknown>): Record<string, unknown> => ({ type: 'object', properties });

/** A webhook that moves `spec.host` and `spec.port` into `spec.address` and back; `fail` makes it refuse. */
class Webhook {
  readonly asked: string[] = [];
  fail = '';
  readonly #server: Server;
  readonly port: number;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async start(s: TestServer): Promise<Webhook> {
    const pair = issueLeaf(s.pki.ca, { commonName: 'webhook', organizations: [], usages: ['server'], names: ['127.0.0.1', 'localhost'] });
    const server = createServer({ cert: pair.cert, key: pair.key });
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    const address = server.address();
    const webhook = new Webhook(server, typeof address === 'object' && address !== null ? address.port : 0);
    server.on('request', (req, res) => {
      void readText(req).then((body) => {
        res.setHeader('content-type', 'application/json');
        res.end(JSON.stringify(webhook.#answer(JSON.parse(body))));
        return undefined;
      });
    });
    return webhook;
  }

  #answer(review: unknown): unknown {
    const objects = at(review, 'request', 'objects');
    const wanted = String(at(review, 'request', 'desiredAPIVersion'));
    this.asked.push(`${Array.isArray(objects) ? objects.length : 0} to ${wanted}`);
    const uid = at(review, 'request', 'uid');
    const result = this.fail === '' ? { status: 'Success' } : { status: 'Failure', message: this.fail };
    return {
      apiVersion: 'apiextensions.k8s.io/v1', kind: 'ConversionReview',
      response: { uid, result, convertedObjects: Array.isArray(objects) ? objects.filter(isObject).map((object) => this.#convert(object, wanted)) : [] },
    };
  }

  #convert(object: Record<string, unknown>, apiVersion: string): Record<string, unknown> {
    const spec = isObject(object['spec']) ? object['spec'] : {};
    const { address } = spec;
    const [host, port] = (typeof address === 'string' ? address : '').split(':');
    const converted = apiVersion.endsWith('/v2') ? { address: `${String(spec['host'])}:${String(spec['port'])}` } : { host, port };
    return { ...object, apiVersion, spec: converted };
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.closeAllConnections();
      this.#server.close(() => resolve());
    });
  }
}

describe('versions', () => {
  let s: TestServer;
  let webhook: Webhook;
  before(async () => {
    s = await TestServer.start();
    webhook = await Webhook.start(s);
  });
  after(async () => {
    await webhook.close();
    await s.close();
  });
  const path = (name: string, plural: string): string => `/apis/example.com/${name}/namespaces/default/${plural}`;
  const object = (name: string, kind: string, apiVersion: string, spec: Record<string, unknown>): Record<string, unknown> =>
    ({ apiVersion: `example.com/${apiVersion}`, kind, metadata: { name }, spec });

  it('without conversion differ in their names and fields only', async () => {
    await establish(s, definition('plains', [version('v1', open({ a: TEXT, b: TEXT })), version('v1beta1', open({ a: TEXT, c: { type: 'string', default: 'x' } }), { deprecated: true })]));
    assert.equal((await s.post(path('v1', 'plains'), object('one', 'Plain', 'v1', { a: '1', b: '2' }))).code, 201);
    const old = await s.get(`${path('v1beta1', 'plains')}/one`);
    assert.deepEqual([at(old.json, 'apiVersion'), at(old.json, 'spec')], ['example.com/v1beta1', { a: '1', c: 'x' }]);
    assert.equal(old.headers['warning'], '299 - "example.com/v1beta1 Plain is deprecated"');
    const made = await s.post(path('v1beta1', 'plains'), object('two', 'Plain', 'v1beta1', { a: '1', c: 'lost' }));
    assert.deepEqual(at(made.json, 'spec'), { a: '1', c: 'x' }, 'what the storage version does not know is lost');
    assert.deepEqual(at((await s.get(path('v1', 'plains'))).json, 'items', 1, 'apiVersion'), 'example.com/v1');
  });

  it('move to a new storage version when they are written', async () => {
    const patch = [{ op: 'replace', path: '/spec/versions/0/storage', value: false }, { op: 'replace', path: '/spec/versions/1/storage', value: true }];
    const changed = await s.patch(`${CRDS}/plains.example.com`, patch, 'json');
    assert.deepEqual([changed.code, at(changed.json, 'status', 'storedVersions')], [200, ['v1', 'v1beta1']]);
    assert.equal(s.store.get('/example.com/plains/default/one')?.object.apiVersion, 'example.com/v1');
    assert.deepEqual(at((await s.get(`${path('v1', 'plains')}/one`)).json, 'spec'), { a: '1', b: '2' });
    assert.equal((await s.patch(`${path('v1', 'plains')}/one`, {})).code, 200);
    assert.equal(s.store.get('/example.com/plains/default/one')?.object.apiVersion, 'example.com/v1beta1');
    const gone = await s.patch(`${CRDS}/plains.example.com`, [{ op: 'remove', path: '/spec/versions/0' }], 'json');
    assert.match(String(at(gone.json, 'message')), /status\.storedVersions\[0\]: Invalid value: "v1": missing from spec\.versions; v1 was previously a storage version/);
  });

  const HOOKED = (): Record<string, unknown> => definition('hookeds', [
    version('v1', open({ host: TEXT, port: TEXT })), version('v2', open({ address: TEXT }), { subresources: { status: {} } }),
  ], {
    conversion: {
      strategy: 'Webhook',
      webhook: { conversionReviewVersions: ['v1'], clientConfig: { url: `https://127.0.0.1:${webhook.port}/convert`, caBundle: Buffer.from(s.pki.ca.cert).toString('base64') } },
    },
  });

  it('are converted by a webhook, one by one and in lists', async () => {
    await establish(s, HOOKED());
    const made = await s.post(path('v2', 'hookeds'), object('a', 'Hooked', 'v2', { address: 'h:1' }));
    assert.deepEqual([made.code, at(made.json, 'apiVersion'), at(made.json, 'spec')], [201, 'example.com/v2', { address: 'h:1' }], made.text);
    assert.deepEqual(at((await s.get(`${path('v1', 'hookeds')}/a`)).json, 'spec'), { host: 'h', port: '1' });
    assert.equal((await s.post(path('v1', 'hookeds'), object('b', 'Hooked', 'v1', { host: 'x', port: '2' }))).code, 201);
    webhook.asked.length = 0;
    const list = await s.get(path('v2', 'hookeds'));
    assert.deepEqual([at(list.json, 'items', 0, 'spec', 'address'), at(list.json, 'items', 1, 'spec', 'address')], ['h:1', 'x:2']);
    assert.ok(webhook.asked.length <= 1, 'one review for a whole list');
    const changed = await s.patch(`${path('v2', 'hookeds')}/b`, { spec: { address: 'y:3' } });
    assert.deepEqual([changed.code, at(changed.json, 'spec'), at(changed.json, 'metadata', 'generation')], [200, { address: 'y:3' }, 2]);
    assert.deepEqual(at((await s.get(`${path('v1', 'hookeds')}/b`)).json, 'spec'), { host: 'y', port: '3' });
    assert.equal((await s.patch(`${path('v2', 'hookeds')}/b/status`, { status: { ok: true } })).code, 200);
    assert.equal((await s.delete(`${path('v2', 'hookeds')}/b`)).code, 200);
  });

  it('are converted in watches', async () => {
    const incoming = await s.open({ path: `${path('v2', 'hookeds')}?watch=1` });
    const events = lines(incoming);
    const first = await events.next();
    assert.deepEqual([at(first.value, 'type'), at(first.value, 'object', 'spec', 'address')], ['ADDED', 'h:1']);
    await s.patch(`${path('v1', 'hookeds')}/a`, { spec: { port: '9' } });
    const second = await events.next();
    assert.deepEqual([at(second.value, 'type'), at(second.value, 'object', 'apiVersion'), at(second.value, 'object', 'spec', 'address')], ['MODIFIED', 'example.com/v2', 'h:9']);
    incoming.destroy();
  });

  it('say when the webhook fails', async () => {
    webhook.fail = 'no way';
    const failed = await s.post(path('v2', 'hookeds'), object('c', 'Hooked', 'v2', { address: 'h:1' }));
    webhook.fail = '';
    assert.deepEqual([failed.code, at(failed.json, 'message')],
      [500, 'Internal error occurred: conversion webhook for example.com/v2, Kind=Hooked failed: no way']);
    assert.equal((await s.get(`${path('v1', 'hookeds')}/c`)).code, 404);
  });

  it('select by the fields their definition names', async () => {
    await establish(s, definition('pickeds', [version('v1', open({ color: TEXT, size: { type: 'integer' } }), { selectableFields: [{ jsonPath: '.spec.color' }, { jsonPath: '.spec.size' }] })]));
    for (const [name, color, size] of [['a', 'red', 1], ['b', 'blue', 1], ['c', 'red', 2]] as const) {
      assert.equal((await s.post(path('v1', 'pickeds'), object(name, 'Picked', 'v1', { color, size }))).code, 201);
    }
    const list = await s.get(`${path('v1', 'pickeds')}?fieldSelector=spec.color%3Dred%2Cspec.size%3D2`);
    assert.deepEqual([at(list.json, 'items', 0, 'metadata', 'name'), at(list.json, 'items', 1)], ['c', undefined]);
    assert.equal((await s.get(`${path('v1', 'pickeds')}?fieldSelector=spec.other%3D1`)).code, 400);
  });

  it('are listed under the list kind of their definition', async () => {
    const names = { plural: 'oxen', singular: 'ox', kind: 'Ox', listKind: 'Oxen' };
    await establish(s, definition('oxen', [version('v1', open({}))], { names }));
    assert.equal(at((await s.get(path('v1', 'oxen'))).json, 'kind'), 'Oxen');
    const table = await s.ask({ path: path('v1', 'oxen'), headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } });
    assert.equal(at(table.json, 'kind'), 'Table');
    const document = await s.get('/openapi/v3/apis/example.com/v1');
    assert.deepEqual(at(document.json, 'components', 'schemas', 'com.example.v1.Oxen', 'x-kubernetes-group-version-kind'), [{ group: 'example.com', kind: 'Oxen', version: 'v1' }]);
  });

  it('say when there is no number to scale', async () => {
    const subresources = { scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector' } };
    await establish(s, definition('scaleds', [version('v1', open({ replicas: { type: 'integer' } }), { subresources })]));
    assert.equal((await s.post(path('v1', 'scaleds'), object('a', 'Scaled', 'v1', {}))).code, 201);
    const missing = await s.get(`${path('v1', 'scaleds')}/a/scale`);
    assert.deepEqual([missing.code, at(missing.json, 'message')], [500, 'Internal error occurred: the spec replicas field ".spec.replicas" does not exist']);
    await s.patch(`${path('v1', 'scaleds')}/a`, { spec: { replicas: 2 }, status: { selector: { matchLabels: 1 } } });
    const scale = await s.get(`${path('v1', 'scaleds')}/a/scale`);
    assert.deepEqual([at(scale.json, 'spec', 'replicas'), at(scale.json, 'status')], [2, { replicas: 0 }]);
  });

  it('share no names with others of their group', async () => {
    const rival = definition('rivals', [version('v1', open({}))], { names: { plural: 'rivals', kind: 'Picked', shortNames: ['picked'] } });
    assert.equal((await s.post(CRDS, rival)).code, 201);
    await eventually(async () => at((await s.get(`${CRDS}/rivals.example.com`)).json, 'status', 'conditions', 0, 'type') === 'NamesAccepted', 'no conditions');
    const conditions = at((await s.get(`${CRDS}/rivals.example.com`)).json, 'status', 'conditions');
    assert.ok(Array.isArray(conditions));
    assert.deepEqual(conditions.map((one) => [at(one, 'type'), at(one, 'status'), at(one, 'reason'), at(one, 'message')]), [
      ['NamesAccepted', 'False', 'ListKindConflict', '"PickedList" is already in use'], ['Established', 'False', 'NotAccepted', 'not all names are accepted'],
    ]);
    assert.equal((await s.get(path('v1', 'rivals'))).code, 404);
    await s.delete(`${CRDS}/pickeds.example.com`);
    await eventually(async () => (await s.get(path('v1', 'rivals'))).code === 200, 'names that became free are not taken');
  });

  it('take no new objects while their definition goes', async () => {
    await establish(s, definition('stuckeds', [version('v1', open({}))]));
    const held = { ...object('a', 'Stucked', 'v1', {}), metadata: { name: 'a', finalizers: ['example.com/hold'] } };
    assert.equal((await s.post(path('v1', 'stuckeds'), held)).code, 201);
    const watch = await s.open({ path: `${path('v1', 'stuckeds')}?watch=1&resourceVersion=${s.store.currentRevision}` });
    assert.equal((await s.delete(`${CRDS}/stuckeds.example.com`)).code, 200);
    const refused = await s.post(path('v1', 'stuckeds'), object('b', 'Stucked', 'v1', {}));
    assert.deepEqual([refused.code, at(refused.json, 'message')], [405, 'create not allowed while custom resource definition is terminating']);
    const listed = at((await s.get('/apis/example.com/v1')).json, 'resources');
    assert.ok(Array.isArray(listed));
    assert.deepEqual(at(listed.find((one) => at(one, 'name') === 'stuckeds'), 'verbs'), ['delete', 'deletecollection', 'get', 'list', 'watch']);
    await eventually(async () => (await s.get(`${path('v1', 'stuckeds')}/a`)).text.includes('deletionTimestamp'), 'the object is not deleted');
    await s.patch(`${path('v1', 'stuckeds')}/a`, { metadata: { finalizers: null } });
    await eventually(async () => (await s.get(`${CRDS}/stuckeds.example.com`)).code === 404, 'the definition does not go');
    const types: unknown[] = [];
    for await (const event of lines(watch)) {
      types.push(event['type']);
    }
    assert.equal(types.at(-1), 'DELETED', 'the watch ends after the last object');
  });

  it('are still there after a restart', async () => {
    const { createApiServer } = await import('../server.ts');
    const { loadRegistry } = await import('../../kinds/registry.ts');
    const { silentLog } = await import('../../apimachinery/log.ts');
    const registry = loadRegistry();
    const again = await createApiServer({
      store: s.store, registry, pki: s.pki, nodes: { connect: () => undefined }, log: silentLog, serviceAccounts: false,
      instance: { serviceCidr: '10.96.0.0/24', clusterDomain: 'cluster.local', apiAddress: '10.96.0.1', nodeAddress: '10.97.0.1', port: 6443 },
    });
    const transport = again.transport({ name: 'admin', groups: ['system:masters'] });
    assert.deepEqual(at(await transport.request({ method: 'GET', path: `${path('v2', 'hookeds')}/a` }), 'spec'), { address: 'h:9' });
    await again.close();
  });
});
