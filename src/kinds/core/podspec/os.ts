/** Validation of what belongs to one operating system only, in pods that say which is theirs. */
import { fieldError, type FieldError } from '../../../apimachinery/status.ts';
import { requiredOneOf } from '../../checks.ts';
import type { PodSpec } from '../../generated/core.ts';

const POD_FIELDS = ['hostPID', 'hostIPC', 'hostUsers', 'shareProcessNamespace'] as const;
const POD_CONTEXT = [
  'appArmorProfile', 'seLinuxOptions', 'seccompProfile', 'fsGroup', 'fsGroupChangePolicy', 'sysctls', 'runAsUser', 'runAsGroup', 'supplementalGroups',
  'supplementalGroupsPolicy',
] as const;
const CONTAINER_CONTEXT = [
  'appArmorProfile', 'seLinuxOptions', 'seccompProfile', 'capabilities', 'readOnlyRootFilesystem', 'privileged', 'allowPrivilegeEscalation', 'procMount',
  'runAsUser', 'runAsGroup',
] as const;
const LINUX_ONLY = 'cannot be set for a windows pod';
const WINDOWS_ONLY = 'windows options cannot be set for a linux pod';

interface Part {
  at: string;
  context: PodSpec['containers'][number]['securityContext'];
}

const containerParts = (field: string, spec: PodSpec): Part[] => (['containers', 'initContainers', 'ephemeralContainers'] as const)
  .flatMap((list) => (spec[list] ?? []).map(({ securityContext: context }, index) => ({ at: `${field}.${list}[${index}].securityContext`, context })));

function windowsErrors(field: string, spec: PodSpec): FieldError[] {
  return [
    ...POD_FIELDS.filter((name) => spec[name] !== undefined).map((name) => fieldError.forbidden(`${field}.${name}`, LINUX_ONLY)),
    ...POD_CONTEXT.filter((name) => spec.securityContext?.[name] !== undefined)
      .map((name) => fieldError.forbidden(`${field}.securityContext.${name}`, LINUX_ONLY)),
    ...containerParts(field, spec).flatMap(({ at, context }) => CONTAINER_CONTEXT.filter((name) => context?.[name] !== undefined)
      .map((name) => fieldError.forbidden(`${at}.${name}`, LINUX_ONLY))),
  ];
}

export function validateOs(field: string, spec: PodSpec): FieldError[] {
  if (spec.os === undefined) {
    return [];
  }
  const errors = requiredOneOf(`${field}.os.name`, spec.os.name, ['linux', 'windows']);
  if (spec.os.name === 'windows') {
    return [...errors, ...windowsErrors(field, spec)];
  }
  const parts: Part[] = [{ at: `${field}.securityContext`, context: spec.securityContext }, ...containerParts(field, spec)];
  return spec.os.name !== 'linux' ? errors : [
    ...errors, ...parts.filter(({ context }) => context?.windowsOptions !== undefined).map(({ at }) => fieldError.forbidden(`${at}.windowsOptions`, WINDOWS_ONLY)),
  ];
}
