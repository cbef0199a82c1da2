import { findCondition } from '../../apimachinery/conditions.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { validateLabels } from '../../apimachinery/objectmeta.ts';
import { column, DATE, NAME } from '../columns.ts';
import type { VirtualMachine, VirtualMachineSpec } from '../generated/kubevirt.ts';
import { defineKind } from '../kind.ts';
import { keepStatus } from '../strategy.ts';
import { completeSpec, defaultMachine } from './defaults.ts';
import { withoutEffect } from './support.ts';
import { validateInstanceSpec } from './validate.ts';

const STRATEGIES = ['Always', 'Halted', 'Manual', 'Once', 'RerunOnFailure'];
/** Parts of a machine that need controllers which are not here. */
const UNSUPPORTED = ['dataVolumeTemplates', 'instancetype', 'preference', 'updateVolumesStrategy'] as const;

function defaults(vm: VirtualMachine): void {
  // Without a template there is nothing to default; validation says so.
  const spec: VirtualMachineSpec = vm.spec ?? ({} as Partial<VirtualMachineSpec> as VirtualMachineSpec);
  vm.spec = spec;
  if (spec.template !== undefined) {
    spec.template.spec = completeSpec(spec.template.spec);
    defaultMachine(spec.template.spec);
  }
}

function runErrors({ running, runStrategy }: VirtualMachineSpec): FieldError[] {
  if (running !== undefined && runStrategy !== undefined) {
    return [{
      type: 'FieldValueInvalid', field: 'spec.running',
      detail: 'Running and RunStrategy are mutually exclusive. Note that Running is deprecated, please use RunStrategy instead',
    }];
  }
  if (running === undefined && runStrategy === undefined) {
    return [{ type: 'FieldValueInvalid', field: 'spec.runStrategy', detail: 'RunStrategy must be specified' }];
  }
  return runStrategy === undefined || STRATEGIES.includes(runStrategy) ? []
    : [{ type: 'FieldValueInvalid', field: 'spec.runStrategy', detail: `Invalid RunStrategy (${runStrategy})` }];
}

function validate({ spec }: VirtualMachine): FieldError[] {
  if (spec.template?.spec === undefined) {
    return [{ type: 'FieldValueRequired', field: 'spec.template', detail: 'missing virtual machine template.' }];
  }
  return [
    ...runErrors(spec),
    ...UNSUPPORTED.flatMap((name) => {
      const value = spec[name];
      return value === undefined || (Array.isArray(value) && value.length === 0) ? []
        : [fieldError.forbidden(`spec.${name}`, 'not supported by the embedded virtual machine engine')];
    }),
    ...validateLabels(spec.template.metadata?.labels, 'spec.template.metadata.labels'),
    ...validateInstanceSpec('spec.template.spec', spec.template.spec),
  ];
}

export const virtualMachine = defineKind<VirtualMachine>({
  group: 'kubevirt.io', version: 'v1', kind: 'VirtualMachine', plural: 'virtualmachines', singular: 'virtualmachine',
  namespaced: true, type: 'kubevirt/v1.VirtualMachine', origin: 'custom',
  shortNames: ['vm', 'vms'], categories: ['all', 'workloads'], status: true,
  columns: [
    NAME, DATE,
    column('Status', ({ status }) => status?.printableStatus ?? null, { description: 'Human Readable Status', jsonPath: '.status.printableStatus' }),
    column('Ready', ({ status }) => findCondition(status?.conditions, 'Ready')?.status ?? null, { jsonPath: ".status.conditions[?(@.type=='Ready')].status" }),
  ],
  rules: {
    defaults,
    prepareCreate(object) { delete object.status; },
    prepareUpdate: keepStatus,
    validate,
    warnings: ({ spec }) => [
      ...(spec.running === undefined ? [] : ['spec.running is deprecated, please use spec.runStrategy instead.']),
      ...withoutEffect('spec.template.spec', spec.template?.spec),
    ],
  },
});
