import { matchesLabels, selectorFromMap } from '../../apimachinery/selectors.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { nonNegative } from '../checks.ts';
import { formatLabels, replicaColumns, wide } from '../columns.ts';
import type { ReplicationController } from '../generated/core.ts';
import { REPLICA_STATUS } from '../apps/replicaset.ts';
import { replicaStatusErrors } from '../apps/status.ts';
import { inert } from '../inert.ts';
import { defineKind } from '../kind.ts';
import { ownStatus } from '../strategy.ts';
import { alwaysRestarts, defaultTemplate, validateTemplate } from './podspec/template.ts';

function defaults(object: ReplicationController): void {
  object.spec ??= {};
  object.spec.replicas ??= 1;
  object.spec.template = defaultTemplate(object.spec.template);
  const labels = object.spec.template.metadata?.labels;
  if (labels !== undefined) {
    object.spec.selector ??= { ...labels };
    object.metadata.labels ??= { ...labels };
  }
}

function validate({ spec }: ReplicationController): FieldError[] {
  const labels = spec.template?.metadata?.labels ?? {};
  const selector = spec.selector ?? {};
  const errors = Object.keys(selector).length === 0 ? [fieldError.required('spec.selector')]
    : matchesLabels(selectorFromMap(selector), labels) ? []
      : [fieldError.invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`')];
  return [
    ...nonNegative('spec.replicas', spec.replicas), ...nonNegative('spec.minReadySeconds', spec.minReadySeconds), ...errors,
    ...validateTemplate('spec.template', spec.template), ...alwaysRestarts('spec.template', spec.template),
  ];
}

export const replicationController = defineKind<ReplicationController>({
  group: '', version: 'v1', kind: 'ReplicationController', plural: 'replicationcontrollers', singular: 'replicationcontroller',
  namespaced: true, type: 'core/v1.ReplicationController', origin: 'builtin',
  shortNames: ['rc'], categories: ['all'], status: true,
  scale: { specReplicas: '.spec.replicas', statusReplicas: '.status.replicas', selector: '.spec.selector' },
  columns: [
    ...replicaColumns<ReplicationController>(({ spec }) => spec.template),
    wide('Selector', ({ spec }) => formatLabels(spec.selector)),
  ],
  selectableFields: { 'status.replicas': ({ status }) => String(status?.replicas ?? 0) },
  rules: {
    ...ownStatus(() => ({ replicas: 0 })), defaults, validate, warnings: inert('ReplicationController'),
    validateStatus: ({ status }) => replicaStatusErrors({ ...status }, REPLICA_STATUS),
  },
});
