/**
 * Roles and bindings as authorisation asks for them: by subject, and by namespace. Kept up with every committed write, so that thousands of
 * bindings cost a request nothing and a new one counts from the moment its client is told of it.
 */
import type { KubeObject } from '../../../apimachinery/object.ts';
import type { PolicyRule, RoleBinding, RoleRef, Subject } from '../../../kinds/generated/rbac.ts';
import { typed } from '../../../kinds/typed.ts';
import type { AnyKind } from '../../../kinds/kind.ts';
import type { Registry } from '../../../kinds/registry.ts';
import type { Store } from '../../../store/store.ts';
import type { AdmissionPlugin } from '../../admission/admission.ts';
import type { User } from '../../types.ts';
import type { Decision } from '../authorizer.ts';
import { entryOf, Permissions } from './permissions.ts';

export const RBAC_GROUP = 'rbac.authorization.k8s.io';
const PLURALS = ['clusterroles', 'roles', 'clusterrolebindings', 'rolebindings'] as const;
type Plural = (typeof PLURALS)[number];

/** A role that some bindings give to one subject. */
interface Bound {
  readonly role: RoleRef;
  /** By the binding's name. Any of them will do. */
  readonly decisions: Map<string, Decision>;
}

/** Subject → role → the bindings. */
type Subjects = Map<string, Map<string, Bound>>;

/** Namespaces whose changes are told apart; beyond that a change counts for all of them. */
const MAX_CHANGED_NAMESPACES = 10_000;

/** Cluster-wide bindings stand under this instead of a namespace's name. */
export const CLUSTER = '';

const isPlural = (plural: string): plural is Plural => PLURALS.some((one) => one === plural);

const userKey = (name: string): string => `u:${name}`;
const groupKey = (name: string): string => `g:${name}`;

/** Cluster roles stand under a namespace that no role can have. */
const roleKey = (kind: string, namespace: string, name: string): string => `${kind === 'ClusterRole' ? CLUSTER : namespace}/${name}`;

function subjectKey(subject: Subject, namespace: string): string | undefined {
  switch (subject.kind) {
    case 'User': return userKey(subject.name);
    case 'Group': return groupKey(subject.name);
    case 'ServiceAccount': {
      const own = subject.namespace || namespace;
      return own === '' ? undefined : userKey(`system:serviceaccount:${own}:${subject.name}`);
    }
    default: return undefined;
  }
}

