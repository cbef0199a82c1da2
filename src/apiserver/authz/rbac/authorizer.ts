/** Role-based access control: allowed is what some binding grants; there is no rule that forbids. */
import type { PolicyRule } from '../../../kinds/generated/rbac.ts';
import { MAX_COMPILED_USERS } from '../../limits.ts';
import type { User } from '../../types.ts';
import type { Attributes, Authorizer, Decision, Rules } from '../authorizer.ts';
import { Permissions } from './permissions.ts';
import { CLUSTER, type RoleIndex } from './roleindex.ts';

/** One user's rights in one place, of one version of the roles and bindings that concern it. Undefined where nothing is bound to the user. */
interface Compiled {
  readonly version: number;
  readonly permissions: Permissions | undefined;
}

/** By namespace, and under `CLUSTER` those that hold everywhere. */
type Places = Map<string, Compiled>;

const NOTHING = new Permissions();
/** Places remembered per user; one that names more makes the server look again. */
const MAX_NAMESPACES = 4096;

const identityOf = ({ name, groups }: User): string => JSON.stringify([name, ...groups]);

export class RbacAuthorizer implements Authorizer {
  readonly #index: RoleIndex;
  /** Users are one object per connection or token, so that most questions need no key. */
  readonly #byUser = new WeakMap<User, Places>();
  readonly #byIdentity = new Map<string, Places>();

  constructor(index: RoleIndex) {
    this.#index = index;
  }

  authorize(attributes: Attributes): Decision {
    const { user, isResource, namespace } = attributes;
    const places = this.#placesOf(user);
    const everywhere = this.#in(places, user, CLUSTER) ?? NOTHING;
    const found = everywhere.check(attributes);
    if (found !== undefined) {
      return found;
    }
    const here = isResource && namespace !== CLUSTER ? this.#in(places, user, namespace) ?? NOTHING : NOTHING;
    return here.check(attributes) ?? everywhere.denial(here);
  }

  #in(places: Places, user: User, namespace: string): Permissions | undefined {
    const known = places.get(namespace);
    const version = this.#index.version(namespace);
    if (known !== undefined && known.version === version) {
      return known.permissions;
    }
    if (places.size >= MAX_NAMESPACES) {
      places.clear();
    }
    const permissions = this.#index.permissions(user, namespace);
    places.set(namespace, { version, permissions });
    return permissions;
  }

  #placesOf(user: User): Places {
    let places = this.#byUser.get(user);
    if (places !== undefined) {
      return places;
    }
    const identity = identityOf(user);
    places = this.#byIdentity.get(identity);
    if (places === undefined) {
      if (this.#byIdentity.size >= MAX_COMPILED_USERS) {
        this.#byIdentity.clear();
      }
      places = new Map();
      this.#byIdentity.set(identity, places);
    }
    this.#byUser.set(user, places);
    return places;
  }

  /** Every rule that holds for a user in a namespace, and what could not be found out. */
  rulesIn(user: User, namespace: string): { rules: readonly PolicyRule[]; errors: readonly string[] } {
    const places = this.#placesOf(user);
    const everywhere = this.#in(places, user, CLUSTER) ?? NOTHING;
    const here = (namespace === CLUSTER ? undefined : this.#in(places, user, namespace)) ?? NOTHING;
    return { rules: [...everywhere.rules, ...here.rules], errors: [...new Set([...everywhere.errors, ...here.errors])] };
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
