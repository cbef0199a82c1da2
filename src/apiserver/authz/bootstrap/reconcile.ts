/**
 * The default roles and bindings at a server's start: made when missing, and given back what they lost, as kube-apiserver does. What somebody
 * added stays; an object whose annotation `autoupdate` is `false` is left alone.
 */
import type { KubeObject } from '../../../apimachinery/object.ts';
import { isStatusError } from '../../../apimachinery/status.ts';
import { deepClone, deepEqual } from '../../../apimachinery/values.ts';
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '../../../kinds/generated/rbac.ts';
import type { AnyKind } from '../../../kinds/kind.ts';
import { serverContext } from '../../self.ts';
import { asKubeObject, decodeTyped, expectedOf } from '../../verbs/body.ts';
import type { Core, Target } from '../../verbs/core.ts';
import { deleteObject } from '../../verbs/deletes.ts';
import { createObject, updateObject } from '../../verbs/writes.ts';
import { missingRules } from '../rbac/cover.ts';
import { RBAC_GROUP } from '../rbac/roleindex.ts';
import { AUTOUPDATE, bootstrapPolicy } from './policy.ts';

type AnyRole = ClusterRole | Role;
type AnyBinding = ClusterRoleBinding | RoleBinding;
type Wanted = AnyRole | AnyBinding;

const isBinding = (object: Wanted): object is AnyBinding => 'roleRef' in object;

/** Labels and annotations, those that are there already counting more. */
function withMetadata(current: KubeObject, wanted: Wanted): KubeObject['metadata'] {
  const { labels, annotations } = wanted.metadata;
  return {
    ...current.metadata, labels: { ...labels, ...current.metadata.labels }, annotations: { ...annotations, ...current.metadata.annotations },
  };
}

/** The current role with what it lacks of the wanted one. */
function reconciledRole(current: AnyRole, wanted: AnyRole): AnyRole {
  const metadata = withMetadata(current, wanted);
  if ('aggregationRule' in wanted && wanted.aggregationRule !== undefined) {
    const own = 'aggregationRule' in current ? current.aggregationRule?.clusterRoleSelectors ?? [] : [];
    const lost = (wanted.aggregationRule.clusterRoleSelectors ?? []).filter((one) => !own.some((there) => deepEqual(there, one)));
    return { ...current, metadata, aggregationRule: { clusterRoleSelectors: [...own, ...lost] } };
  }
  const rules = current.rules ?? [];
  const lost = deepEqual(rules, wanted.rules) ? [] : missingRules(rules, wanted.rules ?? []);
  return { ...current, metadata, ...(lost.length === 0 ? {} : { rules: [...rules, ...lost] }) };
}

function reconciledBinding(current: AnyBinding, wanted: AnyBinding): AnyBinding {
  const subjects = current.subjects ?? [];
  const lost = (wanted.subjects ?? []).filter((one) => !subjects.some((there) => deepEqual(there, one)));
  return { ...current, metadata: withMetadata(current, wanted), ...(lost.length === 0 ? {} : { subjects: [...subjects, ...lost] }) };
}

/** Whether an object is just as it was made, which spares every start but the first the rest. */
const stands = (current: KubeObject, wanted: Wanted): boolean =>
  deepEqual(current.metadata.labels, wanted.metadata.labels) && deepEqual(current.metadata.annotations, wanted.metadata.annotations)
  && ['rules', 'aggregationRule', 'roleRef', 'subjects'].every((name) => deepEqual(Reflect.get(current, name), Reflect.get(wanted, name)));

class Reconciler {
  readonly #core: Core;
  readonly #context = serverContext();

  constructor(core: Core) {
    this.#core = core;
  }

  async ensure(plural: string, wanted: Wanted): Promise<void> {
    const kind = this.#core.registry.byResource(RBAC_GROUP, 'v1', plural);
    if (kind === undefined) {
      return;
    }
    const target: Target = { kind, namespace: wanted.metadata.namespace ?? '', name: wanted.metadata.name };
    const current = this.#core.get(target)?.object;
    if (current === undefined) {
      await this.#create(target, this.#decoded(kind, wanted));
    } else if (current.metadata.annotations?.[AUTOUPDATE] !== 'false' && !stands(current, wanted)) {
      await this.#update(target, current, this.#decoded(kind, wanted));
    }
  }

  #decoded(kind: AnyKind, wanted: Wanted): KubeObject {
    const object = asKubeObject(decodeTyped(wanted, this.#core.registry, expectedOf(kind), 'strict').object);
    kind.rules.defaults?.(object);
    return object;
  }

  async #create(target: Target, object: KubeObject): Promise<void> {
    try {
      await createObject(this.#core, target.kind, target.namespace, object, this.#context);
    } catch (error) {
      if (!isStatusError(error, 'AlreadyExists')) {
        throw error;
      }
    }
  }

  async #update(target: Target, current: KubeObject, wanted: KubeObject): Promise<void> {
    const now: Wanted = deepClone(current);
    const should: Wanted = wanted;
    if (isBinding(now) && isBinding(should) && !deepEqual(now.roleRef, should.roleRef)) {
      // What a binding binds cannot be changed.
      await deleteObject(this.#core, target, {}, this.#context);
      await this.#create(target, wanted);
      return;
    }
    const next = isBinding(now) && isBinding(should) ? reconciledBinding(now, should) : reconciledRole(now, should);
    if (!deepEqual(next, current)) {
      await updateObject(this.#core, { target, scope: { part: 'main' }, mutate: () => deepClone<KubeObject>(next) }, this.#context);
    }
  }
}

/** Makes and mends everything; quick when all stands as it should. */
export async function reconcilePolicy(core: Core): Promise<void> {
  const reconciler = new Reconciler(core);
  const { clusterRoles, clusterBindings, roles, bindings } = bootstrapPolicy();
  await Promise.all([
    ...clusterRoles.map((object) => reconciler.ensure('clusterroles', object)),
    ...clusterBindings.map((object) => reconciler.ensure('clusterrolebindings', object)),
    ...roles.map((object) => reconciler.ensure('roles', object)),
    ...bindings.map((object) => reconciler.ensure('rolebindings', object)),
  ]);
}
