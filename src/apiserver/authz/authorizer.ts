/** Authorisation: one question per request, asked before a verb runs. */
import { failure, forbidden, type StatusError } from '../../apimachinery/status.ts';
import type { RequestInfo, RequestVerb, User } from '../types.ts';

/** What somebody wants to do, in the terms of SubjectAccessReview. */
export interface Attributes {
  readonly user: User;
  readonly verb: string;
  readonly isResource: boolean;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** Of non-resource requests. */
  readonly path: string;
}

export interface Decision {
  allowed: boolean;
  /** Why, for SubjectAccessReview; empty when there is nothing to say. */
  reason: string;
}

export interface Authorizer {
  authorize(attributes: Attributes): Decision | Promise<Decision>;
  /** What the user may do in a namespace, for SelfSubjectRulesReview. */
  rulesFor(user: User, namespace: string): Rules;
}

export interface Rules {
  resourceRules: { verbs: string[]; apiGroups?: string[]; resources?: string[] }[];
  nonResourceRules: { verbs: string[]; nonResourceURLs?: string[] }[];
}

export function attributesOf(user: User, verb: RequestVerb, info: RequestInfo): Attributes {
  const { isResource, group, version, resource, subresource, namespace, name, path } = info;
  return { user, verb, isResource, group, version, resource, subresource, namespace, name, path };
}

/** Kubernetes' words for a refusal. */
export function denial(attributes: Attributes, reason: string): StatusError {
  const { user, verb, group, resource, subresource, namespace, name, path, isResource } = attributes;
  const who = JSON.stringify(user.name);
  const because = reason === '' ? '' : `: ${reason}`;
  if (!isResource) {
    return failure('Forbidden', `forbidden: User ${who} cannot ${verb} path ${JSON.stringify(path)}${because}`, {});
  }
  const what = subresource === '' ? resource : `${resource}/${subresource}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
  return forbidden({ group, resource, ...(name === '' ? {} : { name }) },
    `User ${who} cannot ${verb} resource ${JSON.stringify(what)} in API group ${JSON.stringify(group)} ${where}${because}`);
}
