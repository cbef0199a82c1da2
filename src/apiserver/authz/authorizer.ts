/** Authorisation: one question per request, asked before a verb runs. */
import { failure, forbidden, type StatusError } from '../../apimachinery/status.ts';
import { parseFieldSelector, parseLabelSelector, SelectorError, type FieldSelector, type LabelSelector } from '../../apimachinery/selectors.ts';
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
  /** What a list, watch or deletecollection is narrowed down to; absent when it is not, or when the selectors cannot be read. */
  readonly fields?: FieldSelector;
  readonly labels?: LabelSelector;
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
  resourceRules: { verbs: string[]; apiGroups?: string[]; resources?: string[]; resourceNames?: string[] }[];
  nonResourceRules: { verbs: string[]; nonResourceURLs?: string[] }[];
  /** There may be more than is listed; `evaluationError` says why. */
  incomplete: boolean;
  evaluationError?: string;
}

/** Verbs that selectors narrow down. */
const SELECTIVE: ReadonlySet<string> = new Set(['list', 'watch', 'deletecollection']);

/** A selector for authorisation; one that cannot be read narrows nothing down and is refused later, where it is used. */
function read<T>(text: string | null, parse: (text: string) => T): T | undefined {
  if (text === null || text === '') {
    return undefined;
  }
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof SelectorError) {
      return undefined;
    }
    throw error;
  }
}

/** The one name that a field selector leaves; empty when it leaves several. */
const nameIn = (fields: FieldSelector | undefined): string =>
  fields?.requirements.find(({ field, operator }) => field === 'metadata.name' && operator === '=')?.value ?? '';

export function attributesOf(user: User, verb: RequestVerb, info: RequestInfo, query: URLSearchParams): Attributes {
  const { isResource, group, version, resource, subresource, namespace, name, path } = info;
  const attributes: Attributes = { user, verb, isResource, group, version, resource, subresource, namespace, name, path };
  if (query.size === 0 || !isResource || !SELECTIVE.has(verb)) {
    return attributes;
  }
  const fields = read(query.get('fieldSelector'), parseFieldSelector);
  const labels = read(query.get('labelSelector'), parseLabelSelector);
  return {
    ...attributes, name: name === '' ? nameIn(fields) : name,
    ...(fields === undefined ? {} : { fields }), ...(labels === undefined ? {} : { labels }),
  };
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
