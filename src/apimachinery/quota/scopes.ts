/** Which objects a ResourceQuota with scopes is about. Scopes are properties of pods, but for that of volume attribute classes. */
import type { PersistentVolumeClaim, Pod, ResourceQuotaSpec, ScopedResourceSelectorRequirement } from '../../kinds/generated/core.ts';
import type { Countable } from './usage.ts';

const isPod = (object: Countable): object is Pod => object.apiVersion === 'v1' && object.kind === 'Pod';
const isClaim = (object: Countable): object is PersistentVolumeClaim => object.apiVersion === 'v1' && object.kind === 'PersistentVolumeClaim';

const BEST_EFFORT_RESOURCES = ['cpu', 'memory'];

/** No container asks for, or is limited in, processor or memory. */
function isBestEffort({ spec }: Pod): boolean {
  const amounts = [spec.resources, ...[...spec.containers ?? [], ...spec.initContainers ?? []].map(({ resources }) => resources)]
    .flatMap((resources) => [...Object.entries(resources?.requests ?? {}), ...Object.entries(resources?.limits ?? {})]);
  return !amounts.some(([name, text]) => BEST_EFFORT_RESOURCES.includes(name) && !/^0[a-zA-Z]*$/.test(text));
}

const isTerminating = ({ spec }: Pod): boolean => spec.activeDeadlineSeconds !== undefined && spec.activeDeadlineSeconds >= 0;

/** A term that names other namespaces than the pod's own. */
function crossesNamespaces({ spec: { affinity } }: Pod): boolean {
  const weighted = [...affinity?.podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [],
    ...affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []];
  return [
    ...affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [],
    ...affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [],
    ...weighted.map(({ podAffinityTerm }) => podAffinityTerm),
  ].some((term) => (term.namespaces ?? []).length > 0 || term.namespaceSelector !== undefined);
}

/** A value against a selector's operator; an empty value is none. */
function selects({ operator, values = [] }: ScopedResourceSelectorRequirement, value: string): boolean {
  switch (operator) {
    case 'In': return value !== '' && values.includes(value);
    case 'NotIn': return value === '' || !values.includes(value);
    case 'DoesNotExist': return value === '';
    default: return value !== '';
  }
}

function podInScope(pod: Pod, requirement: ScopedResourceSelectorRequirement): boolean {
  switch (requirement.scopeName) {
    case 'Terminating': return isTerminating(pod);
    case 'NotTerminating': return !isTerminating(pod);
    case 'BestEffort': return isBestEffort(pod);
    case 'NotBestEffort': return !isBestEffort(pod);
    case 'PriorityClass': return selects(requirement, pod.spec.priorityClassName ?? '');
    case 'CrossNamespacePodAffinity': return crossesNamespaces(pod);
    default: return false;
  }
}

/** Whether a quota is about an object; one without scopes is about all. */
export function inScope({ scopes, scopeSelector }: ResourceQuotaSpec, object: Countable): boolean {
  const requirements: ScopedResourceSelectorRequirement[] = [
    ...(scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' })), ...scopeSelector?.matchExpressions ?? [],
  ];
  return requirements.every((requirement) => {
    if (isPod(object)) {
      return podInScope(object, requirement);
    }
    return requirement.scopeName === 'VolumeAttributesClass' && isClaim(object) && selects(requirement, object.spec.volumeAttributesClassName ?? '');
  });
}
