import { immutable, nonNegative } from '../checks.ts';
import { formatSelector, replicaColumns, wide } from '../columns.ts';
import { alwaysRestarts, defaultTemplate, validateOwnSelector, validateTemplate } from '../core/podspec/template.ts';
import { templateWarnings } from '../core/podspec/warnings.ts';
import type { ReplicaSet, ReplicaSetSpec } from '../generated/apps.ts';
import { defineKind } from '../kind.ts';
import { ownStatus } from '../strategy.ts';
import { replicaStatusErrors } from './status.ts';

function defaults(set: ReplicaSet): void {
  // A selector that is missing is for validation to name, not for defaults to make up.
  const spec: ReplicaSetSpec = set.spec ?? ({} as Partial<ReplicaSetSpec> as ReplicaSetSpec);
  set.spec = spec;
  spec.replicas ??= 1;
  spec.template = defaultTemplate(spec.template);
}

/** Of replication controllers too. */
export const REPLICA_STATUS = {
  counts: ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas', 'observedGeneration'],
  parts: ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'], ready: 'cannot be greater than readyReplicas',
};

export const replicaSet = defineKind<ReplicaSet>({
  group: 'apps', version: 'v1', kind: 'ReplicaSet', plural: 'replicasets', singular: 'replicaset',
  namespaced: true, type: 'apps/v1.ReplicaSet', origin: 'builtin',
  shortNames: ['rs'], categories: ['all'], status: true,
  scale: { specReplicas: '.spec.replicas', statusReplicas: '.status.replicas', selector: '.spec.selector' },
  columns: [
    ...replicaColumns<ReplicaSet>(({ spec }) => spec.template),
    wide('Selector', ({ spec }) => formatSelector(spec.selector)),
  ],
  selectableFields: { 'status.replicas': ({ status }) => String(status?.replicas ?? 0) },
  rules: {
    ...ownStatus(() => ({ replicas: 0 })),
    defaults,
    validate: ({ spec }) => [
      ...nonNegative('spec.replicas', spec.replicas),
      ...nonNegative('spec.minReadySeconds', spec.minReadySeconds),
      ...validateOwnSelector('spec', spec.selector, spec.template),
      ...validateTemplate('spec.template', spec.template),
      ...alwaysRestarts('spec.template', spec.template),
    ],
    validateUpdate: (object, old) => immutable('spec.selector', object.spec.selector, old.spec.selector),
    warnings: ({ spec }) => templateWarnings(spec.template),
    validateStatus: ({ status }) => replicaStatusErrors({ ...status }, REPLICA_STATUS),
  },
});
