import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import { intOrPercent, nonNegative, oneOf, scaledValue } from '../checks.ts';
import { AGE, column, NAME, templateColumns } from '../columns.ts';
import { defaultClaimSpec, validateClaimSpec } from '../core/persistentvolumeclaim.ts';
import { alwaysRestarts, defaultTemplate, validateOwnSelector, validateTemplate } from '../core/podspec/template.ts';
import { templateWarnings } from '../core/podspec/warnings.ts';
import type { StatefulSet, StatefulSetSpec, StatefulSetStatus } from '../generated/apps.ts';
import { inert } from '../inert.ts';
import { defineKind } from '../kind.ts';
import { ownStatus } from '../strategy.ts';
import { replicaStatusErrors } from './status.ts';

const MUTABLE = ['replicas', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy', 'minReadySeconds', 'ordinals'] as const;
const REFUSAL = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', "
  + "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

function defaults(set: StatefulSet): void {
  // A selector that is missing is for validation to name, not for defaults to make up.
  const spec: StatefulSetSpec = set.spec ?? ({} as Partial<StatefulSetSpec> as StatefulSetSpec);
  set.spec = spec;
  spec.replicas ??= 1;
  spec.template = defaultTemplate(spec.template);
  spec.podManagementPolicy ||= 'OrderedReady';
  spec.updateStrategy ??= {};
  spec.updateStrategy.type ||= 'RollingUpdate';
  if (spec.updateStrategy.type === 'RollingUpdate') {
    spec.updateStrategy.rollingUpdate ??= {};
    spec.updateStrategy.rollingUpdate.partition ??= 0;
  }
  spec.revisionHistoryLimit ??= 10;
  spec.persistentVolumeClaimRetentionPolicy = { whenDeleted: 'Retain', whenScaled: 'Retain', ...spec.persistentVolumeClaimRetentionPolicy };
  for (const claim of spec.volumeClaimTemplates ?? []) {
    claim.apiVersion ||= 'v1';
    claim.kind ||= 'PersistentVolumeClaim';
    claim.spec ??= {};
    defaultClaimSpec(claim.spec);
    claim.status ??= { phase: 'Pending' };
  }
}

const OWNER = { kind: 'StatefulSet', word: 'statefulset' };
const MANAGEMENT = ['OrderedReady', 'Parallel'];
const RETENTION = ['Delete', 'Retain'];

function strategyErrors({ podManagementPolicy = '', updateStrategy = {}, persistentVolumeClaimRetentionPolicy: retention }: Partial<StatefulSetSpec>): FieldError[] {
  const { type = '', rollingUpdate } = updateStrategy;
  const field = 'spec.updateStrategy';
  const unavailable = rollingUpdate?.maxUnavailable;
  const kept = 'spec.persistentVolumeClaimRetentionPolicy';
  const errors = MANAGEMENT.includes(podManagementPolicy) ? []
    : [fieldError.invalid('spec.podManagementPolicy', podManagementPolicy, "must be 'OrderedReady' or 'Parallel'")];
  if (type === 'OnDelete') {
    errors.push(...(rollingUpdate === undefined ? []
      : [fieldError.invalid(`${field}.rollingUpdate`, rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'")]));
  } else if (type === 'RollingUpdate') {
    errors.push(...nonNegative(`${field}.rollingUpdate.partition`, rollingUpdate?.partition), ...intOrPercent(`${field}.rollingUpdate.maxUnavailable`, unavailable));
    if (unavailable !== undefined && scaledValue(unavailable) === 0) {
      errors.push(fieldError.invalid(`${field}.rollingUpdate.maxUnavailable`, unavailable, 'cannot be 0'));
    }
  } else {
    errors.push(fieldError.invalid(field, updateStrategy, "must be 'RollingUpdate' or 'OnDelete'"));
  }
  return [...errors, ...oneOf(`${kept}.whenDeleted`, retention?.whenDeleted, RETENTION), ...oneOf(`${kept}.whenScaled`, retention?.whenScaled, RETENTION)];
}

const STATUS = {
  counts: ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas', 'observedGeneration', 'collisionCount'],
  parts: ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'], ready: 'cannot be greater than status.readyReplicas',
};

function validate({ spec }: StatefulSet): FieldError[] {
  return [
    ...strategyErrors(spec),
    ...nonNegative('spec.replicas', spec.replicas), ...nonNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit), ...nonNegative('spec.ordinals.start', spec.ordinals?.start),
    ...validateOwnSelector('spec', spec.selector, spec.template, OWNER),
    ...validateTemplate('spec.template', withClaims(spec)),
    ...alwaysRestarts('spec.template', spec.template, OWNER),
    ...(spec.volumeClaimTemplates ?? []).flatMap((claim, index) => [
      ...(claim.metadata?.name ? [] : [fieldError.required(`spec.volumeClaimTemplates[${index}].metadata.name`)]),
      ...validateClaimSpec(`spec.volumeClaimTemplates[${index}].spec`, claim.spec),
    ]),
  ];
}

/** Mounts may name claims, which become volumes of the pods. */
function withClaims({ template, volumeClaimTemplates = [] }: StatefulSetSpec): StatefulSetSpec['template'] {
  const spec = template.spec;
  if (spec === undefined || volumeClaimTemplates.length === 0) {
    return template;
  }
  const names = new Set(volumeClaimTemplates.map(({ metadata }) => metadata?.name ?? ''));
  const claims = [...names].map((name) => ({ name, persistentVolumeClaim: { claimName: name } }));
  return { ...template, spec: { ...spec, volumes: [...(spec.volumes ?? []).filter(({ name }) => !names.has(name)), ...claims] } };
}

function validateUpdate({ spec }: StatefulSet, { spec: old }: StatefulSet): FieldError[] {
  const kept = Object.fromEntries(MUTABLE.map((name) => [name, undefined]));
  return deepEqual({ ...spec, ...kept }, { ...old, ...kept }) ? [] : [fieldError.forbidden('spec', REFUSAL)];
}

export const statefulSet = defineKind<StatefulSet>({
  group: 'apps', version: 'v1', kind: 'StatefulSet', plural: 'statefulsets', singular: 'statefulset',
  namespaced: true, type: 'apps/v1.StatefulSet', origin: 'builtin',
  shortNames: ['sts'], categories: ['all', 'workloads'], status: true,
  scale: { specReplicas: '.spec.replicas', statusReplicas: '.status.replicas', selector: '.spec.selector' },
  columns: [
    NAME, column('Ready', ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}`), AGE,
    ...templateColumns<StatefulSet>(({ spec }) => spec.template),
  ],
  rules: {
    ...ownStatus<StatefulSetStatus>(() => ({ replicas: 0, availableReplicas: 0 })), defaults, validate, validateUpdate,
    validateStatus: ({ status }) => replicaStatusErrors({ ...status }, STATUS),
    warnings: ({ spec }) => [...inert('StatefulSet')(), ...templateWarnings(spec.template)],
  },
});
