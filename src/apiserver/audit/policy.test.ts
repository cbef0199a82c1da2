import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { route } from '../route.ts';
import type { RequestVerb, User } from '../types.ts';
import { AuditPolicy } from './policy.ts';

const policy = (...rules: string[]): AuditPolicy =>
  AuditPolicy.parse(`apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [Panic]\nrules:\n${rules.map((rule) => `- ${rule}\n`).join('')}- {level: None}\n`);
const told = (rules: AuditPolicy, path: string, verb: RequestVerb = 'get', user: User = { name: 'ann', groups: ['dev'] }): string =>
  rules.tellingOf(user, verb, route(path))?.level ?? 'None';

describe('audit policy', () => {
  it('knows resources, subresources and names as Kubernetes does', () => {
    const rules = policy(
      '{level: Metadata, resources: [{group: "", resources: ["pods/*"]}]}', '{level: Request, resources: [{group: apps, resources: ["*/scale"]}]}',
      '{level: RequestResponse, resources: [{group: "", resources: [configmaps], resourceNames: [one]}]}', '{level: Metadata, namespaces: [kube-system]}',
      '{level: Request, resources: [{group: batch}]}',
    );
    const pods = '/api/v1/namespaces/a/pods/p';
    assert.deepEqual([pods, `${pods}/log`, `${pods}/exec`].map((path) => told(rules, path)), ['Metadata', 'Metadata', 'Metadata']);
    const deployment = '/apis/apps/v1/namespaces/a/deployments/d';
    assert.deepEqual([deployment, `${deployment}/scale`].map((path) => told(rules, path)), ['None', 'Request']);
    assert.deepEqual(['one', 'two', ''].map((name) => told(rules, `/api/v1/namespaces/a/configmaps/${name}`)), ['RequestResponse', 'None', 'None']);
    assert.deepEqual(['kube-system', 'a'].map((namespace) => told(rules, `/api/v1/namespaces/${namespace}/services/s`)), ['Metadata', 'None']);
    assert.equal(told(rules, '/apis/batch/v1/namespaces/a/jobs/j'), 'Request');
    assert.equal(told(rules, '/version'), 'None', 'rules about resources are not about paths');
  });

  it('knows paths, people and verbs, and takes the first rule that fits', () => {
    const rules = policy(
      '{level: None, users: [ann], verbs: [watch]}', '{level: Request, userGroups: [dev, ops], verbs: [create]}',
      '{level: Metadata, nonResourceURLs: ["/healthz*", "/version"]}', '{level: RequestResponse, users: [bob]}',
    );
    assert.equal(told(rules, '/api/v1/pods', 'watch'), 'None');
    assert.equal(told(rules, '/api/v1/namespaces/a/pods', 'create'), 'Request');
    assert.deepEqual(['/healthz', '/healthz/x', '/version', '/versions'].map((path) => told(rules, path)), ['Metadata', 'Metadata', 'Metadata', 'None']);
    assert.equal(told(rules, '/api/v1/pods', 'list', { name: 'bob', groups: [] }), 'RequestResponse');
    assert.equal(told(rules, '/api/v1/pods', 'list', { name: '', groups: [] }), 'None');
  });

  it('adds the stages a rule leaves out to those all leave out', () => {
    const rules = policy('{level: Metadata, omitStages: [RequestReceived]}');
    assert.deepEqual(rules.tellingOf({ name: 'a', groups: [] }, 'get', route('/'))?.omitStages, new Set(['Panic', 'RequestReceived']));
  });
});
