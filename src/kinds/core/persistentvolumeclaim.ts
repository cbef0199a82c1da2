import { validateDns1123Subdomain } from '../../apimachinery/names.ts';
import { compareQuantities } from '../../apimachinery/quantity.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import { labelSelector, nameErrors, oneOf, positiveQuantity, requiredText } from '../checks.ts';
import { AGE, column, NAME, wide } from '../columns.ts';
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec, TypedObjectReference } from '../generated/core.ts';
import { inert } from '../inert.ts';
import { defineKind } from '../kind.ts';
import { keepStatus } from '../strategy.ts';
import { accessModes } from './persistentvolume.ts';
import { accessModeErrors, VOLUME_MODES } from './persistentvolume.validate.ts';

/** `dataSource` and `dataSourceRef` are two names of one thing, but for sources that only the second can name. */
export function defaultClaimSpec(spec: PersistentVolumeClaimSpec): void {
  spec.volumeMode ||= 'Filesystem';
  spec.resources ??= {};
  const { dataSource, dataSourceRef } = spec;
  if (dataSource !== undefined && dataSourceRef === undefined) {
    spec.dataSourceRef = { ...dataSource };
  } else if (dataSource === undefined && dataSourceRef !== undefined && dataSourceRef.namespace === undefined && isKnownSource(dataSourceRef)) {
    const { namespace: _namespace, ...local } = dataSourceRef;
    spec.dataSource = local;
  }
}

const CLAIM = 'PersistentVolumeClaim';
const isKnownSource = ({ apiGroup = '', kind }: TypedObjectReference): boolean =>
  (kind === CLAIM && apiGroup === '') || (kind === 'VolumeSnapshot' && apiGroup === 'snapshot.storage.k8s.io');

function sourceErrors(field: string, { apiGroup, kind, name }: Pick<TypedObjectReference, 'apiGroup' | 'kind' | 'name'>): FieldError[] {
  return [
    ...requiredText(`${field}.name`, name), ...requiredText(`${field}.kind`, kind),
    ...(!apiGroup && kind !== CLAIM ? [fieldError.invalid(field, kind ?? '', `must be '${CLAIM}' when referencing the default apiGroup`)] : []),
    ...(apiGroup ? nameErrors(`${field}.apiGroup`, apiGroup, validateDns1123Subdomain) : []),
  ];
}

function dataErrors(field: string, { dataSource, dataSourceRef }: PersistentVolumeClaimSpec): FieldError[] {
  const errors = [
    ...(dataSource === undefined ? [] : sourceErrors(`${field}.dataSource`, dataSource)),
    ...(dataSourceRef === undefined ? [] : sourceErrors(`${field}.dataSourceRef`, dataSourceRef)),
  ];
  if (dataSourceRef?.namespace && dataSource !== undefined) {
    return [...errors, fieldError.invalid(field, `${field}.dataSource`, 'may not be specified when dataSourceRef.namespace is specified')];
  }
  const differs = dataSource !== undefined && dataSourceRef !== undefined
    && (dataSource.kind !== dataSourceRef.kind || dataSource.name !== dataSourceRef.name || (dataSource.apiGroup ?? '') !== (dataSourceRef.apiGroup ?? ''));
  return differs ? [...errors, fieldError.invalid(field, `${field}.dataSource`, 'must match dataSourceRef')] : errors;
}

export function validateClaimSpec(field: string, spec: PersistentVolumeClaimSpec): FieldError[] {
  const storage = spec.resources?.requests?.['storage'];
  const at = `${field}.resources[storage]`;
  return [
    ...accessModeErrors(`${field}.accessModes`, spec.accessModes, 'at least 1 access mode is required'),
    ...labelSelector(`${field}.selector`, spec.selector),
    ...(storage === undefined ? [fieldError.required(at)] : positiveQuantity(at, storage)),
    ...(spec.storageClassName ? nameErrors(`${field}.storageClassName`, spec.storageClassName, validateDns1123Subdomain) : []),
    ...oneOf(`${field}.volumeMode`, spec.volumeMode, VOLUME_MODES),
    ...dataErrors(field, spec),
    ...(spec.volumeAttributesClassName ? nameErrors(`${field}.volumeAttributesClassName`, spec.volumeAttributesClassName, validateDns1123Subdomain) : []),
  ];
}

/** Everything but what may grow, and the volume that is bound to it. */
function frozen({ resources: _r, volumeAttributesClassName: _v, ...spec }: PersistentVolumeClaimSpec, old: PersistentVolumeClaimSpec): PersistentVolumeClaimSpec {
  const { volumeName, storageClassName, ...rest } = spec;
  return {
    ...rest,
    ...(old.volumeName && volumeName !== undefined ? { volumeName } : {}),
    ...(old.storageClassName !== undefined && storageClassName !== undefined ? { storageClassName } : {}),
  };
}

function validateUpdate({ spec }: PersistentVolumeClaim, { spec: old, status }: PersistentVolumeClaim): FieldError[] {
  const bound = status?.phase === 'Bound';
  const unchanged = deepEqual(frozen(spec, old), frozen(old, old)) && (bound || deepEqual(spec.resources, old.resources));
  const errors = unchanged ? [] : [
    fieldError.forbidden('spec', 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'),
  ];
  const [now, before] = [spec.resources?.requests?.['storage'], old.resources?.requests?.['storage']];
  if (bound && now !== undefined && before !== undefined && compareQuantities(now, before) < 0) {
    errors.push(fieldError.forbidden('spec.resources.requests.storage', 'field can not be less than previous value'));
  }
  return errors;
}

export const persistentVolumeClaim = defineKind<PersistentVolumeClaim>({
  group: '', version: 'v1', kind: 'PersistentVolumeClaim', plural: 'persistentvolumeclaims', singular: 'persistentvolumeclaim',
  namespaced: true, type: 'core/v1.PersistentVolumeClaim', origin: 'builtin',
  shortNames: ['pvc'], status: true,
  columns: [
    NAME,
    column('Status', ({ status, metadata }) => (metadata.deletionTimestamp === undefined ? status?.phase ?? '' : 'Terminating')),
    column('Volume', ({ spec }) => spec.volumeName ?? ''),
    column('Capacity', ({ spec, status }) => (spec.volumeName ? status?.capacity?.['storage'] ?? '0' : '')),
    column('Access Modes', ({ spec, status }) => (spec.volumeName ? accessModes(status?.accessModes) : '')),
    column('StorageClass', ({ spec }) => spec.storageClassName ?? ''),
    column('VolumeAttributesClass', ({ spec }) => spec.volumeAttributesClassName || '<unset>'),
    AGE,
    wide('VolumeMode', ({ spec }) => spec.volumeMode ?? '<unset>'),
  ],
  rules: {
    generation: false,
    defaults(object) {
      object.spec ??= {};
      defaultClaimSpec(object.spec);
    },
    defaultStatus(object) { object.status = { ...object.status, phase: object.status?.phase || 'Pending' }; },
    prepareCreate(object) { object.status = { phase: 'Pending' }; },
    prepareUpdate: keepStatus,
    validate: ({ spec }) => validateClaimSpec('spec', spec),
    validateUpdate,
    warnings: inert('PersistentVolumeClaim', 'volumes are not provisioned or bound here yet'),
  },
});
