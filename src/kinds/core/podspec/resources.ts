/** Validation of what containers ask for and may use. */
import { validateQualifiedName } from '../../../apimachinery/names.ts';
import { compareQuantities, quantityToMilli } from '../../../apimachinery/quantity.ts';
import { fieldError, type FieldError } from '../../../apimachinery/status.ts';
import { nameErrors, nonNegativeQuantity } from '../../checks.ts';
import type { PodSpec, ResourceRequirements } from '../../generated/core.ts';

const STANDARD = new Set(['cpu', 'memory', 'ephemeral-storage']);

const isStandard = (name: string): boolean => STANDARD.has(name) || name.startsWith('hugepages-');
/** Requests may be lower than limits. */
const overcommits = (name: string): boolean => STANDARD.has(name);

function resourceName(field: string, name: string): FieldError[] {
  const errors = nameErrors(field, name, validateQualifiedName);
  if (errors.length > 0) {
    return errors;
  }
  if (!name.includes('/')) {
    return isStandard(name) ? [] : [
      fieldError.invalid(field, name, 'must be a standard resource type or fully qualified'),
      fieldError.invalid(field, name, 'must be a standard resource for containers'),
    ];
  }
  return name.startsWith('kubernetes.io/') || name.startsWith('requests.')
    ? [fieldError.invalid(field, name, 'doesn\'t follow extended resource name standard')] : [];
}

function quantities(field: string, list: Record<string, string>): FieldError[] {
  return Object.entries(list).flatMap(([name, value]) => {
    const path = `${field}[${name}]`;
    const errors = [...resourceName(path, name), ...nonNegativeQuantity(path, value)];
    if (errors.length === 0 && !isStandard(name) && quantityToMilli(value) % 1000 !== 0) {
      errors.push(fieldError.invalid(path, value, 'must be an integer'));
    }
    return errors;
  });
}

export function validateResources(field: string, resources: ResourceRequirements | undefined): FieldError[] {
  const { limits = {}, requests = {} } = resources ?? {};
  const errors = [...quantities(`${field}.limits`, limits), ...quantities(`${field}.requests`, requests)];
  if (errors.length > 0) {
    return errors;
  }
  for (const [name, request] of Object.entries(requests)) {
    const limit = limits[name];
    if (limit === undefined) {
      if (!overcommits(name)) {
        errors.push(fieldError.required(`${field}.limits`, 'Limit must be set for non overcommitable resources'));
      }
    } else if (!overcommits(name) && compareQuantities(request, limit) !== 0) {
      errors.push(fieldError.invalid(`${field}.requests`, request, `must be equal to ${name} limit of ${limit}`));
    } else if (compareQuantities(request, limit) > 0) {
      errors.push(fieldError.invalid(`${field}.requests`, request, `must be less than or equal to ${name} limit of ${limit}`));
    }
  }
  return errors;
}

const POD_LEVEL = (name: string): boolean => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');

/** What a pod's containers may use together: never less than they ask for one by one. */
export function validatePodResources(field: string, spec: PodSpec): FieldError[] {
  const { resources } = spec;
  if (resources === undefined) {
    return [];
  }
  const errors = validateResources(field, resources);
  if (resources.claims?.length) {
    errors.push(fieldError.forbidden(`${field}.claims`, 'claims cannot be set for Resources at pod-level'));
  }
  for (const part of ['limits', 'requests'] as const) {
    for (const name of Object.keys(resources[part] ?? {}).filter((one) => !POD_LEVEL(one))) {
      errors.push(fieldError.notSupported(`${field}.${part}[${name}]`, name, ['cpu', 'hugepages-*', 'memory']));
    }
  }
  if (errors.length > 0) {
    return errors;
  }
  for (const [name, request] of Object.entries(resources.requests ?? {})) {
    const total = spec.containers.reduce((sum, container) => sum + quantityToMilli(container.resources?.requests?.[name] ?? '0'), 0);
    if (total > quantityToMilli(request)) {
      errors.push(fieldError.invalid(`${field}.requests[${name}]`, request, `must be greater than or equal to aggregate container requests of ${formatMilli(total)}`));
    }
  }
  return errors;
}

const formatMilli = (milli: number): string => (milli % 1000 === 0 ? String(milli / 1000) : `${milli}m`);
