import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { at, pod, TestServer, type Reply } from '../../testing/harness.ts';

const API = '/apis/admissionregistration.k8s.io/v1';
const MAPS = '/api/v1/namespaces/default/configmaps';
const rules = (resources: string, operations: readonly string[] = ['CREATE', 'UPDATE'], group = ''): Record<string, unknown> =>
  ({ resourceRules: [{ apiGroups: [group], apiVersions: ['v1'], operations, resources: [resources] }] });

describe('admission policies', () => {
  let s: TestServer;
  const made: string[] = [];
  let count = 0;

  before(async () => {
    s = await TestServer.start();
  });
  after(() => s.close());
  afterEach(async () => {
    for (const path of made.splice(0)) {
      await s.delete(path);
    }
  });

  const post = async (plural: string, name: string, spec: Record<string, unknown>): Promise<void> => {
    const reply = await s.post(`${API}/${plural}`, { metadata: { name }, spec });
    assert.equal(reply.code, 201, reply.text);
    made.push(`${API}/${plural}/${name}`);
  };
  const validating = async (spec: Record<string, unknown>, binding: Record<string, unknown> = {}): Promise<void> => {
    await post('validatingadmissionpolicies', 'p', { matchConstraints: rules('configmaps'), validations: [{ expression: 'true' }], ...spec });
    await post('validatingadmissionpolicybindings', 'b', { policyName: 'p', validationActions: ['Deny'], ...binding });
  };
  const mutating = async (name: string, spec: Record<string, unknown>, binding: Record<string, unknown> = {}): Promise<void> => {
    await post('mutatingadmissionpolicies', name, { matchConstraints: rules('configmaps'), reinvocationPolicy: 'Never', ...spec });
    await post('mutatingadmissionpolicybindings', name, { policyName: name, ...binding });
  };
  const configure = (expression: string): Record<string, unknown> => ({ patchType: 'ApplyConfiguration', applyConfiguration: { expression } });
  const patch = (expression: string): Record<string, unknown> => ({ patchType: 'JSONPatch', jsonPatch: { expression } });
  const create = (data: Record<string, string> = {}, metadata: Record<string, unknown> = {}): Promise<Reply> => {
    count += 1;
    return s.post(MAPS, { metadata: { name: `map-${count}`, ...metadata }, data });
  };
  const message = (reply: Reply): string => String(reply.json['message']).replace(/^configmaps "map-\d+" is forbidden: /, '');
  const DENIED = "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: ";

  it('refuse what their expressions do not allow', async () => {
    await validating({ validations: [{ expression: "object.data.?level.orValue('') != 'high'" }] });
    assert.equal((await create({ level: 'low' })).code, 201);
    const reply = await create({ level: 'high' });
    assert.deepEqual([reply.code, reply.json['reason'], message(reply)], [422, 'Invalid', `${DENIED}failed expression: object.data.?level.orValue('') != 'high'`]);
    assert.deepEqual(at(reply.json, 'details'), { name: `map-${count}`, kind: 'configmaps', causes: [{ message: `${DENIED}failed expression: object.data.?level.orValue('') != 'high'` }] });
  });

  const MESSAGES: readonly (readonly [what: string, validation: Record<string, unknown>, message: string, code: number])[] = [
    ['a message', { message: 'no way' }, 'no way', 422],
    ['a message expression', { message: 'no', messageExpression: "'no ' + object.data.x" }, 'no 1', 422],
    ['a message expression that fails', { message: 'fallback', messageExpression: 'object.data.nothing' }, 'fallback', 422],
    ['a message expression of several lines', { messageExpression: "'a\\nb'" }, 'failed expression: false', 422],
    ['a reason', { message: 'm', reason: 'Forbidden' }, 'm', 403],
    ['another reason', { message: 'm', reason: 'RequestEntityTooLarge' }, 'm', 413],
  ];
  for (const [what, validation, text, code] of MESSAGES) {
    it(`say why by ${what}`, async () => {
      await validating({ validations: [{ expression: 'false', ...validation }] });
      const reply = await create({ x: '1' });
      assert.deepEqual([reply.code, message(reply)], [code, `${DENIED}${text}`]);
    });
  }

  it('see the request, the namespace, variables, and what the user may do', async () => {
    const seen: readonly string[] = [
      "request.operation == 'CREATE' && request.kind.kind == 'ConfigMap' && request.resource.resource == 'configmaps' && request.name.startsWith('map-')",
      "request.userInfo.username == 'kubernetes-admin' && 'system:masters' in request.userInfo.groups && !request.dryRun && request.options.kind == 'CreateOptions'",
      "namespaceObject.metadata.name == 'default' && namespaceObject.metadata.labels['kubernetes.io/metadata.name'] == 'default'", 'oldObject == null', 'variables.two == 2 && variables.four == 4',
      "authorizer.group('').resource('secrets').namespace('default').check('get').allowed()", "authorizer.requestResource.check('create').allowed()",
      "!authorizer.serviceAccount('default', 'default').group('').resource('secrets').namespace('default').check('get').allowed()",
    ];
    await validating({ variables: [{ name: 'two', expression: '1 + 1' }, { name: 'four', expression: 'variables.two * 2' }], validations: seen.map((expression) => ({ expression })) });
    const reply = await create();
    assert.equal(reply.code, 201, reply.text);
  });

  it('see the old object of updates and deletions', async () => {
    const name = String(at((await create({ x: '1' })).json, 'metadata', 'name'));
    await validating({ matchConstraints: rules('configmaps', ['UPDATE', 'DELETE']), validations: [{ expression: "request.operation == 'DELETE' ? oldObject.data.x == '2' : object.data.x == oldObject.data.x" }] });
    const changed = await s.put(`${MAPS}/${name}`, { metadata: { name }, data: { x: '2' } });
    assert.equal(changed.code, 422);
    assert.equal((await s.delete(`${MAPS}/${name}`)).code, 422);
  });

  it('fail as their failure policy says', async () => {
    await validating({ validations: [{ expression: 'object.data.nothing == 1' }] });
    assert.equal(message(await create({ x: '1' })), `${DENIED}expression 'object.data.nothing == 1' resulted in error: no such key: nothing`);
    await s.delete(made.pop() ?? '');
    await s.delete(made.pop() ?? '');
    await validating({ failurePolicy: 'Ignore', validations: [{ expression: 'object.data.nothing == 1' }] });
    assert.equal((await create()).code, 201);
  });

  it('warn where they may only warn', async () => {
    await validating({ validations: [{ expression: 'false', message: 'mind the gap' }] }, { validationActions: ['Warn', 'Audit'] });
    const reply = await create();
    assert.deepEqual([reply.code, reply.headers['warning']], [201, `299 - "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': mind the gap"`]);
  });

  it('do not look at what their conditions leave out', async () => {
    await validating({ matchConditions: [{ name: 'marked', expression: "has(object.metadata.labels) && 'marked' in object.metadata.labels" }], validations: [{ expression: 'false' }] });
    assert.equal((await create()).code, 201);
    assert.equal((await create({}, { labels: { marked: '' } })).code, 422);
  });

  it('hold only where bindings and selectors put them', async () => {
    await s.post('/api/v1/namespaces', { metadata: { name: 'strict', labels: { level: 'strict' } } });
    await validating({ validations: [{ expression: 'false' }] }, {
      matchResources: { namespaceSelector: { matchLabels: { level: 'strict' } }, excludeResourceRules: [{ resourceNames: ['free'], apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*'] }] },
    });
    assert.equal((await create()).code, 201);
    const inStrict = (name: string): Promise<Reply> => s.post('/api/v1/namespaces/strict/configmaps', { metadata: { name } });
    assert.equal((await inStrict('bound')).code, 422);
    assert.equal((await inStrict('free')).code, 201);
    await s.delete(made.pop() ?? '');
    assert.equal((await inStrict('unbound')).code, 201, 'a policy without a binding does nothing');
  });

  it('take parameters by name and by selector', async () => {
    const spec = { paramKind: { apiVersion: 'v1', kind: 'ConfigMap' }, validations: [{ expression: 'int(object.data.n) <= int(params.data.max)', messageExpression: "'at most ' + params.data.max" }] };
    await create({ max: '5' }, { name: 'limit', labels: { limits: 'yes' } });
    await create({ max: '3' }, { name: 'lower', labels: { limits: 'yes' } });
    await validating(spec, { paramRef: { name: 'limit', namespace: 'default', parameterNotFoundAction: 'Deny' } });
    assert.equal((await create({ n: '5' })).code, 201);
    assert.equal(message(await create({ n: '6' })), `${DENIED}at most 5`);
    await s.delete(made.pop() ?? '');
    await post('validatingadmissionpolicybindings', 'b', { policyName: 'p', validationActions: ['Deny'], paramRef: { selector: { matchLabels: { limits: 'yes' } }, parameterNotFoundAction: 'Deny' } });
    assert.equal(message(await create({ n: '4' })), `${DENIED}at most 3`, 'each parameter is looked at');
    await s.delete(`${MAPS}/limit`);
    await s.delete(`${MAPS}/lower`);
    assert.equal(message(await create({ n: '9' })), `${DENIED}failed to configure binding: no params found for policy binding with \`Deny\` parameterNotFoundAction`);
    await s.delete(made.pop() ?? '');
    await post('validatingadmissionpolicybindings', 'b', { policyName: 'p', validationActions: ['Deny'], paramRef: { name: 'nowhere', parameterNotFoundAction: 'Allow' } });
    assert.equal((await create({ n: '9' })).code, 201);
  });

  it('see subresources', async () => {
    await validating({ matchConstraints: rules('pods/status', ['UPDATE']), validations: [{ expression: "request.subResource == 'status' && object.status.phase != 'Failed'" }] });
    assert.equal((await s.post('/api/v1/namespaces/default/pods', pod('seen'))).code, 201);
    const status = (phase: string): Promise<Reply> => s.ask({ method: 'PATCH', path: '/api/v1/namespaces/default/pods/seen/status', body: { status: { phase } }, headers: { 'content-type': 'application/merge-patch+json' } });
    assert.equal((await status('Running')).code, 200);
    assert.equal((await status('Failed')).code, 422);
  });

  it('see what subresources are given, each in its own kind', async () => {
    const PODS = '/api/v1/namespaces/default/pods';
    await s.post(PODS, pod('entered'));
    await s.post('/apis/apps/v1/namespaces/default/deployments', {
      metadata: { name: 'scaled' }, spec: { replicas: 1, selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'x:1' }] } } },
    });
    const rows: readonly (readonly [resource: string, group: string, operation: string, expression: string, ask: () => Promise<Reply>])[] = [
      ['pods/exec', '', 'CONNECT', "object.kind == 'PodExecOptions' && object.command == ['ls'] && request.kind.kind == 'PodExecOptions' && request.name == 'entered' && oldObject == null && request.options == null",
        () => s.get(`${PODS}/entered/exec?command=ls&stdout=true`, {
          connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==', 'sec-websocket-version': '13', 'sec-websocket-protocol': 'v5.channel.k8s.io',
        })],
      ['pods/eviction', '', 'CREATE', "object.kind == 'Eviction' && request.kind.group == 'policy' && request.resource.resource == 'pods'",
        () => s.post(`${PODS}/entered/eviction`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'entered', namespace: 'default' } })],
      ['deployments/scale', 'apps', 'UPDATE', "object.kind == 'Scale' && object.spec.replicas == 3 && oldObject.spec.replicas == 1 && request.kind.kind == 'Scale'",
        () => s.patch('/apis/apps/v1/namespaces/default/deployments/scaled/scale', { spec: { replicas: 3 } })],
    ];
    for (const [resource, group, operation, expression, ask] of rows) {
      // Refused when it is what it should be: then the policy has surely seen it.
      await validating({ matchConstraints: rules(resource, [operation], group), validations: [{ expression: `!(${expression})`, message: 'seen' }] });
      assert.match((await ask()).text, /denied request: seen/, resource);
      await s.delete(made.pop() ?? '');
      await s.delete(made.pop() ?? '');
    }
  });

  it('change the number of replicas that is asked for', async () => {
    await mutating('m', { matchConstraints: rules('deployments/scale', ['UPDATE'], 'apps'), mutations: [configure('Object{spec: Object.spec{replicas: object.spec.replicas * 2}}')] });
    const reply = await s.patch('/apis/apps/v1/namespaces/default/deployments/scaled/scale', { spec: { replicas: 4 } });
    assert.deepEqual([reply.code, at(reply.json, 'kind'), at(reply.json, 'spec', 'replicas')], [200, 'Scale', 8], reply.text);
  });

  it('spend no more than their budget', async () => {
    await validating({ validations: [{ expression: '[0,1,2,3,4,5,6,7,8,9].all(a, [0,1,2,3,4,5,6,7,8,9].all(b, [0,1,2,3,4,5,6,7,8,9].all(c, [0,1,2,3,4,5,6,7,8,9].all(d, [0,1,2,3,4,5,6,7,8,9].all(e, [0,1,2,3,4,5,6,7,8,9].all(f, true))))))' }] });
    assert.match(message(await create()), /resulted in error: operation cancelled: actual cost limit exceeded$/);
  });

  it('are refused when their expressions are wrong', async () => {
    const wrong = async (spec: Record<string, unknown>): Promise<string> => String((await s.post(`${API}/validatingadmissionpolicies`, {
      metadata: { name: 'wrong' }, spec: { matchConstraints: rules('configmaps'), validations: [{ expression: 'true' }], ...spec },
    })).json['message']);
    assert.match(await wrong({ validations: [{ expression: 'object.x +' }] }), /spec.validations\[0\].expression: Invalid value: "object.x \+": compilation failed: ERROR: <input>:1:11: Syntax error: mismatched input '<EOF>'/);
    assert.match(await wrong({ validations: [{ expression: '1' }] }), /spec.validations\[0\].expression: Invalid value: "1": must evaluate to bool/);
    assert.match(await wrong({ validations: [{ expression: 'params.x' }] }), /undeclared reference to 'params' \(in container ''\)/);
    assert.match(await wrong({ validations: [{ expression: 'variables.x' }] }), /undefined field 'x'/);
    assert.match(await wrong({ validations: [{ expression: 'request.nope' }] }), /undefined field 'nope'/);
  });

  it('tell in their status of fields that the objects do not have', async () => {
    await post('validatingadmissionpolicies', 'p', {
      matchConstraints: { resourceRules: [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['*'], resources: ['deployments', 'replicasets'] }, { apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*'] }] },
      variables: [{ name: 'spec', expression: 'object.spec' }],
      validations: [{ expression: 'object.replicas > 1', messageExpression: "'is ' + string(variables.spec.replicas)" }, { expression: "variables.spec.replicas > 1 && object.metadata.namespace != ''" }, { expression: "object.spec.strategy.type == 'Recreate'" }],
    });
    const read = async (): Promise<unknown> => (await s.get(`${API}/validatingadmissionpolicies/p`)).json['status'];
    let status = await read();
    for (let round = 0; round < 100 && at(status, 'observedGeneration') === undefined; round += 1) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      status = await read();
    }
    const issue = (kind: string): string => `apps/v1, Kind=${kind}: ERROR: <input>:1:7: undefined field 'replicas'\n | object.replicas > 1\n | ......^`;
    assert.deepEqual(status, { observedGeneration: 1, typeChecking: { expressionWarnings: [
      { fieldRef: 'spec.validations[0].expression', warning: `${issue('Deployment')}\n${issue('ReplicaSet')}\n` },
      { fieldRef: 'spec.validations[2].expression', warning: "apps/v1, Kind=ReplicaSet: ERROR: <input>:1:12: undefined field 'strategy'\n | object.spec.strategy.type == 'Recreate'\n | ...........^\n" },
    ] } });
  });

  it('give nobody parameters that they may not read', async () => {
    const RBAC = '/apis/rbac.authorization.k8s.io/v1';
    await s.post(`${RBAC}/clusterroles`, { metadata: { name: 'policy-writer' }, rules: [{ apiGroups: ['admissionregistration.k8s.io'], resources: ['*'], verbs: ['*'] }] });
    await s.post(`${RBAC}/clusterrolebindings`, { metadata: { name: 'policy-writer' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'policy-writer' }, subjects: [{ kind: 'User', name: 'alice', apiGroup: 'rbac.authorization.k8s.io' }] });
    const alice = { 'impersonate-user': 'alice' };
    const spec = { matchConstraints: rules('configmaps'), validations: [{ expression: 'true' }] };
    const policy = (name: string, paramKind?: Record<string, string>): Promise<Reply> =>
      s.post(`${API}/validatingadmissionpolicies`, { metadata: { name }, spec: { ...spec, ...(paramKind === undefined ? {} : { paramKind }) } }, alice);
    assert.equal((await policy('plain')).code, 201);
    made.push(`${API}/validatingadmissionpolicies/plain`);
    const secrets = await policy('secrets', { apiVersion: 'v1', kind: 'Secret' });
    assert.deepEqual([secrets.code, secrets.json['message']], [422, 'ValidatingAdmissionPolicy.admissionregistration.k8s.io "secrets" is invalid: spec.paramKind: Forbidden: '
      + 'user &{alice  [system:authenticated] map[]} must have "get" permission on all objects of the referenced paramKind (kind=Secret, apiVersion=v1)']);
    await post('validatingadmissionpolicies', 'p', { ...spec, paramKind: { apiVersion: 'v1', kind: 'Secret' } });
    const binding = await s.post(`${API}/validatingadmissionpolicybindings`, {
      metadata: { name: 'peek' }, spec: { policyName: 'p', validationActions: ['Deny'], paramRef: { name: 'key', namespace: 'kube-system', parameterNotFoundAction: 'Deny' } },
    }, alice);
    assert.match(String(binding.json['message']), /spec.paramRef: Forbidden: user &\{alice  \[system:authenticated\] map\[\]\} does not have "get" permission on the object referenced by paramRef$/);
  });

  it('are not subject to themselves', async () => {
    await validating({ matchConstraints: { resourceRules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*'] }] }, validations: [{ expression: 'false' }] });
    assert.equal((await create()).code, 422);
    assert.equal((await s.delete(made.pop() ?? '')).code, 200);
    assert.equal((await create()).code, 201);
  });

  it('change what is written, by merging and by patching', async () => {
    await mutating('m', { mutations: [
      configure("Object{metadata: Object.metadata{labels: {'by': 'policy'}}}"),
      patch("[JSONPatch{op: 'test', path: '/metadata/labels/by', value: 'policy'}, JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey('a/b'), value: 'c'}]"),
      patch("[JSONPatch{op: 'test', path: '/data/x', value: 'other'}, JSONPatch{op: 'remove', path: '/data'}]"),
    ] });
    const reply = await create({ x: '1' }, { labels: { own: 'yes' } });
    assert.equal(reply.code, 201, reply.text);
    assert.deepEqual([at(reply.json, 'metadata', 'labels'), at(reply.json, 'data')], [{ own: 'yes', by: 'policy', 'a/b': 'c' }, { x: '1' }]);
  });

  it('merge lists by their keys and leave atomic ones alone', async () => {
    await mutating('m', { matchConstraints: rules('pods', ['CREATE']), mutations: [configure("Object{spec: Object.spec{containers: object.spec.containers.map(c, Object.spec.containers{name: c.name, env: [Object.spec.containers.env{name: 'ADDED', value: c.name}]})}}")] });
    const reply = await s.post('/api/v1/namespaces/default/pods', pod('merged', { containers: [{ name: 'one', image: 'x:1', env: [{ name: 'OWN', value: '1' }] }] }));
    assert.equal(reply.code, 201, reply.text);
    assert.deepEqual(at(reply.json, 'spec', 'containers', 0, 'env'), [{ name: 'OWN', value: '1' }, { name: 'ADDED', value: 'one' }]);
    await s.delete(made.pop() ?? '');
    await s.delete(made.pop() ?? '');
    await mutating('m', { matchConstraints: rules('pods', ['CREATE']), mutations: [configure("Object{spec: Object.spec{containers: object.spec.containers.map(c, Object.spec.containers{name: c.name, args: ['x']})}}")] });
    const refused = await s.post('/api/v1/namespaces/default/pods', pod('atomic', { containers: [{ name: 'one', image: 'x:1' }] }));
    assert.match(String(refused.json['message']), /^policy 'm' with binding 'm' denied request: error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: \.spec\.containers\[0\]\.args$/);
  });

  it('take whole objects into patches', async () => {
    await mutating('m', { matchConstraints: rules('pods', ['CREATE']), mutations: [patch("[JSONPatch{op: 'add', path: '/spec/containers/-', value: Object.spec.containers{name: 'side', image: 'car:1'}}]")] });
    const reply = await s.post('/api/v1/namespaces/default/pods', pod('patched'));
    assert.deepEqual([at(reply.json, 'spec', 'containers', 1, 'name'), at(reply.json, 'spec', 'containers', 1, 'imagePullPolicy')], ['side', 'IfNotPresent'], reply.text);
  });

  it('know custom resources by their schemas, in every version, as objects and as parameters', async () => {
    const version = (name: string, storage: boolean): Record<string, unknown> => ({
      name, served: true, storage, schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: {
        size: { type: 'integer' }, parts: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'], items: { type: 'object', required: ['name'], properties: { name: { type: 'string' }, color: { type: 'string' } } } },
      } } } } },
    });
    const crd = await s.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      metadata: { name: 'widgets.example.com' }, spec: { group: 'example.com', scope: 'Namespaced', names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' }, versions: [version('v1', true), version('v2', false)] },
    });
    assert.equal(crd.code, 201, crd.text);
    const widgets = rules('widgets', ['CREATE'], 'example.com');
    await mutating('m', { matchConstraints: widgets, mutations: [configure("Object{spec: Object.spec{parts: [Object.spec.parts{name: 'wheel', color: 'red'}]}}")] });
    await validating({ matchConstraints: widgets, paramKind: { apiVersion: 'example.com/v1', kind: 'Widget' }, validations: [{ expression: "params == null || object.spec.size <= params.spec.size" }, { expression: "object.apiVersion == 'example.com/v1' && request.resource.version == 'v1'" }] });
    const create = (name: string, size: number, apiVersion = 'v2'): Promise<Reply> => s.post(`/apis/example.com/${apiVersion}/namespaces/default/widgets`, {
      apiVersion: `example.com/${apiVersion}`, kind: 'Widget', metadata: { name }, spec: { size, parts: [{ name: 'door', color: 'blue' }, { name: 'wheel' }] },
    });
    const largest = await create('largest', 3);
    assert.equal(largest.code, 201, largest.text);
    assert.deepEqual([at(largest.json, 'apiVersion'), at(largest.json, 'spec', 'parts')], ['example.com/v2', [{ name: 'door', color: 'blue' }, { name: 'wheel', color: 'red' }]]);
    await s.delete(made.pop() ?? '');
    await post('validatingadmissionpolicybindings', 'b', { policyName: 'p', validationActions: ['Deny'], paramRef: { name: 'largest', parameterNotFoundAction: 'Deny' } });
    assert.equal((await create('fits', 3)).code, 201);
    assert.match((await create('bulky', 4, 'v1')).text, /failed expression: params == null/);
  });

  const MISTAKES: readonly (readonly [mutation: Record<string, unknown>, message: RegExp])[] = [
    [configure('Object{spec: Object.metadata{}}'), /type mismatch: unexpected type name "Object.metadata", expected "Object.spec", which matches field name path from root Object type$/],
    [configure("Object{data: {'x': object.data.nothing}}"), /resulted in error: no such key: nothing$/],
    [configure('Object{nope: 1}'), /error applying patch: failed to convert patch object to typed object: .*field not declared in schema$/],
    [patch("[JSONPatch{op: 'remove', path: '/nope'}]"), /denied request: JSONPath: remove operation does not apply/],
  ];
  for (const [mutation, expected] of MISTAKES) {
    it(`end requests that they cannot change: ${String(expected)}`, async () => {
      await mutating('m', { mutations: [mutation] });
      const reply = await create({ x: '1' });
      assert.match(String(reply.json['message']), expected);
      assert.equal(reply.code, 403);
    });
  }

  it('pass over what they cannot do when they may', async () => {
    await mutating('m', { failurePolicy: 'Ignore', mutations: [configure("Object{data: {'x': object.data.nothing}}"), configure("Object{data: {'y': '2'}}")] });
    assert.deepEqual(at((await create({ x: '1' })).json, 'data'), { x: '1', y: '2' });
  });

  it('are asked again when later ones changed the object', async () => {
    const counted = "Object{data: {'count': string(int(object.?data.?count.orValue('0')) + 1)}}";
    await mutating('a-again', { reinvocationPolicy: 'IfNeeded', mutations: [configure(counted)] });
    await mutating('b-once', { mutations: [configure("Object{data: {'b': 'was here'}}")] });
    assert.deepEqual(at((await create()).json, 'data'), { count: '2', b: 'was here' });
  });

  it('cannot change who an object is', async () => {
    await mutating('m', { mutations: [configure("Object{metadata: Object.metadata{name: 'other'}}")] });
    assert.match(String((await create()).json['message']), /metadata.name: Invalid value: "other": field is immutable/);
  });

  it('see one version where they know only that one', async () => {
    await validating({ matchConstraints: rules('events', ['CREATE'], 'events.k8s.io'), validations: [{ expression: "object.note != 'bad' && request.kind.group == 'events.k8s.io' && request.requestKind.group == ''" }] });
    const event = (name: string, text: string): Promise<Reply> => s.post('/api/v1/namespaces/default/events', {
      metadata: { name }, involvedObject: { kind: 'Pod', name: 'x', namespace: 'default' }, reason: 'Testing', message: text, type: 'Normal',
    });
    assert.equal((await event('e1', 'good')).code, 201);
    assert.equal((await event('e2', 'bad')).code, 422);
  });
});
