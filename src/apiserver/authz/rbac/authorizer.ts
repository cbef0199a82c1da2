/** Role-based access control: allowed is what some binding grants; there is no rule that forbids. */
import type { PolicyRule } from '../../../kinds/generated/rbac.ts';
import { MAX_COMPILED_USERS } from '../../limits.ts';
import type { User } from '../../types.ts';
import type { Attributes, Authorizer, Decision, Rules } from '../authorizer.ts';
import { Permissions } from './permissions.ts';
import { CLUSTER, type RoleIndex } from './roleindex.ts';

/** What is compiled of one user's rights, of one generation of roles and bindings. */
interface Compiled {
  generation: number;
  readonly cluster: Permissions;
  /** Namespaces asked about; those in which nothing is bound to the user hold undefined. */
  readonly namespaces: Map<string, Permissions | undefined>;
}

const NOTHING = new Permissions();
/** Namespaces remembered per user; one that names more makes the server look again. */
const MAX_NAMESPACES = 4096;

const identityOf = ({ name, groups }: User): string => JSON.stringify([name, ...groups]);

export class RbacAuthorizer implements Authorizer {
  readonly #index: RoleIndex;
  /** Users are one object per connection or token, so that most questions need no key. */
  readonly #byUser = new WeakMap<User, Compiled>();
  readonly #byIdentity = new Map<string, Compiled>();

  constructor(index: RoleIndex) {
    this.#index = index;
  }

  authorize(attributes: Attributes): Decision {
    const compiled = this.#compiled(attributes.user);
    const everywhere = compiled.cluster.check(attributes);
    if (everywhere !== undefined) {
      return everywhere;
    }
    const here = attributes.isResource && attributes.namespace !== '' ? this.#inNamespace(compiled, attributes) : undefined;
    return here?.check(attributes) ?? compiled.cluster.denial(here ?? NOTHING);
  }

  #inNamespace(compiled: Compiled, { user, namespace }: Attributes): Permissions | undefined {
    const { namespaces } = compiled;
    const known = namespaces.get(namespace);
    if (known !== undefined || namespaces.has(namespace)) {
      return known;
    }
    if (namespaces.size >= MAX_NAMESPACES) {
      namespaces.clear();
    }
    const made = this.#index.permissions(user, namespace);
    namespaces.set(namespace, made);
    return made;
  }

  #compiled(user: User): Compiled {
    const known = this.#byUser.get(user);
    if (known !== undefined && known.generation === this.#index.generation) {
      return known;
    }
    const identity = identityOf(user);
    let compiled = this.#byIdentity.get(identity);
    if (compiled === undefined || compiled.generation !== this.#index.generation) {
      if (this.#byIdentity.size >= MAX_COMPILED_USERS) {
        this.#byIdentity.clear();
      }
      compiled = { generation: this.#index.generation, cluster: this.#index.permissions(user, CLUSTER) ?? new Permissions(), namespaces: new Map() };
      this.#byIdentity.set(identity, compiled);
    }
    this.#byUser.set(user, compiled);
    return compiled;
  }

  /** Every rule that holds for a user in a namespace, and what could not be found out. */
  rulesIn(user: User, namespace: string): { rules: readonly PolicyRule[]; errors: readonly string[] } {
    const { cluster } = this.#compiled(user);
    const here = (namespace === '' ? undefined : this.#index.permissions(user, namespace)) ?? NOTHING;
    return { rules: [...cluster.rules, ...here.rules], errors: [...new Set([...cluster.errors, ...here.errors])] };
  }

  rulesFor(user: User, namespace: string): Rules {
    const { rules, errors } = this.rulesIn(user, namespace);
    return {
      resourceRules: rules.filter(({ resources }) => (resources ?? []).length > 0).map(({ verbs, apiGroups, resources, resourceNames }) => ({
        verbs: [...verbs], apiGroups: [...apiGroups ?? []], resources: [...resources ?? []], ...(resourceNames?.length ? { resourceNames: [...resourceNames] } : {}),
      })),
      nonResourceRules: rules.filter(({ nonResourceURLs }) => (nonResourceURLs ?? []).length > 0)
        .map(({ verbs, nonResourceURLs }) => ({ verbs: [...verbs], nonResourceURLs: [...nonResourceURLs ?? []] })),
      incomplete: errors.length > 0,
      ...(errors.length === 0 ? {} : { evaluationError: errors.join(', ') }),
    };
  }
}
