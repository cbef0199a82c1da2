/** What one subject may do in one place, as tables: a question costs a handful of look-ups however many roles grant it. */
import type { PolicyRule } from '../../../kinds/generated/rbac.ts';
import type { Attributes, Decision } from '../authorizer.ts';

/** Verb → the decision that allows it. The decision says through which binding; it is made once per binding. */
type Verbs = Map<string, Decision>;

interface Resource {
  /** Granted for every name. */
  readonly any: Verbs;
  /** Granted for these names only. */
  readonly named: Map<string, Verbs>;
}

const ALL = '*';

const grant = (verbs: Verbs, names: readonly string[], decision: Decision): void => {
  for (const verb of names) {
    if (!verbs.has(verb)) {
      verbs.set(verb, decision);
    }
  }
};

const allowed = (verbs: Verbs, verb: string): Decision | undefined => verbs.get(verb) ?? verbs.get(ALL);

/** The entry of a key, made when there is none. */
export function entryOf<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let entry = map.get(key);
  if (entry === undefined) {
    entry = make();
    map.set(key, entry);
  }
  return entry;
}

export class Permissions {
  // By API group (`*` for all), then by resource: `pods`, `pods/log`, `*`, `*/scale` (of any resource).
  readonly #groups = new Map<string, Map<string, Resource>>();
  readonly #paths = new Map<string, Verbs>();
  /** Of non-resource URLs that end in `*`: the part before it. */
  readonly #prefixes = new Map<string, Verbs>();
  readonly #rules: PolicyRule[] = [];
  /** Texts about roles that bindings name and that are not there. */
  readonly #errors = new Set<string>();
  /** Refusals by the errors of the other place: texts are put together once. */
  readonly #denials = new WeakMap<ReadonlySet<string>, Decision>();

  /** Adds what a role grants through one binding. A rule granted before keeps its first decision. */
  add(rules: readonly PolicyRule[], decision: Decision): void {
    for (const rule of rules) {
      this.#rules.push(rule);
      this.#addPaths(rule, decision);
      for (const group of rule.apiGroups ?? []) {
        const resources = entryOf(this.#groups, group, () => new Map<string, Resource>());
        for (const name of rule.resources ?? []) {
          const resource = entryOf(resources, name, () => ({ any: new Map(), named: new Map() }));
          this.#addVerbs(resource, rule, decision);
        }
      }
    }
  }

  #addVerbs(resource: Resource, rule: PolicyRule, decision: Decision): void {
    const names = rule.resourceNames ?? [];
    if (names.length === 0) {
      grant(resource.any, rule.verbs, decision);
    }
    for (const name of names) {
      grant(entryOf(resource.named, name, () => new Map()), rule.verbs, decision);
    }
  }

  #addPaths(rule: PolicyRule, decision: Decision): void {
    for (const path of rule.nonResourceURLs ?? []) {
      const verbs = path.endsWith(ALL) ? entryOf(this.#prefixes, path.slice(0, -1), () => new Map()) : entryOf(this.#paths, path, () => new Map());
      grant(verbs, rule.verbs, decision);
    }
  }

  addError(text: string): void {
    this.#errors.add(text);
  }

  /** Every rule granted, for SelfSubjectRulesReview and escalation checks. */
  get rules(): readonly PolicyRule[] {
    return this.#rules;
  }

  get errors(): ReadonlySet<string> {
    return this.#errors;
  }

  /** The decision that allows this; undefined when none does. */
  check(attributes: Attributes): Decision | undefined {
    return attributes.isResource ? this.#resource(attributes) : this.#path(attributes.path, attributes.verb);
  }

  #resource(attributes: Attributes): Decision | undefined {
    const own = this.#groups.get(attributes.group);
    const found = own === undefined ? undefined : inGroup(own, attributes);
    if (found !== undefined) {
      return found;
    }
    const all = this.#groups.get(ALL);
    return all === undefined ? undefined : inGroup(all, attributes);
  }

  #path(path: string, verb: string): Decision | undefined {
    const exact = this.#paths.get(path);
    const found = exact === undefined ? undefined : allowed(exact, verb);
    if (found !== undefined) {
      return found;
    }
    for (const [prefix, verbs] of this.#prefixes) {
      const decision = path.startsWith(prefix) ? allowed(verbs, verb) : undefined;
      if (decision !== undefined) {
        return decision;
      }
    }
    return undefined;
  }

  /** A refusal with what RBAC has to say for itself, here and in another place, as Kubernetes words it. */
  denial({ errors: others }: Permissions): Decision {
    let denial = this.#denials.get(others);
    if (denial === undefined) {
      const texts = [...new Set([...this.#errors, ...others])];
      denial = { allowed: false, reason: texts.length === 0 ? '' : `RBAC: ${texts.length === 1 ? texts[0] ?? '' : `[${texts.join(', ')}]`}` };
      this.#denials.set(others, denial);
    }
    return denial;
  }
}

function inGroup(resources: ReadonlyMap<string, Resource>, { resource, subresource, name, verb }: Attributes): Decision | undefined {
  const whole = subresource === '' ? resource : `${resource}/${subresource}`;
  return inResource(resources.get(whole), name, verb)
    ?? inResource(resources.get(ALL), name, verb)
    ?? (subresource === '' ? undefined : inResource(resources.get(`${ALL}/${subresource}`), name, verb));
}

function inResource(resource: Resource | undefined, name: string, verb: string): Decision | undefined {
  if (resource === undefined) {
    return undefined;
  }
  const any = allowed(resource.any, verb);
  if (any !== undefined || resource.named.size === 0) {
    return any;
  }
  const named = resource.named.get(name);
  return named === undefined ? undefined : allowed(named, verb);
}
