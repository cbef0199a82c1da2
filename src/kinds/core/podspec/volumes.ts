/** Validation of volumes and of their mounts. */
import { validateDns1123Label } from '../../../apimachinery/names.ts';
import { fieldError, type FieldError } from '../../../apimachinery/status.ts';
import { nameErrors, nonNegativeQuantity, oneOf, requiredText } from '../../checks.ts';
import type {
  Container, DownwardAPIVolumeFile, EphemeralContainer, KeyToPath, ProjectedVolumeSource, Volume, VolumeMount, VolumeProjection,
} from '../../generated/core.ts';
import { FILE_FIELDS, validateFieldRef, validateResourceFieldRef } from './env.ts';

const FILE_MODE = 'must be a number between 0 and 0777 (octal), both inclusive';
const HOST_PATH_TYPES = ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket'];
const MIN_TOKEN_SECONDS = 600;
const MAX_TOKEN_SECONDS = 2 ** 32;

function fileMode(field: string, mode: number | undefined): FieldError[] {
  return mode !== undefined && (mode < 0 || mode > 0o777) ? [fieldError.invalid(field, mode, FILE_MODE)] : [];
}

/** Relative, without `..`. */
function localPath(field: string, path: string): FieldError[] {
  if (path.startsWith('/')) {
    return [fieldError.invalid(field, path, 'must be a relative path')];
  }
  return path.split('/').includes('..') ? [fieldError.invalid(field, path, "must not contain '..'")] : [];
}

function localFile(field: string, path: string | undefined): FieldError[] {
  if (!path) {
    return [fieldError.required(field)];
  }
  const errors = localPath(field, path);
  if (path.startsWith('..') && !path.startsWith('../')) {
    errors.push(fieldError.invalid(field, path, "must not start with '..'"));
  }
  return errors;
}

const keys = (field: string, items: readonly KeyToPath[] | undefined): FieldError[] => (items ?? []).flatMap((item, index) => [
  ...requiredText(`${field}[${index}].key`, item.key),
  ...localFile(`${field}[${index}].path`, item.path),
  ...fileMode(`${field}[${index}].mode`, item.mode),
]);

