/** Server-side apply and managedFields as requests. The rules themselves are proved in apimachinery/apply. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { at, CMS, configMap, pod, PODS, TestServer, type Reply } from '../testing/harness.ts';

const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';
const VMS = '/apis/kubevirt.io/v1/namespaces/default/virtualmachines';
const HPAS = '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers';

const deployment = (name: string, spec: Record<string, unknown> = {}): Record<string, unknown> => ({
  apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name },
  spec: { selector: { matchLabels: { app: name } }, template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image: 'x:1' }] } }, ...spec },
});

describe('server-side apply', () => {
  let s: TestServer;
  before(async () => { s = await TestServer.start(); });
  after(() => s.close());

  const apply = (path: string, body: unknown, query = 'fieldManager=kubectl', token?: string): Promise<Reply> =>
    s.ask({ method: 'PATCH', path: `${path}?${query}`, body, headers: { 'content-type': 'application/apply-patch+yaml' }, ...(token === undefined ? {} : { token }) });

  /** `manager operation/subresource` → fields. */
  const owners = (json: unknown): Record<string, unknown> => {
    const entries = at(json, 'metadata', 'managedFields');
    return Object.fromEntries((Array.isArray(entries) ? entries : []).map((entry) =>
      [`${String(at(entry, 'manager'))} ${String(at(entry, 'operation'))}${at(entry, 'subresource') === undefined ? '' : `/${String(at(entry, 'subresource'))}`}`, at(entry, 'fieldsV1')]));
  };

  it('creates, changes, removes, and writes nothing when nothing changes', async () => {
    const created = await apply(`${CMS}/life`, configMap('life', { a: '1', b: '2' }, { app: 'x' }));
    assert.equal(created.code, 201, created.text);
    assert.deepEqual(owners(created.json), { 'kubectl Apply': { 'f:data': { 'f:a': {}, 'f:b': {} }, 'f:metadata': { 'f:labels': { 'f:app': {} } } } });
    const again = await apply(`${CMS}/life`, configMap('life', { a: '1', b: '2' }, { app: 'x' }));
    assert.equal(again.code, 200);
    assert.equal(at(again.json, 'metadata', 'resourceVersion'), at(created.json, 'metadata', 'resourceVersion'));
    const changed = await apply(`${CMS}/life`, 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: life\ndata:\n  a: "2"\n');
    assert.equal(changed.code, 200, changed.text);
    assert.deepEqual(at(changed.json, 'data'), { a: '2' });
    assert.equal(at(changed.json, 'metadata', 'labels'), undefined);
  });

  it('refuses conflicts with their causes, unless forced', async () => {
    await apply(`${CMS}/fight`, configMap('fight', { a: '1' }));
    const refused = await apply(`${CMS}/fight`, configMap('fight', { a: '2' }), 'fieldManager=other');
    assert.equal(refused.code, 409);
    assert.deepEqual(refused.json, {
      kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason: 'Conflict', code: 409,
      message: 'Apply failed with 1 conflict: conflict with "kubectl": .data.a',
      details: { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "kubectl"', field: '.data.a' }] },
    });
    const forced = await apply(`${CMS}/fight`, configMap('fight', { a: '2' }), 'fieldManager=other&force=true');
    assert.equal(forced.code, 200);
    assert.deepEqual(owners(forced.json), { 'other Apply': { 'f:data': { 'f:a': {} } } });
  });

  it('wants its options right', async () => {
    const body = configMap('options');
    const nameless = await apply(`${CMS}/options`, body, '');
    assert.equal(nameless.code, 422);
    assert.equal(nameless.json['message'], 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch');
    assert.equal((await apply(`${CMS}/options`, body, `fieldManager=${'x'.repeat(129)}`)).json['message'],
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Too long: may not be more than 128 bytes');
    assert.match(String((await apply(`${CMS}/options`, body, 'fieldManager=a%07')).json['message']), /fieldManager: Invalid value: "a\\u0007": invalid character U\+0007 \(at position 1\)/);
    const force = await s.ask({ method: 'PATCH', path: `${CMS}/options?force=true`, body: {}, headers: { 'content-type': 'application/merge-patch+json' } });
    assert.equal(force.json['message'], 'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch');
    assert.equal((await s.get(`${CMS}/options`)).code, 404, 'none of them did anything');
  });

  it('refuses bodies that are no configuration of this object', async () => {
    const cases: [unknown, number, string | RegExp][] = [
      [{ ...configMap('bad'), apiVersion: 'v2' }, 400, 'Incorrect version specified in apply patch. Specified patch version: v2, expected: v1'],
      [{ ...configMap('bad'), kind: 'Secret' }, 400, 'invalid object type: /v1, Kind=Secret'],
      [{ ...configMap('bad'), metadata: { name: 'bad', managedFields: [] } }, 400, 'metadata.managedFields must be nil'],
      [configMap('other'), 400, 'the name of the object (other) does not match the name on the URL (bad)'],
      [{ ...configMap('bad'), metadata: {} }, 400, 'the name of the object (bad based on URL) was undeterminable: name must be provided'],
      [{ ...configMap('bad'), metadata: { name: 'bad', namespace: 'elsewhere' } }, 400, /namespace of the provided object does not match/],
      [{ ...configMap('bad'), metadata: { name: 'bad', uid: 'x' } }, 409, 'Operation cannot be fulfilled on configmaps "bad": uid mismatch: the provided object specified uid x, and no existing object was found'],
      [{ ...configMap('bad'), dta: 1 }, 400, 'failed to create typed patch object (/bad; /v1, Kind=ConfigMap): .dta: field not declared in schema'],
      [{ ...configMap('bad'), data: { a: 1 }, metadata: { name: 'bad', labls: {} } }, 400,
        'failed to create typed patch object (/bad; /v1, Kind=ConfigMap): errors:\n  .data.a: expected string, got &value.valueUnstructured{Value:1}\n  .metadata.labls: field not declared in schema'],
      ['[]', 400, /^error decoding YAML: .*cannot unmarshal array into Go value of type map\[string\]interface \{\}$/],
      ['a: [', 400, /^error decoding YAML: /],
      ['{}', 400, 'Incorrect version specified in apply patch. Specified patch version: , expected: v1'],
    ];
    for (const [body, code, message] of cases) {
      const answer = await apply(`${CMS}/bad`, body);
      assert.equal(answer.code, code, JSON.stringify(body));
      const text = String(answer.json['message']);
      assert.ok(typeof message === 'string' ? text === message : message.test(text), text);
    }
    assert.equal((await s.get(`${CMS}/bad`)).code, 404);
    const binary = await s.ask({ method: 'PATCH', path: `${CMS}/bad?fieldManager=x`, body: {}, headers: { 'content-type': 'application/apply-patch+cbor' } });
    assert.equal(binary.code, 415);
  });

  it('minds keys given twice as fieldValidation says', async () => {
    const twice = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: twice}\ndata:\n  a: "1"\n  a: "2"\n';
    const strict = await apply(`${CMS}/twice`, twice, 'fieldManager=k&fieldValidation=Strict');
    assert.equal(strict.code, 400);
    assert.equal(strict.json['message'], 'error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  line 6: key "a" already set in map');
    assert.match(String((await apply(`${CMS}/twice`, '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"twice"},"data":{"a":"1","a":"2"}}', 'fieldManager=k&fieldValidation=Strict')).json['message']),
      /^error strict decoding YAML: .*line 1: key "a" already set in map$/s);
    const warned = await apply(`${CMS}/twice`, twice, 'fieldManager=k&fieldValidation=Warn');
    assert.equal(warned.code, 201);
    assert.match(String(warned.headers['warning']), /already set in map/);
    assert.deepEqual(at(warned.json, 'data'), { a: '2' });
    assert.equal((await apply(`${CMS}/twice`, twice, 'fieldManager=k&fieldValidation=Ignore')).headers['warning'], undefined);
  });

  it('keeps to its version and identity', async () => {
    const made = await apply(`${CMS}/locked`, configMap('locked'));
    const stale = await apply(`${CMS}/locked`, { ...configMap('locked', { a: '2' }), metadata: { name: 'locked', resourceVersion: '1' } });
    assert.equal(stale.code, 409);
    assert.match(String(stale.json['message']), /the object has been modified/);
    const other = await apply(`${CMS}/locked`, { ...configMap('locked', { a: '2' }), metadata: { name: 'locked', uid: 'x' } });
    assert.match(String(other.json['message']), /Precondition failed: UID in precondition: x/);
    const right = await apply(`${CMS}/locked`, { ...configMap('locked', { a: '2' }), metadata: { name: 'locked', resourceVersion: at(made.json, 'metadata', 'resourceVersion'), creationTimestamp: null } });
    assert.equal(right.code, 200, right.text);
  });

  it('tries without doing', async () => {
    const tried = await apply(`${CMS}/dry`, configMap('dry'), 'fieldManager=k&dryRun=All');
    assert.equal(tried.code, 201);
    assert.deepEqual(owners(tried.json), { 'k Apply': { 'f:data': { 'f:a': {} } } });
    assert.equal((await s.get(`${CMS}/dry`)).code, 404);
  });

  it('leaves defaults to nobody, and other parts to their subresources', async () => {
    const made = await apply(`${DEPLOYMENTS}/web`, { ...deployment('web', { replicas: 1 }), status: { replicas: 7 } }, 'fieldManager=ci');
    assert.equal(made.code, 201, made.text);
    assert.equal(at(made.json, 'status', 'replicas'), undefined);
    assert.deepEqual(owners(made.json), { 'ci Apply': { 'f:spec': {
      'f:replicas': {}, 'f:selector': {}, 'f:template': { 'f:metadata': { 'f:labels': { 'f:app': {} } }, 'f:spec': { 'f:containers': { 'k:{"name":"c"}': { '.': {}, 'f:name': {}, 'f:image': {} } } } },
    } } });
    const status = await apply(`${DEPLOYMENTS}/web/status`, { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { labels: { no: 'x' } }, spec: { replicas: 9 }, status: { replicas: 3 } }, 'fieldManager=ctl');
    assert.equal(status.code, 200, status.text);
    assert.deepEqual([at(status.json, 'status', 'replicas'), at(status.json, 'spec', 'replicas'), at(status.json, 'metadata', 'labels')], [3, 1, undefined]);
    assert.deepEqual(owners(status.json)['ctl Apply/status'], { 'f:status': { 'f:replicas': {} } });
    assert.equal((await apply(`${DEPLOYMENTS}/none/status`, { apiVersion: 'apps/v1', kind: 'Deployment', status: {} })).code, 404, 'a status is of something');
    const gone = await apply(`${DEPLOYMENTS}/web`, deployment('web'), 'fieldManager=ci');
    assert.equal(at(gone.json, 'spec', 'replicas'), 1, 'the default again');
  });

  it('owns replicas through /scale', async () => {
    await apply(`${DEPLOYMENTS}/scaled`, deployment('scaled', { replicas: 1 }), 'fieldManager=ci');
    const scale = (replicas: number): unknown => ({ apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'scaled' }, spec: { replicas } });
    const refused = await apply(`${DEPLOYMENTS}/scaled/scale`, scale(4), 'fieldManager=hpa');
    assert.equal(refused.json['message'], 'Apply failed with 1 conflict: conflict with "ci": .spec.replicas');
    const forced = await apply(`${DEPLOYMENTS}/scaled/scale`, scale(4), 'fieldManager=hpa&force=true');
    assert.equal(forced.code, 200, forced.text);
    assert.deepEqual([forced.json['kind'], at(forced.json, 'spec', 'replicas')], ['Scale', 4]);
    const seen = await s.get(`${DEPLOYMENTS}/scaled`);
    assert.deepEqual(owners(seen.json)['hpa Apply/scale'], { 'f:spec': { 'f:replicas': {} } });
    assert.equal(at(owners(seen.json)['ci Apply'], 'f:spec', 'f:replicas'), undefined);
    await s.ask({ method: 'PATCH', path: `${DEPLOYMENTS}/scaled/scale?fieldManager=hand`, body: { spec: { replicas: 5 } }, headers: { 'content-type': 'application/merge-patch+json' } });
    assert.deepEqual(Object.keys(owners((await s.get(`${DEPLOYMENTS}/scaled`)).json)), ['ci Apply', 'hand Update/scale']);
    assert.equal((await apply(`${DEPLOYMENTS}/scaled/scale`, { apiVersion: 'apps/v1', kind: 'Deployment' })).code, 400);
  });

  it('compares values, not spellings', async () => {
    const limits = (cpu: string): unknown => deployment('units', { template: { metadata: { labels: { app: 'units' } }, spec: { containers: [{ name: 'c', image: 'x:1', resources: { limits: { cpu } } }] } } });
    const made = await apply(`${DEPLOYMENTS}/units`, limits('1000m'), 'fieldManager=a');
    const again = await apply(`${DEPLOYMENTS}/units`, limits('1'), 'fieldManager=a');
    assert.equal(at(again.json, 'metadata', 'resourceVersion'), at(made.json, 'metadata', 'resourceVersion'));
  });

  it('is done to custom kinds too', async () => {
    const vm = (spec: Record<string, unknown>): unknown => ({ apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', metadata: { name: 'vm' }, spec: { template: { spec: { domain: { devices: {}, memory: { guest: '64Mi' } } } }, ...spec } });
    const made = await apply(`${VMS}/vm`, vm({ runStrategy: 'Halted' }), 'fieldManager=a');
    assert.equal(made.code, 201, made.text);
    assert.equal(at(owners(made.json)['a Apply'], 'f:spec', 'f:runStrategy') !== undefined, true);
    const refused = await apply(`${VMS}/vm`, vm({ runStrategy: 'Always' }), 'fieldManager=b');
    assert.equal(refused.json['message'], 'Apply failed with 1 conflict: conflict with "a": .spec.runStrategy');
    assert.match(String((await apply(`${VMS}/vm`, vm({ strategy: 'x' }), 'fieldManager=a')).json['message']), /kubevirt.io\/v1, Kind=VirtualMachine\): \.spec\.strategy: field not declared in schema/);
  });

  it('goes by the schemas of custom resources', async () => {
    const definition = {
      apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'things.example.com' },
      spec: {
        group: 'example.com', scope: 'Namespaced', names: { plural: 'things', kind: 'Thing', singular: 'thing' },
        versions: [{ name: 'v1', served: true, storage: true, subresources: { status: {} }, schema: { openAPIV3Schema: { type: 'object', properties: {
          spec: { type: 'object', properties: {
            mode: { type: 'string', default: 'calm' }, free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
            tags: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
            parts: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name', 'port'], items: { type: 'object', required: ['name'], properties: { name: { type: 'string' }, port: { type: 'integer', default: 80 }, v: { type: 'string' } } } },
            whole: { type: 'object', additionalProperties: { type: 'string' }, 'x-kubernetes-map-type': 'atomic' },
          } },
          status: { type: 'object', properties: { n: { type: 'integer' } } },
        } } } }],
      },
    };
    assert.equal((await s.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition)).code, 201);
    const path = '/apis/example.com/v1/namespaces/default/things';
    while ((await s.get(path)).code !== 200) {
      await new Promise((resolve) => { setTimeout(resolve, 10); });
    }
    const thing = (spec: Record<string, unknown>): unknown => ({ apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 't' }, spec });
    const made = await apply(`${path}/t`, thing({ free: { a: { b: [1] } }, tags: ['x'], parts: [{ name: 'p', v: '1' }], whole: { a: '1' } }), 'fieldManager=a');
    assert.equal(made.code, 201, made.text);
    assert.deepEqual(owners(made.json), { 'a Apply': { 'f:spec': {
      'f:free': { 'f:a': { '.': {}, 'f:b': {} } }, 'f:tags': { 'v:"x"': {} }, 'f:whole': {}, 'f:parts': { 'k:{"name":"p","port":80}': { '.': {}, 'f:name': {}, 'f:v': {} } },
    } } }, 'defaults of the schema are nobody\'s');
    const refused = await apply(`${path}/t`, thing({ parts: [{ name: 'p', v: '2' }], whole: { b: '1' }, free: { c: 1 }, tags: ['y'] }), 'fieldManager=b');
    assert.deepEqual((at(refused.json, 'details', 'causes') as { field: string }[]).map(({ field }) => field), ['.spec.parts[name="p",port=80].v', '.spec.whole']);
    assert.equal((await apply(`${path}/t`, thing({ parts: [{ name: 'p', port: 81 }], tags: ['y'] }), 'fieldManager=b')).code, 200);
    const left = await apply(`${path}/t`, thing({ mode: 'wild' }), 'fieldManager=a');
    assert.deepEqual(at(left.json, 'spec'), { tags: ['y'], parts: [{ name: 'p', port: 81 }], mode: 'wild' });
    const status = await apply(`${path}/t/status`, { ...Object(thing({ mode: 'x' })), status: { n: 1 } }, 'fieldManager=c');
    assert.deepEqual([at(status.json, 'status', 'n'), at(status.json, 'spec', 'mode')], [1, 'wild']);
    const wrong = await apply(`${path}/t`, thing({ mode: 3, other: 1 }), 'fieldManager=a');
    assert.match(String(wrong.json['message']), /\.spec\.mode: expected string, got .*\n {2}\.spec\.other: field not declared in schema$/);
    const posted = await s.post(path, { apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 'u', labels: { l: '1' } }, spec: { mode: 'x' } });
    assert.deepEqual(owners(posted.json), { 'unknown Update': { 'f:metadata': { 'f:labels': { '.': {}, 'f:l': {} } }, 'f:spec': { '.': {}, 'f:mode': {} } } });
  });

  it('holds through another version of the same objects', async () => {
    const hpa = (minReplicas: number): unknown => ({
      apiVersion: 'autoscaling/v1', kind: 'HorizontalPodAutoscaler', metadata: { name: 'h' },
      spec: { minReplicas, maxReplicas: 5, targetCPUUtilizationPercentage: 50, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } },
    });
    assert.equal((await apply(`${HPAS}/h`, hpa(1), 'fieldManager=a')).code, 201);
    const v2 = await s.get(`${HPAS.replace('v1', 'v2')}/h`);
    assert.equal(at(v2.json, 'metadata', 'managedFields', 0, 'apiVersion'), 'autoscaling/v1');
    const again = await apply(`${HPAS}/h`, hpa(2), 'fieldManager=a');
    assert.equal(again.code, 200, again.text);
    assert.equal(at(again.json, 'spec', 'minReplicas'), 2);
    const target = { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name: 'h' },
      spec: { maxReplicas: 5, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
        metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } }] } };
    const refused = await apply(`${HPAS.replace('v1', 'v2')}/h`, target, 'fieldManager=b');
    assert.equal(refused.json['message'], 'Apply failed with 1 conflict: conflict with "a": .spec.targetCPUUtilizationPercentage', 'in the version in which it is owned');
    assert.equal((await apply(`${HPAS.replace('v1', 'v2')}/h`, target, 'fieldManager=b&force=true')).code, 200);
    const back = await apply(`${HPAS}/h`, hpa(2), 'fieldManager=a');
    assert.equal(back.json['message'], 'Apply failed with 1 conflict: conflict with "b": .spec.metrics');
    const { json } = await s.get(`${HPAS}/h`);
    assert.equal(at(owners(json)['a Apply'], 'f:spec', 'f:targetCPUUtilizationPercentage'), undefined);
  });

  it('races fairly: of many first applications each finds its place', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, (_, index) => apply(`${CMS}/race`, configMap('race', { [`k${index}`]: 'v' }), `fieldManager=m${index}`)));
    assert.deepEqual(answers.map(({ code }) => code).toSorted((a, b) => a - b), [200, 200, 200, 200, 200, 200, 200, 201]);
    assert.equal(Object.keys(Object(at((await s.get(`${CMS}/race`)).json, 'data'))).length, 8);
  });
});

