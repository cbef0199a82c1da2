import { fieldError } from '../../apimachinery/status.ts';
import { immutable, oneOf } from '../checks.ts';
import { AGE, column, NAME } from '../columns.ts';
import type { PriorityClass } from '../generated/scheduling.ts';
import { defineKind } from '../kind.ts';

/** Above it is for the system's own classes. */
const MAX_VALUE = 1_000_000_000;
const SYSTEM_PREFIX = 'system-';
const SYSTEM: ReadonlySet<string> = new Set(['system-node-critical', 'system-cluster-critical']);

export const priorityClass = defineKind<PriorityClass>({
  group: 'scheduling.k8s.io', version: 'v1', kind: 'PriorityClass', plural: 'priorityclasses', singular: 'priorityclass',
  namespaced: false, type: 'scheduling/v1.PriorityClass', origin: 'builtin',
  shortNames: ['pc'],
  columns: [
    NAME,
    column('Value', ({ value }) => value ?? 0, { type: 'integer' }),
    column('Global-Default', ({ globalDefault }) => globalDefault === true, { type: 'boolean' }),
    AGE,
    column('PreemptionPolicy', ({ preemptionPolicy }) => preemptionPolicy ?? ''),
  ],
  rules: {
    defaults(object) { object.preemptionPolicy ||= 'PreemptLowerPriority'; },
    validate({ metadata, value = 0, preemptionPolicy }) {
      const errors = oneOf('preemptionPolicy', preemptionPolicy, ['Never', 'PreemptLowerPriority']);
      if (metadata.name.startsWith(SYSTEM_PREFIX)) {
        return SYSTEM.has(metadata.name) ? errors
          : [...errors, fieldError.forbidden('metadata.name', "priority class names with 'system-' prefix are reserved for system use only. error: not a known system priority class")];
      }
      return value > MAX_VALUE ? [...errors, fieldError.forbidden('value', `maximum allowed value of a user defined priority is ${MAX_VALUE}`)] : errors;
    },
    validateUpdate: (object, old) => [
      ...((object.value ?? 0) === (old.value ?? 0) ? [] : [fieldError.forbidden('value', 'may not be changed in an update.')]),
      ...immutable('preemptionPolicy', object.preemptionPolicy, old.preemptionPolicy),
    ],
  },
});
