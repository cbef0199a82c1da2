import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLUSTERROLES } from '../../client/resources.ts';
import type { ClusterRole, PolicyRule } from '../../kinds/generated/rbac.ts';
import { harness, settle } from '../testing/harness.ts';

const rule = (resource: string): PolicyRule => ({ verbs: ['get'], apiGroups: [''], resources: [resource] });
const role = (name: string, labels: Record<string, string>, more: Partial<ClusterRole>): ClusterRole =>
  ({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name, labels }, ...more });
const into = (label: string): Partial<ClusterRole> => ({ aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [label]: 'true' } }] } });

test('aggregated roles follow the roles their labels name, and one another', async () => {
  const h = harness();
  try {
    await h.client.create(CLUSTERROLES, role('b', { view: 'true' }, { rules: [rule('pods'), rule('services')] }));
    await h.client.create(CLUSTERROLES, role('a', { view: 'true' }, { rules: [rule('configmaps'), rule('pods')] }));
    await h.client.create(CLUSTERROLES, role('view', { edit: 'true' }, { ...into('view'), rules: [rule('left over')] }));
    await h.client.create(CLUSTERROLES, role('edit', { edit: 'true' }, into('edit')));
    await h.start('clusterroleaggregation');
    await settle(h.server);
    const rulesOf = async (name: string): Promise<PolicyRule[] | undefined> => (await h.client.get(CLUSTERROLES, name)).rules;
    assert.deepEqual(await rulesOf('view'), [rule('configmaps'), rule('pods'), rule('services')]);
    assert.deepEqual(await rulesOf('edit'), await rulesOf('view'), 'a role that matches itself takes in the others only');
    await h.client.delete(CLUSTERROLES, 'a');
    await h.client.create(CLUSTERROLES, role('c', { edit: 'true' }, { rules: [rule('secrets')] }));
    await settle(h.server);
    assert.deepEqual(await rulesOf('view'), [rule('pods'), rule('services')]);
    assert.deepEqual(await rulesOf('edit'), [rule('secrets'), rule('pods'), rule('services')]);
  } finally {
    await h.stop();
  }
});
