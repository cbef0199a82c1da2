/** What a PersistentVolume must say of itself, source by source (k8s.io/kubernetes/pkg/apis/core/validation). */
import { validateDns1123Subdomain } from '../../apimachinery/names.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { deepEqual, isObject } from '../../apimachinery/values.ts';
import { immutable, nameErrors, oneOf, positiveQuantity, requiredText } from '../checks.ts';
import type { PersistentVolume, PersistentVolumeSpec } from '../generated/core.ts';
import { driverName } from '../namechecks.ts';
import { validateNodeSelector } from './podspec/nodeselector.ts';

export const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
export const VOLUME_MODES = ['Block', 'Filesystem'];
const RECLAIM_POLICIES = ['Delete', 'Recycle', 'Retain'];
const HOST_PATH_TYPES = ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket'];
/** Members of a spec that are no source. */
const COMMON = new Set([
  'capacity', 'accessModes', 'claimRef', 'persistentVolumeReclaimPolicy', 'storageClassName', 'mountOptions', 'volumeMode', 'nodeAffinity', 'volumeAttributesClassName',
]);

/** `why` is said where there is none at all. */
export function accessModeErrors(field: string, modes: readonly string[] | undefined, why: string): FieldError[] {
  if (modes === undefined || modes.length === 0) {
    return [fieldError.required(field, why)];
  }
  return [
    ...modes.flatMap((mode) => oneOf(field, mode, ACCESS_MODES)),
    ...(modes.includes('ReadWriteOncePod') && modes.length > 1
      ? [fieldError.forbidden(field, 'may not use ReadWriteOncePod with other access modes')] : []),
  ];
}

/** Names and values of the volume's sources, of which there should be one. */
const sourcesOf = (spec: PersistentVolumeSpec): [string, unknown][] =>
  Object.entries(spec).filter(([name, value]) => !COMMON.has(name) && value !== undefined);

const noBacksteps = (field: string, path: string | undefined): FieldError[] =>
  ((path ?? '').split('/').includes('..') ? [fieldError.invalid(field, path, "must not contain '..'")] : []);

type SourceRule = (field: string, spec: PersistentVolumeSpec) => FieldError[];

/** Texts that a source cannot do without; the rest of a source is its driver's business. */
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  gcePersistentDisk: ['pdName'], awsElasticBlockStore: ['volumeID'], nfs: ['server', 'path'], glusterfs: ['endpoints', 'path'], cinder: ['volumeID'],
  quobyte: ['registry', 'volume'], vsphereVolume: ['volumePath'], photonPersistentDisk: ['pdID'], portworxVolume: ['volumeID'], flexVolume: ['driver'],
  rbd: ['image'], iscsi: ['targetPortal', 'iqn'], scaleIO: ['gateway', 'system', 'volumeName'], azureFile: ['secretName', 'shareName'],
  azureDisk: ['diskName', 'diskURI'], local: ['path'], hostPath: ['path'], csi: ['volumeHandle'],
};

const FURTHER: Readonly<Record<string, SourceRule>> = {
  nfs: (field, { nfs }) => (nfs?.path && !nfs.path.startsWith('/') ? [fieldError.invalid(`${field}.path`, nfs.path, 'must be an absolute path')] : []),
  hostPath: (field, { hostPath, persistentVolumeReclaimPolicy }) => [
    ...noBacksteps(`${field}.path`, hostPath?.path), ...oneOf(`${field}.type`, hostPath?.type, HOST_PATH_TYPES),
    ...(hostPath?.path === '/' && persistentVolumeReclaimPolicy === 'Recycle'
      ? [fieldError.forbidden('spec.persistentVolumeReclaimPolicy', "may not be 'recycle' for a hostPath mount of '/'")] : []),
  ],
  local: (field, { local, nodeAffinity }) => [
    ...noBacksteps(`${field}.path`, local?.path),
    ...(nodeAffinity === undefined ? [fieldError.required('spec.nodeAffinity', 'Local volume requires node affinity')] : []),
  ],
  csi: (field, { csi }) => driverName(`${field}.driver`, csi?.driver),
  cephfs: (field, { cephfs }) => (cephfs?.monitors?.length ? [] : [fieldError.required(`${field}.monitors`)]),
  rbd: (field, { rbd }) => (rbd?.monitors?.length ? [] : [fieldError.required(`${field}.monitors`)]),
};

function sourceErrors(spec: PersistentVolumeSpec): FieldError[] {
  const sources = sourcesOf(spec);
  return [
    ...sources.flatMap(([name, value], index) => (index > 0 ? [fieldError.forbidden(`spec.${name}`, 'may not specify more than 1 volume type')] : [
      ...(REQUIRED[name] ?? []).flatMap((member) => {
        const text = isObject(value) ? value[member] : undefined;
        return requiredText(`spec.${name}.${member}`, typeof text === 'string' ? text : undefined);
      }),
      ...FURTHER[name]?.(`spec.${name}`, spec) ?? [],
    ])),
    ...(sources.length === 0 ? [fieldError.required('spec', 'must specify a volume type')] : []),
  ];
}

function capacityErrors(capacity: Readonly<Record<string, string>> | undefined): FieldError[] {
  if (capacity === undefined || Object.keys(capacity).length === 0) {
    return [fieldError.required('spec.capacity')];
  }
  const { storage, ...others } = capacity;
  return [
    ...(storage === undefined || Object.keys(others).length > 0 ? [fieldError.notSupported('spec.capacity', capacity, ['storage'])] : []),
    ...(storage === undefined ? [] : positiveQuantity('spec.capacity[storage]', storage)),
  ];
}

function classErrors({ storageClassName, volumeAttributesClassName, csi }: PersistentVolumeSpec): FieldError[] {
  return [
    ...(storageClassName ? nameErrors('spec.storageClassName', storageClassName, validateDns1123Subdomain) : []),
    ...(volumeAttributesClassName === undefined ? [] : [
      ...(volumeAttributesClassName === '' ? [fieldError.required('spec.volumeAttributesClassName', 'an empty string is disallowed')]
        : nameErrors('spec.volumeAttributesClassName', volumeAttributesClassName, validateDns1123Subdomain)),
      ...(csi === undefined ? [fieldError.required('spec.csi', 'has to be specified when using volumeAttributesClassName')] : []),
    ]),
  ];
}

export function validateVolume({ spec }: PersistentVolume): FieldError[] {
  const required = spec.nodeAffinity?.required;
  return [
    ...accessModeErrors('spec.accessModes', spec.accessModes, ''),
    ...capacityErrors(spec.capacity),
    ...oneOf('spec.persistentVolumeReclaimPolicy', spec.persistentVolumeReclaimPolicy, RECLAIM_POLICIES),
    ...(spec.nodeAffinity === undefined ? [] : required === undefined ? [fieldError.required('spec.nodeAffinity.required', 'must specify required node constraints')]
      : validateNodeSelector('spec.nodeAffinity.required', required)),
    ...sourceErrors(spec),
    ...classErrors(spec),
    ...oneOf('spec.volumeMode', spec.volumeMode, VOLUME_MODES),
  ];
}

export const validateVolumeUpdate = ({ spec }: PersistentVolume, { spec: old }: PersistentVolume): FieldError[] => [
  ...(deepEqual(sourcesOf(spec), sourcesOf(old)) ? []
    : [fieldError.forbidden('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation')]),
  ...immutable('spec.volumeMode', spec.volumeMode, old.volumeMode),
  ...(old.nodeAffinity === undefined ? [] : immutable('spec.nodeAffinity', spec.nodeAffinity, old.nodeAffinity)),
];
