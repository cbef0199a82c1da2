/** Validation of a container's environment. */
import { validateDns1123Subdomain } from '../../../apimachinery/names.ts';
import { compareQuantities } from '../../../apimachinery/quantity.ts';
import { fieldError, type FieldError } from '../../../apimachinery/status.ts';
import { configKey, nameErrors, requiredText } from '../../checks.ts';
import type { EnvFromSource, EnvVar, EnvVarSource, ObjectFieldSelector, ResourceFieldSelector } from '../../generated/core.ts';

const ENV_FIELDS = [
  'metadata.name', 'metadata.namespace', 'metadata.uid', 'spec.nodeName', 'spec.serviceAccountName',
  'status.hostIP', 'status.hostIPs', 'status.podIP', 'status.podIPs',
];
export const FILE_FIELDS = ['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid'];

const KNOWN_FIELDS = new Set([...ENV_FIELDS, ...FILE_FIELDS, 'spec.restartPolicy', 'spec.schedulerName', 'status.phase']);

const RESOURCES = [
  'limits.cpu', 'limits.ephemeral-storage', 'limits.memory', 'requests.cpu', 'requests.ephemeral-storage', 'requests.memory',
];
const CPU_DIVISORS = ['1', '1m'];
const BYTE_DIVISORS = ['1', '1E', '1Ei', '1G', '1Gi', '1k', '1Ki', '1M', '1Mi', '1P', '1Pi', '1T', '1Ti'];

/** `metadata.labels['key']` and `metadata.annotations['key']`, which both environment and files may use. */
const SUBSCRIPT = /^metadata\.(labels|annotations)\['(.+)'\]$/;

export function validateFieldRef(field: string, ref: ObjectFieldSelector, allowed: readonly string[]): FieldError[] {
  const path = ref.fieldPath ?? '';
  if (!ref.apiVersion) {
    return [fieldError.required(`${field}.apiVersion`)];
  }
  if (path === '') {
    return [fieldError.required(`${field}.fieldPath`)];
  }
  if (SUBSCRIPT.test(path) || allowed.includes(path)) {
    return [];
  }
  return KNOWN_FIELDS.has(path)
    ? [fieldError.notSupported(`${field}.fieldPath`, path, [...allowed].sort())]
    : [fieldError.invalid(`${field}.fieldPath`, path, `error converting fieldPath: field label not supported: ${path}`)];
}

export function validateResourceFieldRef(field: string, ref: ResourceFieldSelector, forFile: boolean): FieldError[] {
  const resource = ref.resource ?? '';
  if (forFile && !ref.containerName) {
    return [fieldError.required(`${field}.containerName`)];
  }
  if (resource === '') {
    return [fieldError.required(`${field}.resource`)];
  }
  if (!RESOURCES.includes(resource) && !/^(limits|requests)\.hugepages-/.test(resource)) {
    return [fieldError.notSupported(`${field}.resource`, resource, RESOURCES)];
  }
  const divisor = ref.divisor ?? '0';
  const [what, divisors] = resource.endsWith('.cpu') ? ['cpu', CPU_DIVISORS] : ['memory', BYTE_DIVISORS];
  const known = ['0', ...divisors].some((one) => compareQuantities(divisor, one) === 0);
  return known ? [] : [fieldError.invalid(`${field}.divisor`, divisor, `only divisor's values ${divisors.join(', ')} are supported with the ${what} resource`)];
}

function keySelector(field: string, ref: { name?: string; key: string }): FieldError[] {
  return [
    ...requiredText(`${field}.name`, ref.name),
    ...(ref.key ? nameErrors(`${field}.key`, ref.key, configKey) : [fieldError.required(`${field}.key`)]),
  ];
}

function valueFrom(field: string, env: EnvVar, source: EnvVarSource): FieldError[] {
  const count = Object.values(source).filter((one) => one !== undefined).length;
  const errors: FieldError[] = [];
  if (source.fieldRef !== undefined) {
    errors.push(...validateFieldRef(`${field}.fieldRef`, source.fieldRef, ENV_FIELDS));
  }
  if (source.resourceFieldRef !== undefined) {
    errors.push(...validateResourceFieldRef(`${field}.resourceFieldRef`, source.resourceFieldRef, false));
  }
  if (source.configMapKeyRef !== undefined) {
    errors.push(...keySelector(`${field}.configMapKeyRef`, source.configMapKeyRef));
  }
  if (source.secretKeyRef !== undefined) {
    errors.push(...keySelector(`${field}.secretKeyRef`, source.secretKeyRef));
  }
  if (count === 0) {
    errors.push(fieldError.invalid(field, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`'));
  } else if (env.value) {
    errors.push(fieldError.invalid(field, '', 'may not be specified when `value` is not empty'));
  } else if (count > 1) {
    errors.push(fieldError.invalid(field, '', 'may not have more than one field specified at a time'));
  }
  return errors;
}

/** Any printable ASCII but `=`. */
function envName(value: string): string[] {
  return /^[ -<>-~]+$/.test(value) ? [] : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

export function validateEnv(field: string, env: readonly EnvVar[]): FieldError[] {
  return env.flatMap((one, index) => {
    const path = `${field}[${index}]`;
    return [
      ...(one.name ? nameErrors(`${path}.name`, one.name, envName) : [fieldError.required(`${path}.name`)]),
      ...(one.valueFrom === undefined ? [] : valueFrom(`${path}.valueFrom`, one, one.valueFrom)),
    ];
  });
}

export function validateEnvFrom(field: string, sources: readonly EnvFromSource[]): FieldError[] {
  return sources.flatMap((source, index) => {
    const path = `${field}[${index}]`;
    const errors = source.prefix ? nameErrors(`${path}.prefix`, source.prefix, envName) : [];
    const refs = [['configMapRef', source.configMapRef], ['secretRef', source.secretRef]] as const;
    const given = refs.filter(([, ref]) => ref !== undefined);
    for (const [name, ref] of given) {
      errors.push(...(ref?.name ? nameErrors(`${path}.${name}.name`, ref.name, validateDns1123Subdomain) : [fieldError.required(`${path}.${name}.name`)]));
    }
    if (given.length === 0) {
      errors.push(fieldError.invalid(path, '', 'must specify one of: `configMapRef` or `secretRef`'));
    } else if (given.length > 1) {
      errors.push(fieldError.invalid(path, '', 'may not have more than one field specified at a time'));
    }
    return errors;
  });
}
