/** What a quota may count and of which objects (k8s.io/kubernetes/pkg/apis/core/validation). */
import { validateLabelValue, validateQualifiedName } from '../../apimachinery/names.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { nameErrors, nonNegativeQuantity } from '../checks.ts';
import type { ResourceQuotaSpec, ScopedResourceSelectorRequirement } from '../generated/core.ts';

const SCOPES = ['BestEffort', 'CrossNamespacePodAffinity', 'NotBestEffort', 'NotTerminating', 'PriorityClass', 'Terminating', 'VolumeAttributesClass'];
/** Scopes of which an object is one or is not, so that no values belong to them. */
const EXISTENCE_ONLY = ['BestEffort', 'CrossNamespacePodAffinity', 'NotBestEffort', 'NotTerminating', 'Terminating'];
const EXCLUSIVE = [['BestEffort', 'NotBestEffort'], ['Terminating', 'NotTerminating']] as const;
const POD_RESOURCES = new Set([
  'pods', 'cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory', 'ephemeral-storage', 'requests.ephemeral-storage', 'limits.ephemeral-storage',
]);
const STANDARD = new Set([
  ...POD_RESOURCES, 'requests.storage', 'services', 'services.nodeports', 'services.loadbalancers', 'replicationcontrollers', 'resourcequotas', 'secrets',
  'configmaps', 'persistentvolumeclaims', 'count/*',
]);
/** Counted in whole things. */
const COUNTED = new Set(['pods', 'services', 'services.nodeports', 'services.loadbalancers', 'replicationcontrollers', 'resourcequotas', 'secrets', 'configmaps', 'persistentvolumeclaims']);

const isHugePages = (name: string): boolean => /^(?:requests\.)?hugepages-/.test(name);

function resourceErrors(field: string, name: string): FieldError[] {
  const errors = nameErrors(field, name, validateQualifiedName);
  return errors.length > 0 || name.includes('/') || STANDARD.has(name) || isHugePages(name) ? errors
    : [fieldError.invalid(field, name, 'must be a standard resource for quota')];
}

/** Best-effort pods ask for nothing that could be counted; claims have no pods' scopes. */
function fits(scope: string, resource: string): boolean {
  switch (scope) {
    case 'BestEffort': return resource === 'pods';
    case 'Terminating': case 'NotTerminating': case 'NotBestEffort': case 'PriorityClass': case 'CrossNamespacePodAffinity': return POD_RESOURCES.has(resource);
    default: return true;
  }
}

function scopeErrors(field: string, spec: ResourceQuotaSpec): FieldError[] {
  const scopes = spec.scopes ?? [];
  const hard = Object.keys(spec.hard ?? {});
  const invalid = (why: string): FieldError => fieldError.invalid(field, scopes, why);
  return [
    ...scopes.filter((scope) => !SCOPES.includes(scope)).map(() => invalid('unsupported scope')),
    ...scopes.flatMap((scope) => hard.filter((resource) => !fits(scope, resource)).map(() => invalid('unsupported scope applied to resource'))),
    ...EXCLUSIVE.filter((pair) => pair.every((scope) => scopes.includes(scope))).map(() => invalid('conflicting scopes')),
  ];
}

function requirementErrors(field: string, { scopeName, operator, values = [] }: ScopedResourceSelectorRequirement): FieldError[] {
  const errors = SCOPES.includes(scopeName) ? [] : [fieldError.invalid(`${field}.scopeName`, scopeName, 'unsupported scope')];
  if (EXISTENCE_ONLY.includes(scopeName) && operator !== 'Exists') {
    errors.push(fieldError.invalid(`${field}.operator`, operator,
      "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, "
        + 'ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity'));
  }
  switch (operator) {
    case 'In': case 'NotIn':
      return [
        ...errors, ...(values.length === 0 ? [fieldError.required(`${field}.values`, "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector")] : []),
        ...values.flatMap((value, index) => nameErrors(`${field}.values[${index}]`, value, validateLabelValue)),
      ];
    case 'Exists': case 'DoesNotExist':
      return values.length === 0 ? errors
        : [...errors, fieldError.invalid(`${field}.values`, values, "must be no value when `operator` is 'Exists' or 'DoesNotExist' for scope selector")];
    default: return [...errors, fieldError.invalid(`${field}.operator`, operator ?? '', 'not a valid selector operator')];
  }
}

export function quotaErrors(field: string, spec: ResourceQuotaSpec): FieldError[] {
  return [
    ...Object.entries(spec.hard ?? {}).flatMap(([name, value]) => {
      const at = `${field}.hard[${name}]`;
      const wrong = [...resourceErrors(at, name), ...nonNegativeQuantity(at, value)];
      return wrong.length === 0 && COUNTED.has(name) && value.endsWith('m') ? [fieldError.invalid(at, value, 'must be an integer')] : wrong;
    }),
    ...scopeErrors(`${field}.scopes`, spec),
    ...(spec.scopeSelector?.matchExpressions ?? []).flatMap((one, index) => requirementErrors(`${field}.scopeSelector.matchExpressions[${index}]`, one)),
  ];
}
