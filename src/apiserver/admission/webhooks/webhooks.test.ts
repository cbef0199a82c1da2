import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { at, TestServer, type Reply } from '../../testing/harness.ts';
import { patchResponse, WebhookServer, type Asked, type Reaction } from '../../testing/webhookserver.ts';

const API = '/apis/admissionregistration.k8s.io/v1';
const MAPS = '/api/v1/namespaces/default/configmaps';
const RULES = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE', 'DELETE'], resources: ['configmaps'] }];

const denial = (status: Record<string, unknown>): Reaction => ({ response: { allowed: false, status } });

describe('webhooks', () => {
  let s: TestServer;
  let hook: WebhookServer;
  const made: string[] = [];

  before(async () => {
    s = await TestServer.start();
    hook = await WebhookServer.start(['hooks.default.svc']);
  });
  after(async () => {
    await s.close();
    await hook.close();
  });
  afterEach(async () => {
    for (const path of made.splice(0)) {
      assert.equal((await s.delete(path)).code, 200);
    }
    hook.asked.length = 0;
    hook.react = () => ({ response: { allowed: true } });
  });

  const add = async (plural: string, name: string, webhooks: readonly Record<string, unknown>[]): Promise<void> => {
    const reply = await s.post(`${API}/${plural}`, {
      metadata: { name }, webhooks: webhooks.map((one) => ({
        name: 'check.example.com', clientConfig: { url: hook.url('/check'), caBundle: hook.caBundle }, rules: RULES, sideEffects: 'None', admissionReviewVersions: ['v1'], ...one,
      })),
    });
    assert.equal(reply.code, 201, reply.text);
    made.push(`${API}/${plural}/${name}`);
  };
  const validating = (...webhooks: readonly Record<string, unknown>[]): Promise<void> => add('validatingwebhookconfigurations', 'validating', webhooks);
  const mutating = (...webhooks: readonly Record<string, unknown>[]): Promise<void> => add('mutatingwebhookconfigurations', 'mutating', webhooks);
  let count = 0;
  const create = (data: Record<string, string> = {}, query = ''): Promise<Reply> => {
    count += 1;
    return s.post(`${MAPS}${query}`, { metadata: { name: `map-${count}`, labels: { n: String(count) } }, data });
  };
  const only = (): Asked => {
    assert.equal(hook.asked.length, 1);
    const [asked] = hook.asked;
    assert.ok(asked !== undefined);
    return asked;
  };

  it('are told everything of a request', async () => {
    await validating({});
    const reply = await create({ a: 'b' });
    assert.equal(reply.code, 201, reply.text);
    const { path, request } = only();
    assert.equal(path, '/check?timeout=10s');
    const { uid, userInfo, object, options, ...rest } = request;
    assert.match(String(uid), /^[0-9a-f-]{36}$/);
    assert.equal(at(userInfo, 'username'), 'kubernetes-admin');
    assert.deepEqual([at(object, 'kind'), at(object, 'data')], ['ConfigMap', { a: 'b' }]);
    assert.equal(at(options, 'kind'), 'CreateOptions');
    const [kind, resource] = [{ group: '', version: 'v1', kind: 'ConfigMap' }, { group: '', version: 'v1', resource: 'configmaps' }];
    assert.deepEqual(rest, {
      kind, resource, requestKind: kind, requestResource: resource, name: `map-${count}`, namespace: 'default', operation: 'CREATE', dryRun: false, oldObject: null,
    });
  });

  it('are shown the old object of a deletion, and no new one', async () => {
    const name = String(at((await create()).json, 'metadata', 'name'));
    await validating({});
    await s.delete(`${MAPS}/${name}`);
    const { request } = only();
    assert.deepEqual([request['operation'], request['object'], at(request['oldObject'], 'metadata', 'name')], ['DELETE', null, name]);
  });

  it('refuse with their own words and codes', async () => {
    await validating({});
    hook.react = () => denial({ code: 403, message: 'not on Fridays', reason: 'Forbidden' });
    const reply = await create();
    assert.deepEqual([reply.code, reply.json['message'], reply.json['reason']], [403, 'admission webhook "check.example.com" denied the request: not on Fridays', 'Forbidden']);
    hook.react = () => denial({});
    const silent = await create();
    assert.deepEqual([silent.code, silent.json['message']], [400, 'admission webhook "check.example.com" denied the request without explanation']);
    hook.react = () => denial({ code: 200, reason: 'Expired', details: { name: 'x' } });
    const odd = await create();
    assert.deepEqual([odd.code, odd.json['message'], at(odd.json, 'details', 'name')], [400, 'admission webhook "check.example.com" denied the request: Expired', 'x']);
  });

  it('change objects by JSON patches, which then are validated', async () => {
    await mutating({});
    hook.react = () => patchResponse([{ op: 'add', path: '/metadata/annotations', value: { 'by/hook': 'yes' } }]);
    const reply = await create({ a: 'b' });
    assert.deepEqual([reply.code, at(reply.json, 'metadata', 'annotations'), at(reply.json, 'data')], [201, { 'by/hook': 'yes' }, { a: 'b' }]);
    hook.react = () => patchResponse([{ op: 'add', path: '/data', value: { '!': 'x' } }]);
    assert.match((await create()).text, /a valid config key must consist of/);
    hook.react = () => patchResponse([{ op: 'remove', path: '/nothing' }]);
    const failed = await create();
    assert.equal(failed.code, 500);
    assert.match(String(failed.json['message']), /^Internal error occurred: remove operation does not apply/);
    hook.react = () => patchResponse([{ op: 'replace', path: '/metadata/name', value: 'other' }]);
    assert.match((await create()).text, /metadata.name: Invalid value: \\"other\\": field is immutable/);
  });

  it('see what those before them changed, and once more when they ask for it', async () => {
    const first = { name: 'first.example.com', clientConfig: { url: hook.url('/first'), caBundle: hook.caBundle }, reinvocationPolicy: 'IfNeeded' };
    const second = { name: 'second.example.com', clientConfig: { url: hook.url('/second'), caBundle: hook.caBundle } };
    await mutating(first, second);
    hook.react = ({ path, request }) => (path.startsWith('/second') ? patchResponse([{ op: 'add', path: '/metadata/annotations', value: { second: 'was here' } }])
      : at(request['object'], 'metadata', 'annotations', 'second') === undefined ? { response: { allowed: true } }
        : patchResponse([{ op: 'add', path: '/metadata/annotations/first', value: 'saw it' }]));
    const reply = await create();
    assert.deepEqual(at(reply.json, 'metadata', 'annotations'), { second: 'was here', first: 'saw it' });
    assert.deepEqual(hook.asked.map(({ path }) => path.replace(/\?.*/, '')), ['/first', '/second', '/first'], 'the second does not ask to be called again');
  });

  it('are passed over when they fail and may, and end the request when they may not', async () => {
    const refused = { clientConfig: { url: 'https://127.0.0.1:1/x', caBundle: hook.caBundle } };
    await validating({ ...refused, failurePolicy: 'Ignore' });
    assert.equal((await create()).code, 201);
    await add('validatingwebhookconfigurations', 'strict', [{ ...refused }]);
    const reply = await create();
    assert.deepEqual([reply.code, reply.json['message']],
      [500, 'Internal error occurred: failed calling webhook "check.example.com": failed to call webhook: Post "https://127.0.0.1:1/x?timeout=10s": dial tcp 127.0.0.1:1: connect: connection refused']);
  });

  const FAILURES: readonly [string, () => Reaction, RegExp][] = [
    ['an error', () => ({ code: 500, text: 'boom' }), /failed to call webhook: an error on the server \("boom"\) has prevented the request from succeeding$/],
    ['no such path', () => ({ code: 404, text: '' }), /failed to call webhook: the server could not find the requested resource$/],
    ['no JSON', () => ({ code: 200, text: 'hello' }), /failed to call webhook: couldn't get version\/kind; json parse error: /],
    ['no review', () => ({ code: 200, text: '{}' }), /received invalid webhook response: expected webhook response of admission.k8s.io\/v1, Kind=AdmissionReview, got /],
    ['another uid', () => ({ response: { allowed: true, uid: 'x' } }), /received invalid webhook response: expected response.uid="[0-9a-f-]+", got "x"$/],
    ['a patch', () => patchResponse([]), /received invalid webhook response: webhook returned response.patch, which is not allowed for validating webhooks$/],
    ['an endless answer', () => ({ code: 200, text: 'x'.repeat(7 * 1024 * 1024) }), /the answer is longer than 6291456 bytes$/],
  ];
  for (const [what, reaction, message] of FAILURES) {
    it(`fail when they answer with ${what}`, async () => {
      await validating({});
      hook.react = reaction;
      const reply = await create();
      assert.equal(reply.code, 500);
      assert.match(String(reply.json['message']), /^Internal error occurred: failed calling webhook "check.example.com": /);
      assert.match(String(reply.json['message']), message);
    });
  }

  it('have a time to answer', async () => {
    await validating({ timeoutSeconds: 1 });
    hook.react = () => 'hang';
    assert.match(String((await create()).json['message']), /Post "https:\/\/127.0.0.1:\d+\/check\?timeout=1s": context deadline exceeded$/);
  });

  it('must be who their certificate says', async () => {
    const stranger = await WebhookServer.start();
    try {
      await validating({ clientConfig: { url: hook.url(), caBundle: stranger.caBundle } });
      assert.match(String((await create()).json['message']), /tls: failed to verify certificate: x509: certificate signed by unknown authority$/);
    } finally {
      await stranger.close();
    }
  });

  it('are found by the name of a service, which is also the name of their certificate', async () => {
    await s.post('/api/v1/namespaces/default/services', {
      apiVersion: 'v1', kind: 'Service', metadata: { name: 'hooks' }, spec: { type: 'ExternalName', externalName: 'localhost', ports: [{ port: hook.port }] },
    });
    await validating({ clientConfig: { service: { namespace: 'default', name: 'hooks', port: hook.port, path: '/by-service' }, caBundle: hook.caBundle } });
    assert.equal((await create()).code, 201);
    assert.deepEqual([only().servername, only().path], ['hooks.default.svc', '/by-service?timeout=10s']);
    await add('validatingwebhookconfigurations', 'lost', [{ clientConfig: { service: { namespace: 'default', name: 'nowhere' }, caBundle: hook.caBundle } }]);
    assert.match(String((await create()).json['message']), /failed to call webhook: Post "https:\/\/nowhere.default.svc:443\/\?timeout=10s": service "nowhere" not found$/);
  });

  it('warn and annotate', async () => {
    await validating({});
    hook.react = () => ({ response: { allowed: true, warnings: ['think twice'], auditAnnotations: { key: 'value' } } });
    assert.deepEqual((await create()).headers['warning'], '299 - "think twice"');
  });

  it('are left out of what their selectors and conditions do not mean', async () => {
    await validating({ objectSelector: { matchLabels: { wanted: 'yes' } } });
    await add('validatingwebhookconfigurations', 'conditional', [{ matchConditions: [{ name: 'big', expression: "object != null && size(object.data) > 1" }] }]);
    await add('validatingwebhookconfigurations', 'elsewhere', [{ namespaceSelector: { matchLabels: { nowhere: 'yes' } } }]);
    assert.equal((await create({ a: '1' })).code, 201);
    assert.equal(hook.asked.length, 0);
    assert.equal((await create({ a: '1', b: '2' })).code, 201);
    assert.equal(hook.asked.length, 1);
    // The condition cannot be evaluated: no data.
    const reply = await s.post(MAPS, { metadata: { name: 'empty' } });
    assert.deepEqual([reply.code, reply.json['message']], [403, `configmaps "empty" is forbidden: expression 'object != null && size(object.data) > 1' resulted in error: no such key: data`]);
  });

  it('are not called for dry runs that they cannot take', async () => {
    await validating({ sideEffects: 'NoneOnDryRun' });
    assert.equal((await create({}, '?dryRun=All')).code, 201);
    assert.equal(only().request['dryRun'], true);
  });

  it('are not asked about webhooks and policies', async () => {
    await validating({ clientConfig: { url: 'https://127.0.0.1:1/x' }, rules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*'] }] });
    assert.equal((await create()).code, 500);
    const path = `${API}/validatingwebhookconfigurations/validating`;
    assert.equal((await s.delete(path)).code, 200, 'or nobody could ever remove it');
    made.length = 0;
    assert.equal((await create()).code, 201);
  });

  it('see other versions of a kind where they know only those', async () => {
    await validating({ rules: [{ apiGroups: ['events.k8s.io'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['events'] }] });
    const event = { metadata: { name: 'e1' }, involvedObject: { kind: 'Pod', name: 'x', namespace: 'default' }, reason: 'Testing', message: 'm', type: 'Normal' };
    const reply = await s.post('/api/v1/namespaces/default/events', { apiVersion: 'v1', kind: 'Event', ...event });
    assert.equal(reply.code, 201, reply.text);
    const { request } = only();
    assert.deepEqual([request['kind'], request['requestKind']], [{ group: 'events.k8s.io', version: 'v1', kind: 'Event' }, { group: '', version: 'v1', kind: 'Event' }]);
    assert.deepEqual([at(request['object'], 'apiVersion'), at(request['object'], 'note')], ['events.k8s.io/v1', 'm']);
  });
});
