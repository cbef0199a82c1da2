import { column, NAME } from '../columns.ts';
import type { LimitRange, LimitRangeItem } from '../generated/core.ts';
import { defineKind } from '../kind.ts';
import { limitErrors } from './limitrange.validate.ts';

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
    validate: ({ spec }) => limitErrors('spec.limits', spec.limits ?? []),
  },
});
