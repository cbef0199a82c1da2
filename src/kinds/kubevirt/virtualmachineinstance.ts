import { findCondition } from '../../apimachinery/conditions.ts';
import { formatTime } from '../../apimachinery/object.ts';
import { fieldError } from '../../apimachinery/status.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import { column, DATE, NAME } from '../columns.ts';
import type { VirtualMachineInstance } from '../generated/kubevirt.ts';
import { defineKind, type Column } from '../kind.ts';
import { completeSpec, defaultInstance } from './defaults.ts';
import { withoutEffect } from './support.ts';
import { validateInstanceSpec } from './validate.ts';

const condition = (name: string, options: Partial<Column<VirtualMachineInstance>> = {}): Column<VirtualMachineInstance> =>
  column(name, ({ status }) => findCondition(status?.conditions, name.replace('-', ''))?.status ?? null, {
    jsonPath: `.status.conditions[?(@.type=='${name.replace('-', '')}')].status`, ...options,
  });

export const virtualMachineInstance = defineKind<VirtualMachineInstance>({
  group: 'kubevirt.io', version: 'v1', kind: 'VirtualMachineInstance', plural: 'virtualmachineinstances', singular: 'virtualmachineinstance',
  namespaced: true, type: 'kubevirt/v1.VirtualMachineInstance', origin: 'custom',
  shortNames: ['vmi', 'vmis'], categories: ['all'],
  columns: [
    NAME, DATE,
    column('Phase', ({ status }) => status?.phase ?? null, { jsonPath: '.status.phase' }),
    column('IP', ({ status }) => status?.interfaces?.[0]?.ipAddress ?? null, { jsonPath: '.status.interfaces[0].ipAddress' }),
    column('NodeName', ({ status }) => status?.nodeName ?? null, { jsonPath: '.status.nodeName' }),
    condition('Ready'), condition('Live-Migratable', { priority: 1 }), condition('Paused', { priority: 1 }),
  ],
  rules: {
    defaults(object) { object.spec = completeSpec(object.spec); },
    prepareCreate(object) {
      defaultInstance(object.metadata.name, object.spec);
      object.status = { phase: 'Pending', phaseTransitionTimestamps: [{ phase: 'Pending', phaseTransitionTimestamp: formatTime() }] };
    },
    validate: ({ spec }) => validateInstanceSpec('spec', spec),
    validateUpdate: (object, old) => (deepEqual(object.spec, old.spec) ? []
      : [fieldError.forbidden('spec', 'update of VMI object is restricted')]),
    warnings: ({ spec }) => withoutEffect('spec', spec),
  },
});
