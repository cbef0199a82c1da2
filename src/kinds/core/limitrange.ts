import { compareQuantities } from '../../apimachinery/quantity.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { quantity, requiredText } from '../checks.ts';
import { column, NAME } from '../columns.ts';
import type { LimitRange, LimitRangeItem } from '../generated/core.ts';
import { defineKind } from '../kind.ts';

/** What a container's limits and requests are where only bounds are given. */
function defaultItem(item: LimitRangeItem): void {
  if (item.type !== 'Container') {
    return;
  }
  item.default = { ...item.max, ...item.default };
  item.defaultRequest = { ...item.default, ...item.defaultRequest };
  for (const [name, min] of Object.entries(item.min ?? {})) {
    item.defaultRequest[name] ??= min;
  }
}

function itemErrors(field: string, item: LimitRangeItem): FieldError[] {
  const names = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const;
  const errors = [
    ...requiredText(`${field}.type`, item.type),
    ...names.flatMap((name) => Object.entries(item[name] ?? {}).flatMap(([resource, value]) => quantity(`${field}.${name}[${resource}]`, value))),
  ];
  if (errors.length > 0) {
    return errors;
  }
  for (const [resource, min] of Object.entries(item.min ?? {})) {
    const max = item.max?.[resource];
    if (max !== undefined && compareQuantities(min, max) > 0) {
      errors.push(fieldError.invalid(`${field}.min[${resource}]`, min, `min value ${min} is greater than max value ${max}`));
    }
  }
  return errors;
}

export const limitRange = defineKind<LimitRange>({
  group: '', version: 'v1', kind: 'LimitRange', plural: 'limitranges', singular: 'limitrange',
  namespaced: true, type: 'core/v1.LimitRange', origin: 'builtin',
  shortNames: ['limits'],
  columns: [NAME, column('Created At', ({ metadata }) => metadata.creationTimestamp ?? '<unknown>')],
  rules: {
    generation: false,
    defaults(object) {
      object.spec ??= { limits: [] };
      for (const item of object.spec.limits ?? []) {
        defaultItem(item);
      }
    },
    validate: ({ spec }) => (spec.limits ?? []).flatMap((item, index) => itemErrors(`spec.limits[${index}]`, item)),
  },
});
