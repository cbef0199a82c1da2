import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { SERVER_USER } from '../../self.ts';
import { at, TestServer, type Reply } from '../../testing/harness.ts';
import type { User } from '../../types.ts';
import { reconcilePolicy } from '../bootstrap/reconcile.ts';
import { missingRules, ruleText } from './cover.ts';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const API = 'rbac.authorization.k8s.io';
const REVIEWS = '/apis/authorization.k8s.io/v1';

const ref = (kind: 'Role' | 'ClusterRole', name: string): Record<string, unknown> => ({ apiGroup: API, kind, name });
const user = (name: string): Record<string, unknown> => ({ kind: 'User', apiGroup: API, name });

describe('RBAC', () => {
  let s: TestServer;
  before(async () => { s = await TestServer.start({ tokenFile: 'ann-token,ann,u-9,"readers,others"\n' }); });
  after(() => s.close());

  const review = async (spec: Record<string, unknown>): Promise<Record<string, unknown>> => {
    const { code, json, text } = await s.post(`${REVIEWS}/subjectaccessreviews`, { spec });
    assert.equal(code, 201, text);
    return json['status'] as Record<string, unknown>;
  };
  const made = async (path: string, body: unknown): Promise<void> => {
    const { code, text } = await s.post(path, body);
    assert.equal(code, 201, text);
  };
  const pods = { resource: 'pods', verb: 'get', namespace: 'default' };

  it('says through which binding, and which role is missing', async () => {
    await made(`${RBAC}/namespaces/default/roles`, { metadata: { name: 'looks' }, rules: [{ apiGroups: [''], resources: ['pods', 'pods/log'], verbs: ['get'] }] });
    await made(`${RBAC}/namespaces/default/rolebindings`, { metadata: { name: 'b' }, roleRef: ref('Role', 'looks'), subjects: [user('ann'), { kind: 'ServiceAccount', name: 'bot' }] });
    assert.deepEqual(await review({ user: 'ann', resourceAttributes: pods }), { allowed: true, reason: 'RBAC: allowed by RoleBinding "b/default" of Role "looks" to User "ann"' });
    assert.deepEqual(await review({ user: 'system:serviceaccount:default:bot', resourceAttributes: { ...pods, subresource: 'log' } }),
      { allowed: true, reason: 'RBAC: allowed by RoleBinding "b/default" of Role "looks" to ServiceAccount "bot/default"' });
    assert.deepEqual(await review({ user: 'ann', resourceAttributes: { ...pods, subresource: 'exec' } }), { allowed: false });
    await made(`${RBAC}/clusterrolebindings`, { metadata: { name: 'dangling' }, roleRef: ref('ClusterRole', 'nowhere'), subjects: [user('ann')] });
    assert.deepEqual(await review({ user: 'ann', resourceAttributes: { ...pods, verb: 'delete' } }),
      { allowed: false, reason: `RBAC: clusterrole.${API} "nowhere" not found` });
    const refused = await s.ask({ path: '/api/v1/namespaces/default/secrets', token: 'ann-token' });
    assert.equal(refused.json['message'], `secrets is forbidden: User "ann" cannot list resource "secrets" in API group "" in the namespace "default": RBAC: clusterrole.${API} "nowhere" not found`);
    await made(`${RBAC}/clusterroles`, { metadata: { name: 'nowhere' }, rules: [{ apiGroups: ['*'], resources: ['*/scale'], verbs: ['*'] }, { nonResourceURLs: ['/logs*'], verbs: ['get'] }] });
    assert.equal((await review({ user: 'ann', resourceAttributes: { group: 'apps', resource: 'deployments', subresource: 'scale', verb: 'patch' } }))['allowed'], true);
    assert.equal((await review({ user: 'ann', resourceAttributes: { group: 'apps', resource: 'deployments', verb: 'patch' } }))['allowed'], false);
    assert.equal((await review({ user: 'ann', nonResourceAttributes: { path: '/logs/x', verb: 'get' } }))['allowed'], true);
    assert.equal((await review({ user: 'ann', nonResourceAttributes: { path: '/log', verb: 'get' } }))['allowed'], false);
    await s.delete(`${RBAC}/clusterrolebindings/dangling`);
    assert.equal((await review({ user: 'ann', nonResourceAttributes: { path: '/logs/x', verb: 'get' } }))['allowed'], false);
  });

  it('follows every change at once', async () => {
    const allowed = async (): Promise<unknown> => (await review({ user: 'zoe', groups: ['g'], resourceAttributes: pods }))['allowed'];
    const path = `${RBAC}/namespaces/default`;
    assert.equal(await allowed(), false);
    await made(`${path}/rolebindings`, { metadata: { name: 'z' }, roleRef: ref('Role', 'z'), subjects: [{ kind: 'Group', apiGroup: API, name: 'g' }] });
    assert.equal(await allowed(), false);
    await made(`${path}/roles`, { metadata: { name: 'z' }, rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] });
    assert.equal(await allowed(), true);
    await s.patch(`${path}/roles/z`, { rules: [] });
    assert.equal(await allowed(), false);
    await s.patch(`${path}/roles/z`, { rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }] });
    assert.equal(await allowed(), true);
    await s.patch(`${path}/rolebindings/z`, { subjects: [] });
    assert.equal(await allowed(), false);
    await s.patch(`${path}/rolebindings/z`, { subjects: [user('zoe')] });
    assert.equal(await allowed(), true);
    await s.delete(`${path}/rolebindings`);
    assert.equal(await allowed(), false);
  });

  it('answers reviews of oneself, of a namespace, with selectors, and refuses nonsense', async () => {
    const wrong: [string, Record<string, unknown>, RegExp][] = [
      ['subjectaccessreviews', { user: 'a' }, /exactly one of nonResourceAttributes or resourceAttributes must be specified/],
      ['subjectaccessreviews', { resourceAttributes: pods }, /at least one of user or group must be specified/],
      ['selfsubjectaccessreviews', { resourceAttributes: pods, nonResourceAttributes: { path: '/' } }, /cannot be specified in combination with resourceAttributes/],
      ['namespaces/default/localsubjectaccessreviews', { user: 'a', nonResourceAttributes: { path: '/' } }, /disallowed on this kind of request/],
      ['namespaces/other/localsubjectaccessreviews', { user: 'a', resourceAttributes: pods }, /must match namespace/],
    ];
    for (const [path, spec, message] of wrong) {
      const reply = await s.post(`${REVIEWS}/${path}`, { spec });
      assert.ok(reply.code === 422 || reply.code === 400, reply.text);
      assert.match(String(reply.json['message']), message);
    }
    const bad = await review({ user: 'a', resourceAttributes: { ...pods, verb: 'list', fieldSelector: { rawSelector: 'a b' } } });
    assert.match(String(bad['evaluationError']), /invalid selector/);
    const selected = await review({
      user: 'system:node:n', groups: ['system:nodes'],
      resourceAttributes: { resource: 'pods', verb: 'list', fieldSelector: { requirements: [{ key: 'spec.nodeName', operator: 'In', values: ['n'] }] } },
    });
    assert.deepEqual(selected, { allowed: true });
    await made(`${RBAC}/namespaces/default/rolebindings`, { metadata: { name: 'b' }, roleRef: ref('Role', 'looks'), subjects: [user('ann')] });
    const rules = await s.ask({ method: 'POST', path: `${REVIEWS}/selfsubjectrulesreviews`, token: 'ann-token', body: { spec: { namespace: 'default' } } });
    assert.ok((at(rules.json, 'status', 'resourceRules') as unknown[]).some((rule) => JSON.stringify(rule) === '{"verbs":["get"],"apiGroups":[""],"resources":["pods","pods/log"]}'), rules.text);
    assert.equal((await s.post(`${REVIEWS}/selfsubjectrulesreviews`, { spec: {} })).code, 400);
  });

  it('impersonates every part of a user, for those who may have that part', async () => {
    await made(`${RBAC}/clusterroles`, { metadata: { name: 'poses' }, rules: [
      { apiGroups: [''], resources: ['users'], verbs: ['impersonate'], resourceNames: ['bob'] },
      { apiGroups: ['authentication.k8s.io'], resources: ['userextras/scopes'], verbs: ['impersonate'], resourceNames: ['view'] },
    ] });
    await made(`${RBAC}/clusterrolebindings`, { metadata: { name: 'poses' }, roleRef: ref('ClusterRole', 'poses'), subjects: [user('ann')] });
    const who = (headers: Record<string, string>): Promise<Reply> =>
      s.ask({ method: 'POST', path: '/apis/authentication.k8s.io/v1/selfsubjectreviews', body: {}, token: 'ann-token', headers });
    const posed = await who({ 'impersonate-user': 'bob', 'impersonate-extra-scopes': 'view' });
    assert.deepEqual(at(posed.json, 'status', 'userInfo'), { username: 'bob', groups: ['system:authenticated'], extra: { scopes: ['view'] } });
    const refusals: [Record<string, string>, RegExp][] = [
      [{ 'impersonate-user': 'eve' }, /^users "eve" is forbidden: User "ann" cannot impersonate resource "users" in API group "" at the cluster scope/],
      [{ 'impersonate-user': 'bob', 'impersonate-group': 'a' }, /^groups "a" is forbidden/],
      [{ 'impersonate-user': 'bob', 'impersonate-uid': '7' }, /^uids\.authentication\.k8s\.io "7" is forbidden/],
      [{ 'impersonate-user': 'bob', 'impersonate-extra-scopes': 'edit' }, /^userextras\.authentication\.k8s\.io "edit" is forbidden: .*resource "userextras\/scopes"/],
      [{ 'impersonate-user': 'system:serviceaccount:x:y' }, /^serviceaccounts "y" is forbidden: .*in the namespace "x"/],
    ];
    for (const [headers, message] of refusals) {
      const { code, json } = await who(headers);
      assert.equal(code, 403);
      assert.match(String(json['message']), message);
    }
    for (const alone of ['impersonate-group', 'impersonate-uid', 'impersonate-extra-scopes']) {
      assert.equal((await who({ [alone]: 'view' })).code, 400, `${alone} without a user`);
    }
  });

  it('gives default roles back what they lost, and leaves what was added or set apart', async () => {
    const view = `${RBAC}/clusterroles/system:basic-user`;
    const rules = (await s.get(view)).json['rules'] as unknown[];
    await s.patch(view, { rules: [rules[1], { apiGroups: ['x'], resources: ['y'], verbs: ['z'] }], metadata: { labels: { own: '1' } } });
    await s.patch(`${RBAC}/clusterrolebindings/system:basic-user`, { subjects: [user('ann')] });
    await s.patch(`${RBAC}/clusterroles/system:discovery`, { rules: [], metadata: { annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'false' } } });
    await s.delete(`${RBAC}/clusterroles/system:monitoring`);
    await s.delete(`${RBAC}/clusterrolebindings/system:kube-dns`);
    await made(`${RBAC}/clusterrolebindings`, { metadata: { name: 'system:kube-dns' }, roleRef: ref('ClusterRole', 'view'), subjects: [] });
    await reconcilePolicy(s.server.core);
    const mended = (await s.get(view)).json;
    assert.equal((mended['rules'] as unknown[]).length, 4, 'what was added, what was left, and what was missing, resource by resource');
    assert.equal(at(mended, 'metadata', 'labels', 'own'), '1');
    assert.deepEqual(missingRules(mended['rules'] as [], rules as []), []);
    assert.deepEqual((await s.get(`${RBAC}/clusterrolebindings/system:basic-user`)).json['subjects'], [user('ann'), { kind: 'Group', apiGroup: API, name: 'system:authenticated' }]);
    assert.deepEqual((await s.get(`${RBAC}/clusterroles/system:discovery`)).json['rules'], []);
    assert.equal((await s.get(`${RBAC}/clusterroles/system:monitoring`)).code, 200);
    assert.equal(at((await s.get(`${RBAC}/clusterrolebindings/system:kube-dns`)).json, 'roleRef', 'name'), 'system:kube-dns');
    const { currentRevision } = s.store;
    await reconcilePolicy(s.server.core);
    assert.equal(s.store.currentRevision, currentRevision, 'nothing is written where nothing is amiss');
  });

  it('refuses roles too big to compare, without looking at all of them', async () => {
    await made(`${RBAC}/namespaces/default/rolebindings`, { metadata: { name: 'ann-admin' }, roleRef: ref('ClusterRole', 'admin'), subjects: [user('ann')] });
    const many = (prefix: string): string[] => Array.from({ length: 200 }, (_, index) => `${prefix}${index}`);
    const { code, json } = await s.ask({
      method: 'POST', path: `${RBAC}/namespaces/default/roles`, token: 'ann-token',
      body: { metadata: { name: 'huge' }, rules: [{ apiGroups: many('g'), resources: many('r'), verbs: many('v') }] },
    });
    assert.equal(code, 403);
    assert.match(String(json['message']), /the rules grant more than 100000 single rights/);
  });

  it('costs the same with thousands of bindings', async () => {
    const subject = [{ kind: 'Group', apiGroup: API, name: 'crowd' }];
    const admin = s.server.transport(SERVER_USER);
    await Promise.all(Array.from({ length: 2000 }, (_, index) => admin.request({
      method: 'POST', path: `${RBAC}/namespaces/default/rolebindings`, body: { metadata: { name: `crowd-${index}` }, roleRef: ref('Role', 'looks'), subjects: subject },
    })));
    const crowd: User = { name: 'someone', groups: ['crowd'] };
    const { authorizer } = s.server.core;
    const attributes = { user: crowd, verb: 'get', isResource: true, group: '', version: 'v1', resource: 'pods', subresource: '', namespace: 'default', name: 'x', path: '' };
    const first = await authorizer.authorize(attributes);
    assert.equal(first.allowed, true);
    // The same object again: nothing was compiled anew.
    assert.equal(await authorizer.authorize({ ...attributes, name: 'y' }), first);
  });
});

