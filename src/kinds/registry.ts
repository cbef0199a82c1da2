/** Every kind that is served, and the look-ups over them. A new kind is added to `KINDS` and nowhere else. */
import type { TypeTable } from '../apimachinery/typetable.ts';
import type { AnyKind } from './kind.ts';
import { customResourceDefinition } from './apiextensions/customresourcedefinition.ts';
import { controllerRevision } from './apps/controllerrevision.ts';
import { daemonSet } from './apps/daemonset.ts';
import { deployment } from './apps/deployment.ts';
import { replicaSet } from './apps/replicaset.ts';
import { statefulSet } from './apps/statefulset.ts';
import { selfSubjectReview } from './authentication/selfsubjectreview.ts';
import { tokenReview } from './authentication/tokenreview.ts';
import { localSubjectAccessReview } from './authorization/localsubjectaccessreview.ts';
import { selfSubjectAccessReview } from './authorization/selfsubjectaccessreview.ts';
import { selfSubjectRulesReview } from './authorization/selfsubjectrulesreview.ts';
import { subjectAccessReview } from './authorization/subjectaccessreview.ts';
import { horizontalPodAutoscaler } from './autoscaling/horizontalpodautoscaler.ts';
import { horizontalPodAutoscalerV1 } from './autoscaling/horizontalpodautoscaler.v1.ts';
import { cronJob } from './batch/cronjob.ts';
import { job } from './batch/job.ts';
import { lease } from './coordination/lease.ts';
import { binding } from './core/binding.ts';
import { configMap } from './core/configmap.ts';
import { endpoints } from './core/endpoints.ts';
import { event } from './core/event.ts';
import { limitRange } from './core/limitrange.ts';
import { namespace } from './core/namespace.ts';
import { node } from './core/node.ts';
import { persistentVolume } from './core/persistentvolume.ts';
import { persistentVolumeClaim } from './core/persistentvolumeclaim.ts';
import { pod } from './core/pod.ts';
import { podTemplate } from './core/podtemplate.ts';
import { replicationController } from './core/replicationcontroller.ts';
import { resourceQuota } from './core/resourcequota.ts';
import { secret } from './core/secret.ts';
import { service } from './core/service.ts';
import { serviceAccount } from './core/serviceaccount.ts';
import { CUSTOM_KINDS } from './custom.ts';
import { endpointSlice } from './discovery/endpointslice.ts';
import { eventV1 } from './events/event.ts';
import { ingress } from './networking/ingress.ts';
import { ingressClass } from './networking/ingressclass.ts';
import { networkPolicy } from './networking/networkpolicy.ts';
import { runtimeClass } from './node/runtimeclass.ts';
import { podDisruptionBudget } from './policy/poddisruptionbudget.ts';
import { clusterRole } from './rbac/clusterrole.ts';
import { clusterRoleBinding } from './rbac/clusterrolebinding.ts';
import { role } from './rbac/role.ts';
import { roleBinding } from './rbac/rolebinding.ts';
import { priorityClass } from './scheduling/priorityclass.ts';
import { storageClass } from './storage/storageclass.ts';
import { loadTypes } from './types.ts';

/** In the order discovery lists them within a group. */
export const KINDS: readonly AnyKind[] = [
  binding, configMap, endpoints, event, limitRange, namespace, node, persistentVolume, persistentVolumeClaim, pod, podTemplate,
  replicationController, resourceQuota, secret, serviceAccount, service,
  controllerRevision, daemonSet, deployment, replicaSet, statefulSet,
  selfSubjectReview, tokenReview,
  localSubjectAccessReview, selfSubjectAccessReview, selfSubjectRulesReview, subjectAccessReview,
  horizontalPodAutoscaler, horizontalPodAutoscalerV1,
  cronJob, job,
  lease,
  endpointSlice,
  eventV1,
  ingress, ingressClass, networkPolicy,
  runtimeClass,
  podDisruptionBudget,
  clusterRole, clusterRoleBinding, role, roleBinding,
  priorityClass,
  storageClass,
  customResourceDefinition,
  ...CUSTOM_KINDS,
];

