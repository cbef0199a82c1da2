/** What discovery says of every group, version and resource, before it is put in either of the two shapes clients ask for. */
import { createHash } from 'node:crypto';
import type { AnyKind, Verb } from '../../kinds/kind.ts';
import { SUBRESOURCES_GROUP, SUBRESOURCES_VERSIONS, VM_SUBRESOURCES } from '../../kinds/kubevirt/subresources.ts';
import { METRICS_GROUP, METRICS_RESOURCES, METRICS_VERBS, METRICS_VERSION } from '../../kinds/metrics/resources.ts';
import type { Registry } from '../../kinds/registry.ts';

/** A resource, or with `sub` one of its subresources. */
export interface ResourceInfo {
  resource: string;
  sub?: string;
  singular: string;
  namespaced: boolean;
  group: string;
  version: string;
  kind: string;
  verbs: readonly string[];
  shortNames?: readonly string[];
  categories?: readonly string[];
  storageVersionHash?: string;
}

export const ALL_VERBS: readonly Verb[] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
/** What kinds that are going are no longer listed with. */
const CHANGING_VERBS: ReadonlySet<Verb> = new Set(['create', 'patch', 'update']);
const STATUS_VERBS = ['get', 'patch', 'update'];

/** Order of groups as kube-apiserver serves them, which decides what a short name means; others follow by their names. */
const GROUP_ORDER = [
  '', 'apiregistration.k8s.io', 'apps', 'events.k8s.io', 'authentication.k8s.io', 'authorization.k8s.io', 'autoscaling', 'batch',
  'certificates.k8s.io', 'networking.k8s.io', 'policy', 'rbac.authorization.k8s.io', 'storage.k8s.io',
  'admissionregistration.k8s.io', 'apiextensions.k8s.io', 'scheduling.k8s.io', 'coordination.k8s.io', 'node.k8s.io',
  'discovery.k8s.io', 'flowcontrol.apiserver.k8s.io', 'resource.k8s.io',
];

const rank = (group: string): number => {
  const at = GROUP_ORDER.indexOf(group);
  return at < 0 ? GROUP_ORDER.length : at;
};

const STABILITIES = ['alpha', 'beta', ''];

/** `v2beta1` → [1, 2, 1]; undefined for a name of another form. */
function versionParts(version: string): [stability: number, major: number, minor: number] | undefined {
  const match = /^v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?$/.exec(version);
  return match === null ? undefined : [STABILITIES.indexOf(match[2] ?? ''), Number(match[1]), Number(match[3] ?? 0)];
}

/** As Kubernetes orders versions: stable ones first, then betas, then alphas, each the latest first; names of other forms come last, by their letters. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [versionParts(a), versionParts(b)];
  if (left === undefined || right === undefined) {
    return left !== undefined ? -1 : right !== undefined ? 1 : a < b ? -1 : 1;
  }
  return right[0] - left[0] || right[1] - left[1] || right[2] - left[2];
}

const byName = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);

/** Groups in serving order with their versions, preferred first; the core group is `''`. */
export function groupVersions(registry: Registry): Map<string, string[]> {
  const found = new Map<string, Set<string>>();
  for (const { group, version } of registry.list()) {
    found.set(group, (found.get(group) ?? new Set<string>()).add(version));
  }
  for (const { group, version } of registry.remote) {
    found.set(group, (found.get(group) ?? new Set<string>()).add(version));
  }
  found.set(SUBRESOURCES_GROUP, new Set(SUBRESOURCES_VERSIONS));
  found.set(METRICS_GROUP, (found.get(METRICS_GROUP) ?? new Set<string>()).add(METRICS_VERSION));
  return new Map([...found]
    .sort(([a], [b]) => rank(a) - rank(b) || byName(a, b))
    .map(([group, versions]) => [group, [...versions].sort(compareVersions)]));
}

const hash = (group: string, version: string, kind: string): string =>
  createHash('sha256').update(`${group}/${version}/${kind}`).digest().subarray(0, 8).toString('base64');

function ofKind(registry: Registry, kind: AnyKind): ResourceInfo[] {
  const { group, version, plural: resource, namespaced } = kind;
  const stored = registry.storageKind(kind);
  const verbs = kind.verbs ?? ALL_VERBS;
  const main: ResourceInfo = {
    resource, singular: kind.singular, namespaced, group, version, kind: kind.kind,
    verbs: ALL_VERBS.filter((verb) => verbs.includes(verb) && !(kind.terminating === true && CHANGING_VERBS.has(verb))),
    ...(kind.shortNames === undefined ? {} : { shortNames: kind.shortNames }),
    ...(kind.categories === undefined ? {} : { categories: kind.categories }),
    ...(verbs.includes('list') ? { storageVersionHash: hash(stored.group, stored.version, stored.kind) } : {}),
  };
  const subs: ResourceInfo[] = Object.entries(kind.subresources ?? {}).map(([sub, info]) => ({
    resource, sub, singular: '', namespaced, group: info.group ?? group, version: info.version ?? version, kind: info.kind,
    verbs: ALL_VERBS.filter((verb) => info.verbs.includes(verb)),
  }));
  if (kind.status === true) {
    subs.push({ resource, sub: 'status', singular: '', namespaced, group, version, kind: kind.kind, verbs: STATUS_VERBS });
  }
  if (kind.scale !== undefined) {
    subs.push({ resource, sub: 'scale', singular: '', namespaced, group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: STATUS_VERBS });
  }
  return [main, ...subs.sort((a, b) => (a.sub ?? '').localeCompare(b.sub ?? ''))];
}

function ofVirtualMachines(version: string): ResourceInfo[] {
  return VM_SUBRESOURCES.map(({ resource, action, verb }) => ({
    resource, sub: action, singular: '', namespaced: true, group: SUBRESOURCES_GROUP, version,
    kind: resource === 'virtualmachines' ? 'VirtualMachine' : 'VirtualMachineInstance', verbs: [verb],
  }));
}

const ofMetrics = (): ResourceInfo[] => METRICS_RESOURCES.map(({ plural, kind, namespaced }) => ({
  resource: plural, singular: '', namespaced, group: METRICS_GROUP, version: METRICS_VERSION, kind, verbs: METRICS_VERBS,
}));

/** Resources and subresources of one group-version by name; undefined where it is not served. */
export function resourcesOf(registry: Registry, group: string, version: string): ResourceInfo[] | undefined {
  if (!groupVersions(registry).get(group)?.includes(version)) {
    return undefined;
  }
  const remote = registry.remote.find((one) => one.group === group && one.version === version);
  if (remote !== undefined) {
    return [...remote.resources];
  }
  if (group === SUBRESOURCES_GROUP) {
    return ofVirtualMachines(version);
  }
  if (group === METRICS_GROUP && version === METRICS_VERSION) {
    return ofMetrics();
  }
  return registry.list()
    .filter((kind) => kind.group === group && kind.version === version)
    .sort((a, b) => a.plural.localeCompare(b.plural))
    .flatMap((kind) => ofKind(registry, kind));
}
