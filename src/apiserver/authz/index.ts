/** The policy of a server and the plugins that keep it: see union.ts, rbac/, node/ and bootstrap/. */
import type { Registry } from '../../kinds/registry.ts';
import type { Store } from '../../store/store.ts';
import type { AdmissionPlugin } from '../admission/admission.ts';
import type { Lookup } from '../lookup.ts';
import type { Authorizer } from './authorizer.ts';
import { NODE_RULES } from './bootstrap/clusterroles.ts';
import { rulesOf } from './bootstrap/grammar.ts';
import { NodeAuthorizer } from './node/authorizer.ts';
import { NodeGraph } from './node/graph.ts';
import { nodeRestriction } from './node/restriction.ts';
import { RbacAuthorizer } from './rbac/authorizer.ts';
import { EscalationCheck } from './rbac/escalation.ts';
import { Permissions } from './rbac/permissions.ts';
import { RoleIndex } from './rbac/roleindex.ts';
import { UnionAuthorizer } from './union.ts';

export interface Policy {
  readonly authorizer: Authorizer;
  /** Follow the writes of roles, bindings and pods, and refuse those that would go beyond their author's rights. */
  readonly plugins: readonly AdmissionPlugin[];
}

/** Node, then RBAC, over what is stored. */
export function createPolicy(store: Store, registry: Registry, lookup: Lookup): Policy {
  const index = RoleIndex.load(store, registry);
  const graph = new NodeGraph(store, registry);
  const nodeRules = new Permissions();
  nodeRules.add(rulesOf(NODE_RULES), { allowed: true, reason: '' });
  const rbac = new RbacAuthorizer(index);
  const authorizer = new UnionAuthorizer([new NodeAuthorizer(graph, lookup, nodeRules), rbac]);
  return { authorizer, plugins: [index, graph, nodeRestriction(lookup, graph), new EscalationCheck(index, rbac, authorizer)] };
}