const key = (...parts: string[]): string => parts.join('/');

const resourceKey = ({ group, version, plural }: AnyKind): string => key(group, version, plural);

/**
 * Look-ups over a set of kinds and the message types they are made of. The kinds it was made with stay for good; those of
 * CustomResourceDefinitions come and go.
 */
export class Registry {
  readonly types: TypeTable;
  readonly #static: readonly AnyKind[];
  readonly #staticResources: ReadonlySet<string>;
  #kinds: readonly AnyKind[];
  #resources = new Map<string, AnyKind>();
  #kindNames = new Map<string, AnyKind>();
  #generation = 0;

  constructor(kinds: readonly AnyKind[], types: TypeTable) {
    this.#static = kinds;
    this.#staticResources = new Set(kinds.map(resourceKey));
    this.#kinds = kinds;
    this.types = types;
    this.#index();
  }

  #index(): void {
    this.#resources = new Map();
    this.#kindNames = new Map();
    for (const kind of this.#kinds) {
      this.#resources.set(resourceKey(kind), kind);
      this.#kindNames.set(key(kind.group, kind.version, kind.kind), kind);
    }
  }

  /** Rises whenever the kinds change: what is made from the registry (discovery, OpenAPI) is good for one generation. */
  get generation(): number {
    return this.#generation;
  }

  /** Replaces all kinds of CustomResourceDefinitions, in serving order. Those that are built in stay as they are. */
  setCustomKinds(kinds: readonly AnyKind[]): void {
    this.#kinds = [...this.#static, ...kinds.filter((kind) => !this.#staticResources.has(resourceKey(kind)))];
    this.#index();
    this.#generation += 1;
  }

  /** Whether a resource is built in, in any version. */
  isStatic(group: string, plural: string): boolean {
    return this.#static.some((kind) => kind.group === group && kind.plural === plural);
  }

  /** E.g. `('apps', 'v1', 'deployments')`; the core group is `''`. */
  byResource(group: string, version: string, plural: string): AnyKind | undefined {
    return this.#resources.get(key(group, version, plural));
  }

  byKind(group: string, version: string, kind: string): AnyKind | undefined {
    return this.#kindNames.get(key(group, version, kind));
  }

  list(): readonly AnyKind[] {
    return this.#kinds;
  }

  /** Groups in serving order, the core group (`''`) first. */
  groups(): string[] {
    return [...new Set(this.#kinds.map((kind) => kind.group))];
  }

  /** The kind in whose shape and key space objects of `kind` are stored: itself unless it is an alias. */
  storageKind(kind: AnyKind): AnyKind {
    const alias = kind.storedAs;
    if (alias === undefined) {
      return kind;
    }
    const target = this.byResource(alias.group, alias.version, alias.plural);
    if (target === undefined) {
      throw new Error(`${kind.plural}.${kind.group} is stored as ${alias.plural}.${alias.group}, which is not served`);
    }
    return target;
  }

  /** `/apps/deployments/default/web`; cluster-scoped: `/core/nodes/one`. */
  storageKey(kind: AnyKind, namespace: string, name: string): string {
    return this.storagePrefix(kind, namespace) + name;
  }

  /** Prefix of all objects of a kind, or of those in one namespace; ends in `/`. */
  storagePrefix(kind: AnyKind, namespace = ''): string {
    const { group, plural } = kind.storedAs ?? kind;
    const all = `/${group === '' ? 'core' : group}/${plural}/`;
    return kind.namespaced && namespace !== '' ? `${all}${namespace}/` : all;
  }
}

/** The registry of everything Telar serves. Takes a few milliseconds; hold on to the result. */
export function loadRegistry(): Registry {
  return new Registry(KINDS, loadTypes());
}
