/** Every role and binding a server makes at its start, as objects. */
import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject } from '../../../kinds/generated/rbac.ts';
import { deepEqual } from '../../../apimachinery/values.ts';
import { RBAC_GROUP } from '../rbac/roleindex.ts';
import { AGGREGATED, CLUSTER_ROLES, type RoleText } from './clusterroles.ts';
import { CONTROLLER_ROLES } from './controllerroles.ts';
import { rulesOf } from './grammar.ts';
import { CLUSTER_BINDINGS, NAMESPACED_ROLES } from './namespaced.ts';
import { account } from './subjects.ts';
import { EXTRA_CONTROLLER_RULES, extraRoleName, extraSubject, TELAR_BINDINGS, TELAR_ROLES } from './telar.ts';

const API_VERSION = `${RBAC_GROUP}/v1`;
/** `false` on an object keeps a server from changing it at its start. */
export const AUTOUPDATE = 'rbac.authorization.kubernetes.io/autoupdate';
export const BOOTSTRAPPING = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
const aggregateLabel = (into: string): string => `rbac.authorization.k8s.io/aggregate-to-${into}`;

const labelsOf = (into: readonly string[]): Record<string, string> =>
  ({ ...BOOTSTRAPPING, ...Object.fromEntries(into.map((name) => [aggregateLabel(name), 'true'])) });

const metadata = (name: string, into: readonly string[] = []): ClusterRole['metadata'] => ({ name, annotations: { [AUTOUPDATE]: 'true' }, labels: labelsOf(into) });

const clusterRole = (name: string, { rules, into = [] }: RoleText): ClusterRole =>
  ({ apiVersion: API_VERSION, kind: 'ClusterRole', metadata: metadata(name, into), rules: rulesOf(rules) });

const reference = (kind: 'Role' | 'ClusterRole', name: string): RoleRef => ({ apiGroup: RBAC_GROUP, kind, name });

const clusterBinding = (name: string, subjects: readonly Subject[]): ClusterRoleBinding =>
  ({ apiVersion: API_VERSION, kind: 'ClusterRoleBinding', metadata: metadata(name), roleRef: reference('ClusterRole', name), subjects: [...subjects] });

/** The rules of several roles, each once, in the order of the roles' names: what an aggregated role holds. */
export function mergedRules(roles: readonly { metadata: { name: string }; rules?: readonly PolicyRule[] }[]): PolicyRule[] {
  const merged: PolicyRule[] = [];
  for (const { rules } of roles.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))) {
    for (const rule of rules ?? []) {
      if (!merged.some((one) => deepEqual(one, rule))) {
        merged.push(rule);
      }
    }
  }
  return merged;
}

/**
 * Roles put together from others. Their rules are filled in already, which in Kubernetes a controller does a moment later: a server without
 * controllers knows what an admin may do.
 */
function aggregated(roles: readonly ClusterRole[]): ClusterRole[] {
  const all = [...roles];
  // Each goes into the next, so that the order is from the least to the most.
  return (['view', 'edit', 'admin'] as const).map((name) => {
    const label = aggregateLabel(name);
    const role: ClusterRole = {
      apiVersion: API_VERSION, kind: 'ClusterRole', metadata: metadata(name, AGGREGATED[name]),
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [label]: 'true' } }] },
      rules: mergedRules(all.filter(({ metadata: { labels } }) => labels?.[label] === 'true')),
    };
    all.push(role);
    return role;
  });
}

export interface BootstrapPolicy {
  clusterRoles: ClusterRole[];
  clusterBindings: ClusterRoleBinding[];
  roles: Role[];
  bindings: RoleBinding[];
}

function controllerPolicy(): Pick<BootstrapPolicy, 'clusterRoles' | 'clusterBindings'> {
  const names = Object.keys(CONTROLLER_ROLES);
  const extra = Object.entries(EXTRA_CONTROLLER_RULES);
  return {
    clusterRoles: [
      ...names.map((name) => clusterRole(`system:controller:${name}`, { rules: CONTROLLER_ROLES[name] ?? '' })),
      ...extra.map(([name, rules]) => clusterRole(extraRoleName(name), { rules })),
    ],
    clusterBindings: [
      ...names.map((name) => clusterBinding(`system:controller:${name}`, [account(name)])),
      ...extra.map(([name]) => clusterBinding(extraRoleName(name), [extraSubject(name)])),
    ],
  };
}

export function bootstrapPolicy(): BootstrapPolicy {
  const controllers = controllerPolicy();
  const plain = Object.entries({ ...CLUSTER_ROLES, ...TELAR_ROLES }).map(([name, text]) => clusterRole(name, text));
  return {
    clusterRoles: [...plain, ...aggregated(plain), ...controllers.clusterRoles],
    clusterBindings: [
      ...Object.entries({ ...CLUSTER_BINDINGS, ...TELAR_BINDINGS }).map(([name, subjects]) => clusterBinding(name, subjects)),
      ...controllers.clusterBindings,
    ],
    roles: NAMESPACED_ROLES.map(({ namespace, name, rules }) =>
      ({ apiVersion: API_VERSION, kind: 'Role', metadata: { ...metadata(name), namespace }, rules: rulesOf(rules) })),
    bindings: NAMESPACED_ROLES.flatMap(({ namespace, name, binding }) => (binding === undefined ? [] : [{
      apiVersion: API_VERSION, kind: 'RoleBinding', metadata: { ...metadata(binding.name), namespace }, roleRef: reference('Role', name), subjects: [...binding.subjects],
    }])),
  };
}