describe('managed fields', () => {
  let s: TestServer;
  before(async () => { s = await TestServer.start(); });
  after(() => s.close());

  const entries = async (path: string): Promise<unknown> => at((await s.get(path)).json, 'metadata', 'managedFields');
  const patch = (path: string, body: unknown, manager: string, type = 'application/merge-patch+json'): Promise<Reply> =>
    s.ask({ method: 'PATCH', path: `${path}?fieldManager=${manager}`, body, headers: { 'content-type': type } });

  it('name who wrote: what the client says, its User-Agent, or nobody known', async () => {
    await s.post(`${CMS}?fieldManager=me`, configMap('said'));
    await s.post(CMS, configMap('agent'), { 'user-agent': 'kubectl/v1.36.0 (linux/amd64) kubernetes/abc' });
    await s.post(CMS, configMap('nobody'));
    assert.equal(at(await entries(`${CMS}/said`), 0, 'manager'), 'me');
    assert.equal(at(await entries(`${CMS}/agent`), 0, 'manager'), 'kubectl');
    assert.equal(at(await entries(`${CMS}/nobody`), 0, 'manager'), 'unknown');
    const long = await s.post(CMS, configMap('long'), { 'user-agent': `${'x'.repeat(500)}/1` });
    assert.equal(String(at(long.json, 'metadata', 'managedFields', 0, 'manager')).length, 128);
  });

  it('are the client\'s part of a pod, not what the server adds', async () => {
    const made = await s.post(PODS, pod('p'));
    const fields = at(made.json, 'metadata', 'managedFields', 0, 'fieldsV1');
    assert.deepEqual(Object.keys(Object(fields)), ['f:spec']);
    assert.ok(at(fields, 'f:spec', 'f:restartPolicy'), 'defaults are the creator\'s');
    assert.equal(at(fields, 'f:spec', 'f:tolerations'), undefined, 'what admission adds is nobody\'s');
    assert.equal(at(fields, 'f:status'), undefined);
  });

  it('are noted apart for /status, and stay as they are when nothing changes', async () => {
    await s.post(`${DEPLOYMENTS}?fieldManager=me`, deployment('apart'));
    await patch(`${DEPLOYMENTS}/apart/status`, { status: { replicas: 2 } }, 'ctl');
    const noted = await entries(`${DEPLOYMENTS}/apart`);
    assert.deepEqual(at(noted, 0), { manager: 'ctl', operation: 'Update', apiVersion: 'apps/v1', time: at(noted, 0, 'time'), fieldsType: 'FieldsV1', fieldsV1: { 'f:status': { 'f:replicas': {} } }, subresource: 'status' });
    const version = at((await s.get(`${DEPLOYMENTS}/apart`)).json, 'metadata', 'resourceVersion');
    const idle = await patch(`${DEPLOYMENTS}/apart/status`, { status: { replicas: 2 } }, 'other');
    assert.equal(at(idle.json, 'metadata', 'resourceVersion'), version);
    const put = await s.put(`${DEPLOYMENTS}/apart`, (await s.get(`${DEPLOYMENTS}/apart`)).json);
    assert.equal(at(put.json, 'metadata', 'resourceVersion'), version);
  });

  it('survive clients that do not know them, and can be rewritten by those that do', async () => {
    await s.post(`${CMS}?fieldManager=me`, configMap('csa'));
    const before = await entries(`${CMS}/csa`);
    const { json } = await s.get(`${CMS}/csa`);
    Reflect.deleteProperty(Object(json['metadata']), 'managedFields');
    assert.deepEqual(at((await s.put(`${CMS}/csa`, json)).json, 'metadata', 'managedFields'), before);
    const version = at(json, 'metadata', 'resourceVersion');
    // What kubectl sends when it moves an object from client-side to server-side apply.
    const upgrade = [
      { op: 'replace', path: '/metadata/managedFields', value: [{ manager: 'kubectl', operation: 'Apply', apiVersion: 'v1', time: '2026-01-01T00:00:00Z', fieldsType: 'FieldsV1', fieldsV1: { 'f:data': { 'f:a': {} } } }] },
      { op: 'replace', path: '/metadata/resourceVersion', value: version },
    ];
    const stale = await patch(`${CMS}/csa`, [upgrade[0], { ...upgrade[1], value: '1' }], 'kubectl', 'application/json-patch+json');
    assert.equal(stale.code, 409);
    const upgraded = await patch(`${CMS}/csa`, upgrade, 'kubectl', 'application/json-patch+json');
    assert.equal(upgraded.code, 200, upgraded.text);
    assert.deepEqual(at(upgraded.json, 'metadata', 'managedFields'), [{ manager: 'kubectl', operation: 'Apply', apiVersion: 'v1', time: '2026-01-01T00:00:00Z', fieldsType: 'FieldsV1', fieldsV1: { 'f:data': { 'f:a': {} } } }]);
    const unprintable = await patch(`${CMS}/csa`, { metadata: { managedFields: [{ manager: 'a\u0007', operation: 'Apply', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: { 'f:data': {} } }] } }, 'x');
    assert.match(String(unprintable.json['message']), /metadata\.managedFields\[0\]\.manager: Invalid value: "a\\u0007": invalid character U\+0007 \(at position 1\)/);
    const reset = await patch(`${CMS}/csa`, { metadata: { managedFields: [{}] } }, 'x');
    assert.equal(at(reset.json, 'metadata', 'managedFields'), undefined);
    await patch(`${CMS}/csa`, { data: { b: '1' } }, 'x');
    assert.equal(await entries(`${CMS}/csa`), undefined);
  });

  it('let kubectl take over what its own client-side apply wrote', async () => {
    const config = configMap('moved', { a: '1', b: '1' });
    const annotated = { ...config, metadata: { name: 'moved', annotations: { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(config) } } };
    await s.post(`${CMS}?fieldManager=kubectl-client-side-apply`, annotated);
    const ask = (manager: string, data: Record<string, string>): Promise<Reply> =>
      s.ask({ method: 'PATCH', path: `${CMS}/moved?fieldManager=${manager}`, body: configMap('moved', data), headers: { 'content-type': 'application/apply-patch+yaml' } });
    assert.equal((await ask('other', { a: '2' })).code, 409);
    const moved = await ask('kubectl', { a: '2', b: '1' });
    assert.equal(moved.code, 200, moved.text);
    const annotation = at(moved.json, 'metadata', 'annotations', 'kubectl.kubernetes.io/last-applied-configuration');
    assert.equal(annotation, '{"apiVersion":"v1","data":{"a":"2","b":"1"},"kind":"ConfigMap","metadata":{"name":"moved"}}\n');
    await patch(`${CMS}/moved`, { data: { b: 'changed by hand' } }, 'hand');
    assert.equal((await ask('kubectl', { a: '2', b: '3' })).json['message'], 'Apply failed with 1 conflict: conflict with "hand" using v1: .data.b');
  });
});
