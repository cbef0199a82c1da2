/** `kubectl --as`: acting as somebody else, for those who are authorised to `impersonate` every part of who that is. */
import type { IncomingHttpHeaders } from 'node:http';
import { badRequest } from '../../apimachinery/status.ts';
import { denial, type Attributes, type Authorizer } from '../authz/authorizer.ts';
import type { User } from '../types.ts';

const AUTHENTICATION = 'authentication.k8s.io';
const PARTS = ['impersonate-user', 'impersonate-group', 'impersonate-uid'] as const;
const EXTRA_PREFIX = 'impersonate-extra-';
const ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;
const ANONYMOUS = 'system:anonymous';
const AUTHENTICATED = 'system:authenticated';
const UNAUTHENTICATED = 'system:unauthenticated';

/** What the headers ask for. */
interface Asked {
  user: string;
  uid: string;
  groups: string[];
  extra: Map<string, string[]>;
}

/** Keys of extra values come percent-encoded; one that cannot be decoded is taken as it is, as Kubernetes does. */
function decodedKey(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch (error) {
    if (error instanceof URIError) {
      return key;
    }
    throw error;
  }
}

/** Names and values alternate; a header may come several times, and its value may hold commas. */
function read(rawHeaders: readonly string[]): Asked {
  const asked: Asked = { user: '', uid: '', groups: [], extra: new Map() };
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase();
    const value = rawHeaders[at + 1] ?? '';
    if (name === 'impersonate-user') {
      asked.user ||= value;
    } else if (name === 'impersonate-uid') {
      asked.uid ||= value;
    } else if (name === 'impersonate-group') {
      asked.groups.push(value);
    } else if (name.startsWith(EXTRA_PREFIX)) {
      const key = decodedKey(name.slice(EXTRA_PREFIX.length));
      asked.extra.set(key, [...asked.extra.get(key) ?? [], value]);
    }
  }
  return asked;
}

type Part = Pick<Attributes, 'group' | 'resource' | 'subresource' | 'namespace' | 'name'>;

const partOf = (part: Partial<Part>): Part => ({ group: '', resource: '', subresource: '', namespace: '', name: '', ...part });

/** Everything the user must be allowed to impersonate. */
function partsOf({ user, uid, groups, extra }: Asked): Part[] {
  const account = ACCOUNT.exec(user);
  return [
    account === null ? partOf({ resource: 'users', name: user })
      : partOf({ resource: 'serviceaccounts', namespace: account[1] ?? '', name: account[2] ?? '' }),
    ...groups.map((name) => partOf({ resource: 'groups', name })),
    ...(uid === '' ? [] : [partOf({ group: AUTHENTICATION, resource: 'uids', name: uid })]),
    ...[...extra].flatMap(([key, values]) => values.map((name) => partOf({ group: AUTHENTICATION, resource: 'userextras', subresource: key, name }))),
  ];
}

async function mustBeAllowed(authorizer: Authorizer, user: User, part: Part): Promise<void> {
  const attributes: Attributes = { ...part, user, verb: 'impersonate', isResource: true, version: 'v1', path: '' };
  const { allowed, reason } = await authorizer.authorize(attributes);
  if (!allowed) {
    throw denial(attributes, reason);
  }
}

/** The groups asked for, or those a service account has anyway; and that of everybody who is somebody. */
function groupsOf({ user, groups }: Asked): string[] {
  const account = ACCOUNT.exec(user);
  const all = account !== null && groups.length === 0 ? ['system:serviceaccounts', `system:serviceaccounts:${account[1] ?? ''}`] : groups;
  if (user === ANONYMOUS) {
    return all.includes(UNAUTHENTICATED) ? all : [...all, UNAUTHENTICATED];
  }
  return all.includes(AUTHENTICATED) || all.includes(UNAUTHENTICATED) ? all : [...all, AUTHENTICATED];
}

export const wantsImpersonation = (headers: IncomingHttpHeaders): boolean =>
  PARTS.some((name) => headers[name] !== undefined) || Object.keys(headers).some((name) => name.startsWith(EXTRA_PREFIX));

/** The user to act as. Throws Forbidden or BadRequest. */
export async function impersonated(authorizer: Authorizer, user: User, { rawHeaders }: { rawHeaders: readonly string[] }): Promise<User> {
  const asked = read(rawHeaders);
  if (asked.user === '') {
    throw badRequest('requested impersonation of groups, a uid or extra values without impersonating a user');
  }
  for (const part of partsOf(asked)) {
    await mustBeAllowed(authorizer, user, part);
  }
  return {
    name: asked.user, ...(asked.uid === '' ? {} : { uid: asked.uid }), groups: groupsOf(asked),
    ...(asked.extra.size === 0 ? {} : { extra: Object.fromEntries(asked.extra) }),
  };
}
