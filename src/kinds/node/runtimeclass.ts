import { validateDns1123Label } from '../../apimachinery/names.ts';
import { validateLabels } from '../../apimachinery/objectmeta.ts';
import { validateTolerations } from '../core/podspec/scheduling.ts';
import { immutable, nameErrors, nonNegativeQuantity } from '../checks.ts';
import { AGE, column, NAME } from '../columns.ts';
import type { RuntimeClass } from '../generated/node.ts';
import { inert } from '../inert.ts';
import { defineKind } from '../kind.ts';

export const runtimeClass = defineKind<RuntimeClass>({
  group: 'node.k8s.io', version: 'v1', kind: 'RuntimeClass', plural: 'runtimeclasses', singular: 'runtimeclass',
  namespaced: false, type: 'node/v1.RuntimeClass', origin: 'builtin',
  columns: [NAME, column('Handler', ({ handler }) => handler ?? ''), AGE],
  rules: {
    generation: false,
    validate: ({ handler, overhead, scheduling }) => [
      ...nameErrors('handler', handler ?? '', validateDns1123Label),
      ...Object.entries(overhead?.podFixed ?? {}).flatMap(([name, value]) => nonNegativeQuantity(`overhead.podFixed[${name}]`, value)),
      ...validateLabels(scheduling?.nodeSelector, 'scheduling.nodeSelector'),
      ...validateTolerations('scheduling.tolerations', scheduling?.tolerations),
    ],
    validateUpdate: (object, old) => immutable('handler', object.handler, old.handler),
    warnings: inert('RuntimeClass', 'pods run with the one runtime of their node'),
  },
});