function describe(subject: Subject, namespace: string): string {
  const name = subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace || namespace}` : subject.name;
  return `${subject.kind} ${JSON.stringify(name)}`;
}

/** What SubjectAccessReview says of an allowed question. */
function reasonOf(binding: RoleBinding, namespace: string, subject: Subject): string {
  const { roleRef, metadata: { name } } = binding;
  const which = namespace === CLUSTER ? `ClusterRoleBinding ${JSON.stringify(name)}` : `RoleBinding ${JSON.stringify(`${name}/${namespace}`)}`;
  return `RBAC: allowed by ${which} of ${roleRef.kind} ${JSON.stringify(roleRef.name)} to ${describe(subject, namespace)}`;
}

const rulesOf = (object: KubeObject): readonly PolicyRule[] =>
  (object.kind === 'ClusterRole' ? typed('rbac.authorization.k8s.io/v1 ClusterRole', object) : typed('rbac.authorization.k8s.io/v1 Role', object)).rules ?? [];

const bindingOf = (object: KubeObject): RoleBinding => (object.kind === 'ClusterRoleBinding'
  ? typed('rbac.authorization.k8s.io/v1 ClusterRoleBinding', object) : typed('rbac.authorization.k8s.io/v1 RoleBinding', object));

/** Takes a binding from a subject's roles; whether no role is left. */
function isEmptyWithout(roles: Map<string, Bound>, key: string, binding: string): boolean {
  const decisions = roles.get(key)?.decisions;
  decisions?.delete(binding);
  if (decisions?.size === 0) {
    roles.delete(key);
  }
  return roles.size === 0;
}

export class RoleIndex implements AdmissionPlugin {
  readonly name = 'RBAC';
  readonly #roles = new Map<string, readonly PolicyRule[]>();
  /** By namespace, `CLUSTER` for cluster-wide bindings. */
  readonly #bindings = new Map<string, Subjects>();
  /** Changes so far; when there was one that concerns all namespaces, and in which namespace when. */
  #changes = 1;
  #everywhere = 1;
  readonly #changed = new Map<string, number>();

  /** An index of what is stored; it follows later writes as an admission plugin. */
  static load(store: Store, registry: Registry): RoleIndex {
    const index = new RoleIndex();
    for (const plural of PLURALS) {
      const kind = registry.byResource(RBAC_GROUP, 'v1', plural);
      for (const { object } of kind === undefined ? [] : store.list(registry.storagePrefix(kind)).items) {
        index.#apply(plural, object, undefined);
      }
    }
    return index;
  }

  committed(kind: AnyKind, now: KubeObject | undefined, before: KubeObject | undefined): void {
    if (kind.group === RBAC_GROUP && isPlural(kind.plural)) {
      this.#apply(kind.plural, now, before);
    }
  }

  #apply(plural: Plural, now: KubeObject | undefined, before: KubeObject | undefined): void {
    this.#changes += 1;
    const { namespace = CLUSTER } = (now ?? before)?.metadata ?? {};
    if (namespace === CLUSTER || this.#changed.size >= MAX_CHANGED_NAMESPACES) {
      this.#everywhere = this.#changes;
      this.#changed.clear();
    } else {
      this.#changed.set(namespace, this.#changes);
    }
    if (plural === 'roles' || plural === 'clusterroles') {
      const kind = plural === 'roles' ? 'Role' : 'ClusterRole';
      if (before !== undefined) {
        this.#roles.delete(roleKey(kind, before.metadata.namespace ?? '', before.metadata.name));
      }
      if (now !== undefined) {
        this.#roles.set(roleKey(kind, now.metadata.namespace ?? '', now.metadata.name), rulesOf(now));
      }
      return;
    }
    if (before !== undefined) {
      this.#unbind(bindingOf(before));
    }
    if (now !== undefined) {
      this.#bind(bindingOf(now));
    }
  }

  /** A number that is another one after every change that concerns a namespace, or with `CLUSTER` all of them: for what is compiled. */
  version(namespace: string): number {
    return namespace === CLUSTER ? this.#everywhere : Math.max(this.#everywhere, this.#changed.get(namespace) ?? 0);
  }

  #bind(binding: RoleBinding): void {
    const { roleRef: role, metadata: { namespace = CLUSTER, name } } = binding;
    const subjects = entryOf(this.#bindings, namespace, (): Subjects => new Map());
    const key = roleKey(role.kind, namespace, role.name);
    for (const subject of binding.subjects ?? []) {
      const who = subjectKey(subject, namespace);
      if (who !== undefined) {
        const roles = entryOf(subjects, who, () => new Map<string, Bound>());
        entryOf(roles, key, () => ({ role, decisions: new Map() })).decisions.set(name, { allowed: true, reason: reasonOf(binding, namespace, subject) });
      }
    }
  }

  #unbind({ roleRef: role, subjects: bound, metadata: { namespace = CLUSTER, name } }: RoleBinding): void {
    const subjects = this.#bindings.get(namespace);
    if (subjects === undefined) {
      return;
    }
    const key = roleKey(role.kind, namespace, role.name);
    for (const subject of bound ?? []) {
      const who = subjectKey(subject, namespace) ?? '';
      const roles = subjects.get(who);
      if (roles !== undefined && isEmptyWithout(roles, key, name)) {
        subjects.delete(who);
      }
    }
    if (subjects.size === 0) {
      this.#bindings.delete(namespace);
    }
  }

  /** The rules of a role; undefined when there is no such role. */
  rulesOf(role: Pick<RoleRef, 'kind' | 'name'>, namespace: string): readonly PolicyRule[] | undefined {
    return this.#roles.get(roleKey(role.kind, namespace, role.name));
  }

  /** What the bindings of one namespace, or with `CLUSTER` the cluster-wide ones, grant a user. Undefined when there is none for it. */
  permissions(user: User, namespace: string): Permissions | undefined {
    const subjects = this.#bindings.get(namespace);
    if (subjects === undefined) {
      return undefined;
    }
    let permissions: Permissions | undefined;
    const seen = new Set<string>();
    for (const key of [userKey(user.name), ...user.groups.map(groupKey)]) {
      for (const [role, { role: reference, decisions }] of subjects.get(key) ?? []) {
        const [decision] = decisions.values();
        if (decision === undefined || seen.has(role)) {
          continue;
        }
        seen.add(role);
        permissions ??= new Permissions();
        const rules = this.#roles.get(role);
        if (rules === undefined) {
          permissions.addError(`${reference.kind.toLowerCase()}.${RBAC_GROUP} ${JSON.stringify(reference.name)} not found`);
        } else {
          permissions.add(rules, decision);
        }
      }
    }
    return permissions;
  }
}