describe('covering rules', () => {
  const missing = (owned: Parameters<typeof missingRules>[0], wanted: Parameters<typeof missingRules>[1]): string[] => missingRules(owned, wanted).map(ruleText);

  it('knows wildcards, names, subresources and paths', () => {
    const get = { verbs: ['get'], apiGroups: [''], resources: ['pods'] };
    assert.deepEqual(missing([{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }], [get]), []);
    assert.deepEqual(missing([get], [{ ...get, verbs: ['*'] }]), ['{APIGroups:[""], Resources:["pods"], Verbs:["*"]}']);
    assert.deepEqual(missing([{ ...get, resourceNames: ['a'] }], [{ ...get, resourceNames: ['a'] }]), []);
    assert.deepEqual(missing([{ ...get, resourceNames: ['a'] }], [get]), ['{APIGroups:[""], Resources:["pods"], Verbs:["get"]}']);
    assert.deepEqual(missing([get], [{ ...get, resourceNames: ['a'] }]), []);
    assert.deepEqual(missing([{ ...get, resources: ['*/scale'] }], [{ ...get, resources: ['pods/scale', 'pods/log'] }]), ['{APIGroups:[""], Resources:["pods/log"], Verbs:["get"]}']);
    assert.deepEqual(missing([{ verbs: ['get'], nonResourceURLs: ['/a/*'] }], [{ verbs: ['get', 'post'], nonResourceURLs: ['/a/b', '/a/*', '/c'] }]),
      ['{NonResourceURLs:["/c"], Verbs:["get" "post"]}', '{NonResourceURLs:["/a/b"], Verbs:["post"]}', '{NonResourceURLs:["/a/*"], Verbs:["post"]}']);
  });
});
