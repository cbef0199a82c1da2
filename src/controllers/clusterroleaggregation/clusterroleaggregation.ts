/** ClusterRoles put together from others: the rules of all roles their selectors match, each once, in the order of the roles' names. */
import { matchesLabels, selectorFromObject } from '../../apimachinery/selectors.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import { newController, type Controller } from '../../client/controller.ts';
import { CLUSTERROLES } from '../../client/resources.ts';
import type { ClusterRole, PolicyRule } from '../../kinds/generated/rbac.ts';
import type { ControllerContext } from '../context.ts';

const isAggregated = ({ aggregationRule }: ClusterRole): boolean => (aggregationRule?.clusterRoleSelectors ?? []).length > 0;

/** What an aggregated role should grant, given all roles. It never takes in itself. */
export function aggregatedRules(role: ClusterRole, all: readonly ClusterRole[]): PolicyRule[] {
  const selectors = (role.aggregationRule?.clusterRoleSelectors ?? []).map(selectorFromObject);
  const rules: PolicyRule[] = [];
  for (const one of all.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))) {
    if (one.metadata.name === role.metadata.name || !selectors.some((selector) => matchesLabels(selector, one.metadata.labels))) {
      continue;
    }
    for (const rule of one.rules ?? []) {
      if (!rules.some((there) => deepEqual(there, rule))) {
        rules.push(rule);
      }
    }
  }
  return rules;
}

export function clusterRoleAggregationController({ client, informers, log }: ControllerContext): Controller {
  const roles = informers.for(CLUSTERROLES);
  const controller = newController({
    name: 'clusterroleaggregation', log,
    async reconcile(name): Promise<void> {
      const role = roles.get(name);
      if (role === undefined || !isAggregated(role)) {
        return;
      }
      const rules = aggregatedRules(role, roles.list());
      if (!deepEqual(rules, role.rules ?? [])) {
        await client.update(CLUSTERROLES, { ...role, rules });
      }
    },
    before: (signal) => roles.start(signal),
  });
  // Any role may be part of any other.
  const again = (): void => {
    for (const role of roles.list()) {
      if (isAggregated(role)) {
        controller.queue.add(role.metadata.name);
      }
    }
  };
  roles.on({ added: again, updated: again, deleted: again });
  return controller;
}
