/** What the bounds of a LimitRange may be, and how they hang together (k8s.io/kubernetes/pkg/apis/core/validation). */
import { validateQualifiedName } from '../../apimachinery/names.ts';
import { compareQuantities, quantityToNumber } from '../../apimachinery/quantity.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { nameErrors, quantity } from '../checks.ts';
import type { LimitRangeItem } from '../generated/core.ts';

const NAMES = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const;
const STANDARD_TYPES = ['Container', 'PersistentVolumeClaim', 'Pod'];
const STANDARD_RESOURCES = new Set(['cpu', 'memory', 'ephemeral-storage']);

const overcommits = (resource: string): boolean => STANDARD_RESOURCES.has(resource);

function typeErrors(field: string, type: string): FieldError[] {
  const errors = nameErrors(field, type, validateQualifiedName);
  return errors.length > 0 || type.includes('/') || STANDARD_TYPES.includes(type) ? errors
    : [fieldError.invalid(field, type, 'must be a standard limit type or fully qualified')];
}

/** The bounds that one resource has. */
type Bounds = Partial<Record<(typeof NAMES)[number], string>>;

interface Rule {
  name: (typeof NAMES)[number];
  /** The smaller and the larger of two bounds. */
  pair: readonly [low: (typeof NAMES)[number], high: (typeof NAMES)[number]];
  words: readonly [low: string, high: string];
}

/** Where both are given, the first may not be greater than the second; the fault is put on `name`. */
const ORDER: readonly Rule[] = [
  { name: 'min', pair: ['min', 'max'], words: ['min value', 'max value'] },
  { name: 'defaultRequest', pair: ['min', 'defaultRequest'], words: ['min value', 'default request value'] },
  { name: 'defaultRequest', pair: ['defaultRequest', 'max'], words: ['default request value', 'max value'] },
  { name: 'defaultRequest', pair: ['defaultRequest', 'default'], words: ['default request value', 'default limit value'] },
  { name: 'default', pair: ['min', 'default'], words: ['min value', 'default value'] },
  { name: 'default', pair: ['default', 'max'], words: ['default value', 'max value'] },
];

function ratioErrors(at: string, { maxLimitRequestRatio: ratio, min, max }: Bounds): FieldError[] {
  if (ratio === undefined) {
    return [];
  }
  const errors = compareQuantities(ratio, '1') < 0 ? [fieldError.invalid(at, ratio, `ratio ${ratio} is less than 1`)] : [];
  if (min !== undefined && max !== undefined) {
    const limit = quantityToNumber(max) / quantityToNumber(min);
    if (quantityToNumber(ratio) > limit) {
      errors.push(fieldError.invalid(at, ratio, `ratio ${ratio} is greater than max/min = ${limit.toFixed(6)}`));
    }
  }
  return errors;
}

function resourceErrors(field: string, resource: string, bounds: Bounds): FieldError[] {
  const order = ORDER.flatMap(({ name, pair: [low, high], words }) => {
    const [small, large] = [bounds[low], bounds[high]];
    return small !== undefined && large !== undefined && compareQuantities(small, large) > 0
      ? [fieldError.invalid(`${field}.${name}[${resource}]`, bounds[name], `${words[0]} ${small} is greater than ${words[1]} ${large}`)] : [];
  });
  const { default: limit, defaultRequest: request } = bounds;
  const unequal = !overcommits(resource) && limit !== undefined && request !== undefined && compareQuantities(limit, request) !== 0;
  return [
    ...order,
    ...ratioErrors(`${field}.maxLimitRequestRatio[${resource}]`, bounds),
    ...(unequal ? [fieldError.invalid(`${field}.defaultRequest[${resource}]`, request, `default value ${limit} must equal to defaultRequest value ${request} in ${resource}`)] : []),
  ];
}

function itemErrors(field: string, item: LimitRangeItem): FieldError[] {
  const errors = [
    ...typeErrors(`${field}.type`, item.type ?? ''),
    ...NAMES.flatMap((name) => Object.entries(item[name] ?? {}).flatMap(([resource, value]) => [
      ...nameErrors(`${field}.${name}[${resource}]`, resource, validateQualifiedName), ...quantity(`${field}.${name}[${resource}]`, value),
    ])),
  ];
  if (item.type === 'Pod') {
    errors.push(...(['default', 'defaultRequest'] as const).filter((name) => Object.keys(item[name] ?? {}).length > 0)
      .map((name) => fieldError.forbidden(`${field}.${name}`, "may not be specified when `type` is 'Pod'")));
  }
  if (item.type === 'PersistentVolumeClaim' && item.min?.['storage'] === undefined && item.max?.['storage'] === undefined) {
    errors.push(fieldError.required(`${field}.limits`, 'either minimum or maximum storage value is required, but neither was provided'));
  }
  if (errors.length > 0) {
    return errors;
  }
  const resources = new Set(NAMES.flatMap((name) => Object.keys(item[name] ?? {})));
  return [...resources].flatMap((resource) => {
    const bounds: Bounds = {};
    for (const name of NAMES) {
      const value = item[name]?.[resource];
      if (value !== undefined) {
        bounds[name] = value;
      }
    }
    return resourceErrors(field, resource, bounds);
  });
}

export function limitErrors(field: string, items: readonly LimitRangeItem[]): FieldError[] {
  const seen = new Set<string>();
  return items.flatMap((item, index) => {
    const errors = itemErrors(`${field}[${index}]`, item);
    if (seen.has(item.type)) {
      errors.push(fieldError.duplicate(`${field}[${index}].type`, item.type));
    }
    seen.add(item.type);
    return errors;
  });
}
