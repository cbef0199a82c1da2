/** FlowSchemas as predicates over requests: whose they are, and what they ask for. */
import type { FlowSchema, NonResourcePolicyRule, PolicyRulesWithSubjects, ResourcePolicyRule, Subject } from '../../kinds/generated/flowcontrol.ts';
import type { RequestInfo, RequestVerb, User } from '../types.ts';

const ANY = '*';
const ACCOUNT_PREFIX = 'system:serviceaccount:';

const has = (list: readonly string[] | undefined, value: string): boolean => list !== undefined && (list.includes(ANY) || list.includes(value));

function isSubject({ kind, user, group, serviceAccount }: Subject, who: User): boolean {
  switch (kind) {
    case 'User': return user !== undefined && (user.name === ANY || user.name === who.name);
    case 'Group': return group !== undefined && (group.name === ANY || who.groups.includes(group.name));
    case 'ServiceAccount': return serviceAccount !== undefined && (serviceAccount.name === ANY
      ? who.name.startsWith(`${ACCOUNT_PREFIX}${serviceAccount.namespace}:`)
      : who.name === `${ACCOUNT_PREFIX}${serviceAccount.namespace}:${serviceAccount.name}`);
    default: return false;
  }
}

function isResourceRequest(rule: ResourcePolicyRule, verb: RequestVerb, info: RequestInfo): boolean {
  const resource = info.subresource === '' ? info.resource : `${info.resource}/${info.subresource}`;
  const place = info.namespace === '' ? rule.clusterScope === true : has(rule.namespaces, info.namespace);
  return place && has(rule.verbs, verb) && has(rule.apiGroups, info.group) && has(rule.resources, resource);
}

const isPath = (pattern: string, path: string): boolean =>
  pattern === ANY || pattern === path || (pattern.endsWith('/*') && path.startsWith(pattern.slice(0, -1)));

const isPathRequest = (rule: NonResourcePolicyRule, verb: RequestVerb, path: string): boolean =>
  has(rule.verbs, verb) && rule.nonResourceURLs.some((pattern) => isPath(pattern, path));

/** The rules of a schema that concern a user; empty when none does. */
export const rulesFor = ({ spec }: FlowSchema, user: User): PolicyRulesWithSubjects[] =>
  (spec.rules ?? []).filter(({ subjects }) => subjects.some((subject) => isSubject(subject, user)));

/** Whether rules of a user's match what is asked for. */
export const matches = (rules: readonly PolicyRulesWithSubjects[], verb: RequestVerb, info: RequestInfo): boolean =>
  rules.some(({ resourceRules, nonResourceRules }) => (info.isResource
    ? (resourceRules ?? []).some((rule) => isResourceRequest(rule, verb, info))
    : (nonResourceRules ?? []).some((rule) => isPathRequest(rule, verb, info.path))));

const coversAll = ({ resourceRules, nonResourceRules }: PolicyRulesWithSubjects): boolean =>
  (nonResourceRules ?? []).some(({ verbs, nonResourceURLs }) => verbs.includes(ANY) && nonResourceURLs.includes(ANY))
  && (resourceRules ?? []).some(({ verbs, apiGroups, resources, clusterScope, namespaces }) => verbs.includes(ANY) && apiGroups.includes(ANY)
    && resources.includes(ANY) && clusterScope === true && (namespaces ?? []).includes(ANY));

/** Whether rules match whatever is asked for: then nothing after them need be looked at. */
export const matchAll = (rules: readonly PolicyRulesWithSubjects[]): boolean => rules.some(coversAll);
