/**
 * The first policy: members of system:masters and Telar's own processes may do everything, everybody who is
 * authenticated may look at discovery and ask about themselves, and nobody else may do anything.
 */
import type { User } from '../types.ts';
import type { Attributes, Authorizer, Decision, Rules } from './authorizer.ts';

export const MASTERS = 'system:masters';
/** Processes that Telar's own certificate authority vouches for. */
const INTERNAL_USERS = new Set(['system:apiserver', 'system:kube-controller-manager', 'system:kube-scheduler']);
const NODES = 'system:nodes';
const AUTHENTICATED = 'system:authenticated';
const DISCOVERY_PATHS = ['/api', '/apis', '/openapi', '/version'];
/** What anybody, authenticated or not, may ask for. */
const PUBLIC_PATHS = new Set(['/healthz', '/livez', '/readyz', '/version']);
const SELF_REVIEWS: Readonly<Record<string, readonly string[]>> = {
  'authorization.k8s.io': ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'],
  'authentication.k8s.io': ['selfsubjectreviews'],
};

const isSuperuser = (user: User): boolean => user.groups.includes(MASTERS) || user.groups.includes(NODES) || INTERNAL_USERS.has(user.name);

const isBelow = (path: string, root: string): boolean => path === root || path.startsWith(`${root}/`);

export const isPublicPath = (path: string): boolean =>
  PUBLIC_PATHS.has(path) || path.startsWith('/healthz/') || path.startsWith('/livez/') || path.startsWith('/readyz/');

function allowedToAll(attributes: Attributes): boolean {
  const { isResource, verb, path, group, resource, user } = attributes;
  if (!isResource) {
    return (verb === 'get' || verb === 'head') && (isPublicPath(path)
      || (user.groups.includes(AUTHENTICATED) && DISCOVERY_PATHS.some((root) => isBelow(path, root))));
  }
  return verb === 'create' && user.groups.includes(AUTHENTICATED) && (SELF_REVIEWS[group] ?? []).includes(resource);
}

export const superuserPolicy: Authorizer = {
  authorize(attributes: Attributes): Decision {
    return { allowed: isSuperuser(attributes.user) || allowedToAll(attributes), reason: '' };
  },
  rulesFor(user: User): Rules {
    if (isSuperuser(user)) {
      return {
        resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
        nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
      };
    }
    return {
      resourceRules: Object.entries(SELF_REVIEWS).map(([group, resources]) => ({ verbs: ['create'], apiGroups: [group], resources: [...resources] })),
      nonResourceRules: [{ verbs: ['get'], nonResourceURLs: [...PUBLIC_PATHS, ...DISCOVERY_PATHS.flatMap((path) => [path, `${path}/*`])] }],
    };
  },
};
