/** The audit policy (audit.k8s.io/v1 Policy): which requests are told of, and how much of them. */
import { parse } from 'yaml';
import { isObject } from '../../apimachinery/values.ts';
import type { RequestInfo, RequestVerb, User } from '../types.ts';

const LEVELS = ['None', 'Metadata', 'Request', 'RequestResponse'] as const;
export type Level = (typeof LEVELS)[number];
const STAGES = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const;
export type Stage = (typeof STAGES)[number];

interface GroupResources {
  group: string;
  resources: readonly string[];
  resourceNames: readonly string[];
}

interface Rule {
  level: Level;
  users: readonly string[];
  userGroups: readonly string[];
  verbs: readonly string[];
  namespaces: readonly string[];
  resources: readonly GroupResources[];
  nonResourceURLs: readonly string[];
  omitStages: ReadonlySet<Stage>;
  omitManagedFields: boolean;
}

/** What is to be told of one request. */
export interface Telling {
  readonly level: Exclude<Level, 'None'>;
  readonly omitStages: ReadonlySet<Stage>;
  readonly omitManagedFields: boolean;
}

export class AuditPolicyError extends Error { override name = 'AuditPolicyError'; }

function texts(value: unknown, where: string): string[] {
  if (value === undefined || value === null) {
    return [];
  }
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'string')) {
    throw new AuditPolicyError(`${where} must be a list of strings`);
  }
  return value;
}

function stages(value: unknown, where: string): Stage[] {
  return texts(value, where).map((text) => {
    const stage = STAGES.find((one) => one === text);
    if (stage === undefined) {
      throw new AuditPolicyError(`${where}: ${JSON.stringify(text)} is no stage; stages are ${STAGES.join(', ')}`);
    }
    return stage;
  });
}

function list(value: unknown, where: string): unknown[] {
  if (value !== undefined && value !== null && !Array.isArray(value)) {
    throw new AuditPolicyError(`${where} must be a list`);
  }
  return value ?? [];
}

function groupResources(value: unknown, where: string): GroupResources {
  if (!isObject(value)) {
    throw new AuditPolicyError(`${where} must be an object`);
  }
  const { group = '' } = value;
  const [resources, resourceNames] = [texts(value['resources'], `${where}.resources`), texts(value['resourceNames'], `${where}.resourceNames`)];
  if (typeof group !== 'string' || group.includes('/')) {
    throw new AuditPolicyError(`${where}.group must be the name of an API group, without a version`);
  }
  if (resourceNames.length > 0 && resources.length === 0) {
    throw new AuditPolicyError(`${where}: resourceNames need resources`);
  }
  return { group, resources, resourceNames };
}

function ruleOf(value: unknown, where: string, omitted: readonly Stage[], omitManagedFields: boolean): Rule {
  if (!isObject(value)) {
    throw new AuditPolicyError(`${where} must be an object`);
  }
  const level = LEVELS.find((one) => one === value['level']);
  if (level === undefined) {
    throw new AuditPolicyError(`${where}.level must be one of ${LEVELS.join(', ')}`);
  }
  const rule: Rule = {
    level,
    users: texts(value['users'], `${where}.users`), userGroups: texts(value['userGroups'], `${where}.userGroups`), verbs: texts(value['verbs'], `${where}.verbs`),
    namespaces: texts(value['namespaces'], `${where}.namespaces`), nonResourceURLs: texts(value['nonResourceURLs'], `${where}.nonResourceURLs`),
    resources: list(value['resources'], `${where}.resources`).map((one, index) => groupResources(one, `${where}.resources[${index}]`)),
    omitStages: new Set([...omitted, ...stages(value['omitStages'], `${where}.omitStages`)]),
    omitManagedFields: typeof value['omitManagedFields'] === 'boolean' ? value['omitManagedFields'] : omitManagedFields,
  };
  if (rule.nonResourceURLs.length > 0 && (rule.resources.length > 0 || rule.namespaces.length > 0)) {
    throw new AuditPolicyError(`${where} cannot apply to both regular resources and non-resource URLs`);
  }
  return rule;
}

function matchesName(pattern: string, resource: string, subresource: string): boolean {
  const whole = subresource === '' ? resource : `${resource}/${subresource}`;
  return pattern === '*' || pattern === whole || (subresource !== '' && pattern === `*/${subresource}`) || pattern === `${resource}/*`;
}

function matchesResource({ namespaces, resources }: Rule, info: RequestInfo): boolean {
  if (!info.isResource || (namespaces.length > 0 && !namespaces.includes(info.namespace))) {
    return false;
  }
  return resources.length === 0 || resources.some(({ group, resources: names, resourceNames }) => group === info.group && (names.length === 0
    || (names.some((name) => matchesName(name, info.resource, info.subresource)) && (resourceNames.length === 0 || resourceNames.includes(info.name)))));
}

const matchesPath = (pattern: string, path: string): boolean =>
  pattern === '*' || pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1)));

function matches(rule: Rule, user: User, verb: RequestVerb, info: RequestInfo): boolean {
  if ((rule.users.length > 0 && !rule.users.includes(user.name))
    || (rule.userGroups.length > 0 && !rule.userGroups.some((group) => user.groups.includes(group)))
    || (rule.verbs.length > 0 && !rule.verbs.includes(verb))) {
    return false;
  }
  if (rule.namespaces.length > 0 || rule.resources.length > 0) {
    return matchesResource(rule, info);
  }
  return rule.nonResourceURLs.length === 0 || (!info.isResource && rule.nonResourceURLs.some((pattern) => matchesPath(pattern, info.path)));
}

export class AuditPolicy {
  readonly #rules: readonly Rule[];

  constructor(rules: readonly Rule[]) {
    this.#rules = rules;
  }

  /** YAML or JSON. Throws AuditPolicyError with a sentence that says where it is wrong. */
  static parse(text: string): AuditPolicy {
    let value: unknown;
    try {
      value = parse(text);
    } catch (error) {
      throw new AuditPolicyError(`the audit policy is no YAML: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
    if (!isObject(value) || value['kind'] !== 'Policy' || value['apiVersion'] !== 'audit.k8s.io/v1') {
      throw new AuditPolicyError('the audit policy must be of apiVersion audit.k8s.io/v1 and kind Policy');
    }
    const omitted = stages(value['omitStages'], 'omitStages');
    const rules = list(value['rules'], 'rules');
    if (rules.length === 0) {
      throw new AuditPolicyError('the audit policy has no rules');
    }
    return new AuditPolicy(rules.map((rule, index) => ruleOf(rule, `rules[${index}]`, omitted, value['omitManagedFields'] === true)));
  }

  /** By the first rule that matches; undefined when nothing is to be told. */
  tellingOf(user: User, verb: RequestVerb, info: RequestInfo): Telling | undefined {
    const rule = this.#rules.find((one) => matches(one, user, verb, info));
    return rule === undefined || rule.level === 'None' ? undefined
      : { level: rule.level, omitStages: rule.omitStages, omitManagedFields: rule.omitManagedFields };
  }
}
