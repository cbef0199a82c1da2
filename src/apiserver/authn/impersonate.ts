/** `kubectl --as`: acting as somebody else, for those who are authorised to `impersonate`. */
import type { IncomingHttpHeaders } from 'node:http';
import { badRequest } from '../../apimachinery/status.ts';
import { denial, type Attributes, type Authorizer } from '../authz/authorizer.ts';
import type { User } from '../types.ts';

const values = (header: string | string[] | undefined): string[] =>
  (header === undefined ? [] : Array.isArray(header) ? header : header.split(',')).map((one) => one.trim()).filter((one) => one !== '');

async function mustBeAllowed(authorizer: Authorizer, user: User, resource: string, name: string): Promise<void> {
  const attributes: Attributes = {
    user, verb: 'impersonate', isResource: true, group: '', version: 'v1', resource, subresource: '', namespace: '', name, path: '',
  };
  const { allowed, reason } = await authorizer.authorize(attributes);
  if (!allowed) {
    throw denial(attributes, reason);
  }
}

function groupsOf(name: string, asked: readonly string[]): string[] {
  const account = /^system:serviceaccount:([^:]+):[^:]+$/.exec(name);
  const own = account === null || asked.length > 0 ? [] : ['system:serviceaccounts', `system:serviceaccounts:${account[1] ?? ''}`];
  const all = [...asked, ...own];
  const closing = name === 'system:anonymous' ? 'system:unauthenticated' : 'system:authenticated';
  return all.includes(closing) ? all : [...all, closing];
}

export const wantsImpersonation = (headers: IncomingHttpHeaders): boolean =>
  headers['impersonate-user'] !== undefined || headers['impersonate-group'] !== undefined || headers['impersonate-uid'] !== undefined;

/** The user to act as. Throws Forbidden or BadRequest. */
export async function impersonated(authorizer: Authorizer, user: User, headers: IncomingHttpHeaders): Promise<User> {
  const [name] = values(headers['impersonate-user']);
  const groups = values(headers['impersonate-group']);
  const [uid] = values(headers['impersonate-uid']);
  if (name === undefined) {
    throw badRequest('requested impersonation of groups or a uid without impersonating a user');
  }
  await mustBeAllowed(authorizer, user, 'users', name);
  for (const group of groups) {
    await mustBeAllowed(authorizer, user, 'groups', group);
  }
  return { name, ...(uid === undefined ? {} : { uid }), groups: groupsOf(name, groups) };
}
