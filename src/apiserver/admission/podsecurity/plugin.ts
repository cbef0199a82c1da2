/** PodSecurity: the Pod Security Standards by labels of the namespace, as k8s.io/pod-security-admission applies them. */
import type { KubeObject } from '../../../apimachinery/object.ts';
import { failure, invalid, qualifiedResource, type StatusError } from '../../../apimachinery/status.ts';
import { deepEqual } from '../../../apimachinery/values.ts';
import type { PodSpec, PodTemplateSpec } from '../../../kinds/generated/core.ts';
import type { AnyKind } from '../../../kinds/kind.ts';
import { typed } from '../../../kinds/typed.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import type { PodTemplate, Violation } from './check.ts';
import { detailsOf, isPrivileged, labelErrors, levelText, policyOf, reasonsOf, violations, type Level, type LevelVersion } from './policy.ts';

export interface PodSecurityOptions {
  namespaceOf(name: string): KubeObject | undefined;
  /** The pods of a namespace, for the warning when its labels become stricter. */
  podsOf(namespace: string): readonly KubeObject[];
  /** Whom the standards do not concern: kube-apiserver's PodSecurityConfiguration. All empty by default. */
  readonly exemptions?: { readonly namespaces?: readonly string[]; readonly usernames?: readonly string[]; readonly runtimeClasses?: readonly string[] };
}

/** Pods of a namespace looked at when its labels change; the rest are not told of. */
const MAX_PODS_CHECKED = 3000;
const AUDIT = 'pod-security.kubernetes.io/';

type TemplateOf = (object: KubeObject) => PodTemplateSpec | undefined;

/** Kinds whose pods are made by others: group/plural → their template. */
const TEMPLATES: Readonly<Record<string, TemplateOf>> = {
  '/podtemplates': (object) => typed('v1 PodTemplate', object).template,
  '/replicationcontrollers': (object) => typed('v1 ReplicationController', object).spec.template,
  'apps/daemonsets': (object) => typed('apps/v1 DaemonSet', object).spec.template,
  'apps/deployments': (object) => typed('apps/v1 Deployment', object).spec.template,
  'apps/replicasets': (object) => typed('apps/v1 ReplicaSet', object).spec.template,
  'apps/statefulsets': (object) => typed('apps/v1 StatefulSet', object).spec.template,
  'batch/cronjobs': (object) => typed('batch/v1 CronJob', object).spec.jobTemplate.spec?.template,
  'batch/jobs': (object) => typed('batch/v1 Job', object).spec.template,
};
const NO_TEMPLATE: TemplateOf = () => undefined;
/** By kind, so that most writes cost one look. */
const templates = new WeakMap<AnyKind, TemplateOf>();

function templateOf(kind: AnyKind, object: KubeObject): PodTemplate | undefined {
  let find = templates.get(kind);
  if (find === undefined) {
    const key = `${kind.group}/${kind.plural}`;
    find = (Object.hasOwn(TEMPLATES, key) ? TEMPLATES[key] : undefined) ?? NO_TEMPLATE;
    templates.set(kind, find);
  }
  const template = find(object);
  return template?.spec === undefined ? undefined : { ...template, spec: template.spec };
}

/** Whether an update of a pod changes anything the standards look at: images, tolerations and deadlines do not matter. */
function significant(now: PodSpec, before: PodSpec): boolean {
  const bare = (spec: PodSpec): unknown => ({
    ...spec, activeDeadlineSeconds: 0, tolerations: [], containers: withoutImages(spec.containers), initContainers: withoutImages(spec.initContainers),
    ephemeralContainers: withoutImages(spec.ephemeralContainers),
  });
  return !deepEqual(bare(now), bare(before));
}

const withoutImages = (containers: readonly { name: string }[] | undefined): unknown => (containers ?? []).map((container) => ({ ...container, image: '' }));

function denial({ kind, name }: AdmissionRequest, standard: LevelVersion, found: readonly Violation[]): StatusError {
  const { group, plural } = kind;
  return failure('Forbidden', `${qualifiedResource({ group, resource: plural })} "${name}" is forbidden: `
    + `violates PodSecurity ${JSON.stringify(levelText(standard))}: ${detailsOf(found)}`, { name, ...(group === '' ? {} : { group }), kind: plural });
}

const would = (standard: LevelVersion, found: readonly Violation[]): string =>
  `would violate PodSecurity ${JSON.stringify(levelText(standard))}: ${detailsOf(found)}`;

export class PodSecurity implements AdmissionPlugin {
  readonly name = 'PodSecurity';
  readonly #options: PodSecurityOptions;

