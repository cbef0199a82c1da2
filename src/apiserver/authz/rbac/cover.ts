/** Whether some rules grant all that others grant: for escalation checks, and for finding what a default role has lost. */
import type { PolicyRule } from '../../../kinds/generated/rbac.ts';
import { MAX_RULE_PARTS } from '../../limits.ts';

const ALL = '*';

const has = (owned: readonly string[] | undefined, wanted: string): boolean => (owned ?? []).some((one) => one === ALL || one === wanted);

/** `*`, the resource itself, or the subresource of any resource. */
function hasResource(owned: readonly string[] | undefined, wanted: string): boolean {
  if (has(owned, wanted)) {
    return true;
  }
  const slash = wanted.indexOf('/');
  return slash >= 0 && (owned ?? []).includes(`${ALL}${wanted.slice(slash)}`);
}

const hasPath = (owned: readonly string[] | undefined, wanted: string): boolean =>
  (owned ?? []).some((one) => one === wanted || one === ALL || (one.endsWith(ALL) && wanted.startsWith(one.slice(0, -1))));

/** One verb on one thing. */
export interface RulePart {
  readonly verb: string;
  readonly group?: string;
  readonly resource?: string;
  readonly name?: string;
  readonly path?: string;
}

export class TooManyPartsError extends Error { override name = 'TooManyPartsError'; }

/** Every combination a rule grants. */
function* partsOfRule({ verbs, apiGroups, resources, resourceNames, nonResourceURLs }: PolicyRule): Generator<RulePart> {
  for (const verb of verbs) {
    for (const path of nonResourceURLs ?? []) {
      yield { verb, path };
    }
    for (const group of apiGroups ?? []) {
      for (const resource of resources ?? []) {
        if ((resourceNames ?? []).length === 0) {
          yield { verb, group, resource };
        }
        for (const name of resourceNames ?? []) {
          yield { verb, group, resource, name };
        }
      }
    }
  }
}

/** Throws TooManyPartsError when rules multiply out to more than anybody would look through. */
function* parts(rules: readonly PolicyRule[]): Generator<RulePart> {
  let count = 0;
  for (const rule of rules) {
    for (const part of partsOfRule(rule)) {
      count += 1;
      if (count > MAX_RULE_PARTS) {
        throw new TooManyPartsError(`the rules grant more than ${MAX_RULE_PARTS} single rights`);
      }
      yield part;
    }
  }
}

function grants(owned: PolicyRule, { verb, group, resource, name, path }: RulePart): boolean {
  if (!has(owned.verbs, verb)) {
    return false;
  }
  if (path !== undefined) {
    return hasPath(owned.nonResourceURLs, path);
  }
  const names = owned.resourceNames ?? [];
  return has(owned.apiGroups, group ?? '') && hasResource(owned.resources, resource ?? '')
    && (names.length === 0 || (name !== undefined && names.includes(name)));
}

/** What of `wanted` is not in `owned`, verbs of the same thing together. Throws TooManyPartsError. */
export function missingRules(owned: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  const missing = new Map<string, PolicyRule>();
  for (const part of parts(wanted)) {
    if (owned.some((rule) => grants(rule, part))) {
      continue;
    }
    const { verb, group, resource, name, path } = part;
    const key = JSON.stringify([group, resource, name, path]);
    const known = missing.get(key);
    if (known === undefined) {
      missing.set(key, path === undefined
        ? { verbs: [verb], apiGroups: [group ?? ''], resources: [resource ?? ''], ...(name === undefined ? {} : { resourceNames: [name] }) }
        : { verbs: [verb], nonResourceURLs: [path] });
    } else if (!known.verbs.includes(verb)) {
      known.verbs.push(verb);
    }
  }
  return [...missing.values()];
}

const listed = (values: readonly string[]): string => `[${values.map((value) => JSON.stringify(value)).join(' ')}]`;

/** A rule as kube-apiserver writes it into a refusal: `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`. */
export function ruleText({ apiGroups, resources, resourceNames, nonResourceURLs, verbs }: PolicyRule): string {
  const members: [string, readonly string[] | undefined][] = [
    ['APIGroups', apiGroups], ['Resources', resources], ['ResourceNames', resourceNames], ['NonResourceURLs', nonResourceURLs], ['Verbs', verbs],
  ];
  return `{${members.flatMap(([name, values]) => (values === undefined || values.length === 0 ? [] : [`${name}:${listed(values)}`])).join(', ')}}`;
}

/** Texts in quotes as Go's %q of a list: `["a" "b"]`. */
export const quotedList = listed;