const downward = (field: string, items: readonly DownwardAPIVolumeFile[] | undefined): FieldError[] => (items ?? []).flatMap((item, index) => {
  const path = `${field}[${index}]`;
  const errors = localFile(`${path}.path`, item.path);
  if (item.fieldRef !== undefined) {
    errors.push(...validateFieldRef(`${path}.fieldRef`, item.fieldRef, FILE_FIELDS));
    if (item.resourceFieldRef !== undefined) {
      errors.push(fieldError.invalid(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'));
    }
  } else if (item.resourceFieldRef === undefined) {
    errors.push(fieldError.required(path, 'one of fieldRef and resourceFieldRef is required'));
  } else {
    errors.push(...validateResourceFieldRef(`${path}.resourceFieldRef`, item.resourceFieldRef, true));
  }
  return [...errors, ...fileMode(`${path}.mode`, item.mode)];
});

function token(field: string, source: NonNullable<VolumeProjection['serviceAccountToken']>): FieldError[] {
  const seconds = source.expirationSeconds ?? MIN_TOKEN_SECONDS;
  const errors: FieldError[] = [];
  if (seconds < MIN_TOKEN_SECONDS) {
    errors.push(fieldError.invalid(`${field}.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes'));
  } else if (seconds > MAX_TOKEN_SECONDS) {
    errors.push(fieldError.invalid(`${field}.expirationSeconds`, seconds, 'may not specify a duration larger than 2^32 seconds'));
  }
  return [...errors, ...localFile(`${field}.path`, source.path)];
}

function projection(field: string, source: VolumeProjection): FieldError[] {
  const given = Object.entries(source).filter(([, one]) => one !== undefined);
  if (given.length > 1) {
    return [fieldError.forbidden(`${field}.${given[1]?.[0] ?? ''}`, 'may not specify more than 1 volume type per source')];
  }
  if (source.secret !== undefined) {
    return [...requiredText(`${field}.secret.name`, source.secret.name), ...keys(`${field}.secret.items`, source.secret.items)];
  }
  if (source.configMap !== undefined) {
    return [...requiredText(`${field}.configMap.name`, source.configMap.name), ...keys(`${field}.configMap.items`, source.configMap.items)];
  }
  if (source.downwardAPI !== undefined) {
    return downward(`${field}.downwardAPI.items`, source.downwardAPI.items);
  }
  if (source.serviceAccountToken !== undefined) {
    return token(`${field}.serviceAccountToken`, source.serviceAccountToken);
  }
  return given.length === 0 ? [fieldError.required(field, 'must specify a volume source')] : [];
}

/** Two sources of one projected volume may not write the same file. */
function projectedPaths(field: string, source: ProjectedVolumeSource): FieldError[] {
  const seen = new Set<string>();
  const errors: FieldError[] = [];
  for (const [index, one] of (source.sources ?? []).entries()) {
    const paths = [
      ...(one.secret?.items ?? []), ...(one.configMap?.items ?? []), ...(one.downwardAPI?.items ?? []),
      ...(one.serviceAccountToken === undefined ? [] : [one.serviceAccountToken]),
    ].map(({ path }) => path);
    for (const path of paths) {
      if (seen.has(path)) {
        errors.push(fieldError.invalid(`${field}.sources[${index}]`, path, 'conflicting duplicate paths'));
      }
      seen.add(path);
    }
  }
  return errors;
}

type VolumeRule = (field: string, volume: Volume) => FieldError[];

const RULES: Readonly<Record<string, VolumeRule>> = {
  emptyDir: (field, { emptyDir }) => (emptyDir?.sizeLimit === undefined ? [] : nonNegativeQuantity(`${field}.sizeLimit`, emptyDir.sizeLimit)),
  hostPath: (field, { hostPath }) => [
    ...requiredText(`${field}.path`, hostPath?.path),
    ...((hostPath?.path ?? '').split('/').includes('..') ? [fieldError.invalid(`${field}.path`, hostPath?.path, "must not contain '..'")] : []),
    ...oneOf(`${field}.type`, hostPath?.type, HOST_PATH_TYPES),
  ],
  secret: (field, { secret }) => [
    ...requiredText(`${field}.secretName`, secret?.secretName), ...keys(`${field}.items`, secret?.items), ...fileMode(`${field}.defaultMode`, secret?.defaultMode),
  ],
  configMap: (field, { configMap }) => [
    ...requiredText(`${field}.name`, configMap?.name), ...keys(`${field}.items`, configMap?.items), ...fileMode(`${field}.defaultMode`, configMap?.defaultMode),
  ],
  downwardAPI: (field, { downwardAPI }) => [...downward(`${field}.items`, downwardAPI?.items), ...fileMode(`${field}.defaultMode`, downwardAPI?.defaultMode)],
  projected: (field, { projected }) => [
    ...(projected?.sources ?? []).flatMap((source, index) => projection(`${field}.sources[${index}]`, source)),
    ...(projected === undefined ? [] : projectedPaths(field, projected)),
    ...fileMode(`${field}.defaultMode`, projected?.defaultMode),
  ],
  persistentVolumeClaim: (field, { persistentVolumeClaim }) => requiredText(`${field}.claimName`, persistentVolumeClaim?.claimName),
  nfs: (field, { nfs }) => [
    ...requiredText(`${field}.server`, nfs?.server), ...requiredText(`${field}.path`, nfs?.path),
    ...(nfs?.path?.startsWith('/') === false ? [fieldError.invalid(`${field}.path`, nfs.path, 'must be an absolute path')] : []),
  ],
  csi: (field, { csi }) => requiredText(`${field}.driver`, csi?.driver),
  ephemeral: (field, { ephemeral }) => (ephemeral?.volumeClaimTemplate === undefined ? [fieldError.required(`${field}.volumeClaimTemplate`)] : []),
  image: (field, { image }) => oneOf(`${field}.pullPolicy`, image?.pullPolicy, ['Always', 'IfNotPresent', 'Never']),
};

export function validateVolumes(field: string, volumes: readonly Volume[]): FieldError[] {
  const names = new Set<string>();
  return volumes.flatMap((volume, index) => {
    const path = `${field}[${index}]`;
    const errors: FieldError[] = [];
    const sources = Object.entries(volume).filter(([name, source]) => name !== 'name' && source !== undefined).map(([name]) => name);
    for (const [at, name] of sources.entries()) {
      errors.push(...(at > 0 ? [fieldError.forbidden(`${path}.${name}`, 'may not specify more than 1 volume type')] : RULES[name]?.(`${path}.${name}`, volume) ?? []));
    }
    if (!volume.name) {
      errors.push(fieldError.required(`${path}.name`));
    } else {
      errors.push(...nameErrors(`${path}.name`, volume.name, validateDns1123Label));
      if (names.has(volume.name)) {
        errors.push(fieldError.duplicate(`${path}.name`, volume.name));
      }
      names.add(volume.name);
    }
    return errors;
  });
}

function subPaths(field: string, mount: VolumeMount): FieldError[] {
  const errors = [
    ...(mount.subPath ? localPath(`${field}.subPath`, mount.subPath) : []),
    ...(mount.subPathExpr ? localPath(`${field}.subPathExpr`, mount.subPathExpr) : []),
  ];
  if (mount.subPath && mount.subPathExpr) {
    errors.push(fieldError.invalid(`${field}.subPathExpr`, mount.subPathExpr, 'subPathExpr and subPath are mutually exclusive'));
  }
  return errors;
}

function propagation(field: string, mount: VolumeMount, privileged: boolean): FieldError[] {
  if (mount.mountPropagation === 'Bidirectional' && !privileged) {
    return [fieldError.forbidden(field, 'Bidirectional mount propagation is available only to privileged containers')];
  }
  return oneOf(field, mount.mountPropagation, ['Bidirectional', 'HostToContainer', 'None']);
}

export function validateMounts(field: string, container: Container | EphemeralContainer, volumes: ReadonlySet<string>): FieldError[] {
  const paths = new Set<string>();
  return (container.volumeMounts ?? []).flatMap((mount, index) => {
    const path = `${field}[${index}]`;
    const errors: FieldError[] = [];
    if (!mount.name) {
      errors.push(fieldError.required(`${path}.name`));
    } else if (!volumes.has(mount.name)) {
      errors.push(fieldError.notFound(`${path}.name`, mount.name));
    }
    if (!mount.mountPath) {
      errors.push(fieldError.required(`${path}.mountPath`));
    } else if (paths.has(mount.mountPath)) {
      errors.push(fieldError.invalid(`${path}.mountPath`, mount.mountPath, 'must be unique'));
    }
    paths.add(mount.mountPath);
    return [
      ...errors, ...subPaths(path, mount),
      ...propagation(`${path}.mountPropagation`, mount, container.securityContext?.privileged === true),
    ];
  });
}