  constructor(options: PodSecurityOptions) {
    this.#options = options;
  }

  validate(request: AdmissionRequest): void {
    const { kind, operation, subresource, object } = request;
    if (object === undefined || (operation !== 'CREATE' && operation !== 'UPDATE')) {
      return;
    }
    if (kind.group === '' && kind.plural === 'pods') {
      this.#pod(request, object);
      return;
    }
    if (subresource !== '') {
      return;
    }
    if (kind.group === '' && kind.plural === 'namespaces') {
      this.#namespace(request, object);
      return;
    }
    const template = templateOf(kind, object);
    if (template !== undefined) {
      this.#evaluate(request, template, false);
    }
  }

  #pod(request: AdmissionRequest, object: KubeObject): void {
    const { subresource, old } = request;
    if (subresource !== '' && subresource !== 'ephemeralcontainers') {
      return;
    }
    const pod = typed('v1 Pod', object);
    if (old === undefined || significant(pod.spec, typed('v1 Pod', old).spec)) {
      this.#evaluate(request, pod, true);
    }
  }

  /** A template is not refused itself, only warned about (`enforcing` false): its pods will be. */
  #evaluate(request: AdmissionRequest, pod: PodTemplate, enforcing: boolean): void {
    const policy = policyOf(this.#options.namespaceOf(request.namespace)?.metadata.labels);
    if (isPrivileged(policy)) {
      return;
    }
    const exempt = this.#exemption(request, pod);
    if (exempt !== undefined) {
      request.annotate(`${AUDIT}exempt`, exempt);
      return;
    }
    const found = new Map<Level, Violation[]>();
    const at = (standard: LevelVersion): Violation[] => {
      const known = found.get(standard.level) ?? violations(standard.level, pod);
      found.set(standard.level, known);
      return known;
    };
    const refused = enforcing ? at(policy.enforce) : [];
    if (enforcing) {
      request.annotate(`${AUDIT}enforce-policy`, levelText(policy.enforce));
    }
    const audited = at(policy.audit);
    if (audited.length > 0) {
      request.annotate(`${AUDIT}audit-violations`, would(policy.audit, audited));
    }
    if (refused.length > 0) {
      throw denial(request, policy.enforce, refused);
    }
    const warned = at(policy.warn);
    if (warned.length > 0) {
      request.warnings.push(would(policy.warn, warned));
    }
  }

  #exemption({ namespace, user }: AdmissionRequest, { spec }: PodTemplate): string | undefined {
    const { namespaces = [], usernames = [], runtimeClasses = [] } = this.#options.exemptions ?? {};
    if (namespaces.includes(namespace)) {
      return 'namespace';
    }
    if (usernames.includes(user.name)) {
      return 'user';
    }
    return spec.runtimeClassName !== undefined && runtimeClasses.includes(spec.runtimeClassName) ? 'runtimeClass' : undefined;
  }

  /** Labels must mean something, and pods that are there already should not come as a surprise at their next start. */
  #namespace(request: AdmissionRequest, object: KubeObject): void {
    const { labels } = object.metadata;
    const errors = labelErrors(labels);
    if (errors.length > 0 && !deepEqual(labels, request.old?.metadata.labels)) {
      throw invalid({ group: '', resource: 'Namespace', name: request.name }, errors);
    }
    if (request.operation === 'CREATE' || request.old === undefined) {
      return;
    }
    const [now, before] = [policyOf(labels).enforce, policyOf(request.old.metadata.labels).enforce];
    if (now.level === 'privileged' || deepEqual(now, before) || (now.level === 'baseline' && before.level === 'restricted')) {
      return;
    }
    request.warnings.push(...this.#present(request.name, now));
  }

  #present(namespace: string, standard: LevelVersion): string[] {
    const names = new Map<string, string[]>();
    for (const pod of this.#options.podsOf(namespace).slice(0, MAX_PODS_CHECKED)) {
      const found = violations(standard.level, typed('v1 Pod', pod));
      if (found.length > 0) {
        const reasons = reasonsOf(found);
        names.set(reasons, [...names.get(reasons) ?? [], pod.metadata.name]);
      }
    }
    if (names.size === 0) {
      return [];
    }
    const lines = [...names].map(([reasons, [first = '', ...others]]) => {
      const more = others.length === 0 ? '' : others.length === 1 ? ' (and 1 other pod)' : ` (and ${others.length} other pods)`;
      return `${first}${more}: ${reasons}`;
    });
    return [`existing pods in namespace ${JSON.stringify(namespace)} violate the new PodSecurity enforce level ${JSON.stringify(levelText(standard))}`, ...lines.sort()];
  }
}
