/** Who is a node: the user `system:node:<name>` in the group `system:nodes`, as in Kubernetes. */
import type { User } from '../../types.ts';

export const NODES_GROUP = 'system:nodes';
const PREFIX = 'system:node:';

/** The node's name; undefined for everybody else. Empty for a node user without a name. */
export const nodeOf = ({ name, groups }: User): string | undefined =>
  (name.startsWith(PREFIX) && groups.includes(NODES_GROUP) ? name.slice(PREFIX.length) : undefined);
