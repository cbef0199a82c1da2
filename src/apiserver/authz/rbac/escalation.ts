/** Nobody gives away what they do not have: kube-apiserver's checks on roles and bindings, with its texts. */
import { forbidden, notFound, type StatusError } from '../../../apimachinery/status.ts';
import type { KubeObject } from '../../../apimachinery/object.ts';
import { deepEqual } from '../../../apimachinery/values.ts';
import type { ClusterRole, ClusterRoleBinding, PolicyRule, RoleRef } from '../../../kinds/generated/rbac.ts';
import { typed } from '../../../kinds/typed.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../../admission/admission.ts';
import type { Attributes, Authorizer } from '../authorizer.ts';
import { MASTERS } from '../masters.ts';
import type { RbacAuthorizer } from './authorizer.ts';
import { missingRules, quotedList, ruleText, TooManyPartsError } from './cover.ts';
import { RBAC_GROUP, type RoleIndex } from './roleindex.ts';

const FULL_AUTHORITY: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] }, { verbs: ['*'], nonResourceURLs: ['*'] },
];

const CLUSTER_ROLE = 'rbac.authorization.k8s.io/v1 ClusterRole';
const CLUSTER_BINDING = 'rbac.authorization.k8s.io/v1 ClusterRoleBinding';

const roleOf = (object: KubeObject): ClusterRole =>
  (object.kind === 'ClusterRole' ? typed(CLUSTER_ROLE, object) : typed('rbac.authorization.k8s.io/v1 Role', object));
const bindingOf = (object: KubeObject): ClusterRoleBinding =>
  (object.kind === 'ClusterRoleBinding' ? typed(CLUSTER_BINDING, object) : typed('rbac.authorization.k8s.io/v1 RoleBinding', object));

/** What may change without anybody's rights growing: what garbage collection writes, and who wrote it. */
function withoutBookkeeping(role: ClusterRole): Record<string, unknown> {
  const { metadata, ...rest } = role;
  return { ...rest, metadata: { ...metadata, ownerReferences: undefined, finalizers: undefined, managedFields: undefined, resourceVersion: undefined, generation: undefined } };
}

export class EscalationCheck implements AdmissionPlugin {
  readonly name = 'RBACEscalation';
  readonly #index: RoleIndex;
  readonly #rbac: RbacAuthorizer;
  readonly #authorizer: Authorizer;

  /** `authorizer` is the whole policy, asked for the verbs `escalate` and `bind`. */
  constructor(index: RoleIndex, rbac: RbacAuthorizer, authorizer: Authorizer) {
    this.#index = index;
    this.#rbac = rbac;
    this.#authorizer = authorizer;
  }

  validate(request: AdmissionRequest): Promise<void> | undefined {
    const { kind, operation, object, user } = request;
    if (kind.group !== RBAC_GROUP || (operation !== 'CREATE' && operation !== 'UPDATE') || object === undefined || user.groups.includes(MASTERS)) {
      return undefined;
    }
    return kind.plural === 'roles' || kind.plural === 'clusterroles'
      ? this.#role(request, roleOf(object), request.old === undefined ? undefined : roleOf(request.old))
      : this.#binding(request, bindingOf(object), request.old === undefined ? undefined : bindingOf(request.old));
  }

  async #allowed(request: AdmissionRequest, verb: 'escalate' | 'bind', resource: string, name: string): Promise<boolean> {
    const attributes: Attributes = {
      user: request.user, verb, isResource: true, group: RBAC_GROUP, version: 'v1', resource, subresource: '', namespace: request.namespace, name, path: '',
    };
    return (await this.#authorizer.authorize(attributes)).allowed;
  }

  async #role(request: AdmissionRequest, role: ClusterRole, old: ClusterRole | undefined): Promise<void> {
    // A label is enough to have a role's rules gathered into another one.
    if ((old !== undefined && deepEqual(withoutBookkeeping(old), withoutBookkeeping(role)))
      || await this.#allowed(request, 'escalate', request.kind.plural, request.name)) {
      return;
    }
    this.#mustHold(request, role.rules ?? []);
    if ((role.aggregationRule ?? old?.aggregationRule) !== undefined && this.#missing(request, FULL_AUTHORITY).length > 0) {
      throw this.#refusal(request, 'must have cluster-admin privileges to use the aggregationRule');
    }
  }

  async #binding(request: AdmissionRequest, binding: ClusterRoleBinding, old: ClusterRoleBinding | undefined): Promise<void> {
    const { roleRef: role } = binding;
    if (old !== undefined && deepEqual(old.roleRef, role) && deepEqual(old.subjects, binding.subjects)) {
      return;
    }
    if (await this.#allowed(request, 'bind', role.kind === 'ClusterRole' ? 'clusterroles' : 'roles', role.name)) {
      return;
    }
    const rules = this.#index.rulesOf(role, request.namespace);
    if (rules === undefined) {
      throw this.#notFound(role);
    }
    this.#mustHold(request, rules);
  }

  #notFound(role: RoleRef): StatusError {
    return notFound({ group: RBAC_GROUP, resource: role.kind.toLowerCase(), name: role.name });
  }

  #missing({ user, namespace }: AdmissionRequest, rules: readonly PolicyRule[]): PolicyRule[] {
    return missingRules(this.#rbac.rulesIn(user, namespace).rules, rules);
  }

  #refusal({ kind, name }: AdmissionRequest, why: string): StatusError {
    return forbidden({ group: kind.group, resource: kind.plural, name }, why);
  }

  /** Throws Forbidden with what the user lacks. */
  #mustHold(request: AdmissionRequest, rules: readonly PolicyRule[]): void {
    const { user, namespace } = request;
    let missing: PolicyRule[];
    try {
      missing = this.#missing(request, rules);
    } catch (error) {
      if (error instanceof TooManyPartsError) {
        throw this.#refusal(request, error.message);
      }
      throw error;
    }
    if (missing.length > 0) {
      const { errors } = this.#rbac.rulesIn(user, namespace);
      const texts = missing.map(ruleText).sort();
      throw this.#refusal(request, `user ${JSON.stringify(user.name)} (groups=${quotedList(user.groups)}) is attempting to grant RBAC permissions not currently held:\n`
        + `${texts.join('\n')}${errors.length === 0 ? '' : `; resolution errors: [${errors.join(', ')}]`}`);
    }
  }
}
