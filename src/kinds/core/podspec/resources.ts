/** Validation of what containers ask for and may use. */
import { validateQualifiedName } from '../../../apimachinery/names.ts';
import { compareQuantities, quantityToMilli } from '../../../apimachinery/quantity.ts';
import { fieldError, type FieldError } from '../../../apimachinery/status.ts';
import { nameErrors, nonNegativeQuantity } from '../../checks.ts';
import type { ResourceRequirements } from '../../generated/core.ts';

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
