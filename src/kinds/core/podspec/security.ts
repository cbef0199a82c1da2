/** Validation of the security contexts of pods and containers. */
import { fieldError, type FieldError } from '../../../apimachinery/status.ts';
import { oneOf } from '../../checks.ts';
import type { AppArmorProfile, PodSpec, SeccompProfile, SecurityContext, WindowsSecurityContextOptions } from '../../generated/core.ts';

const MAX_ID = 2 ** 31 - 1;
const SYSCTL = /^(?:[a-z0-9](?:[-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9](?:[-_a-z0-9]*[a-z0-9])?$/;

function id(field: string, value: number | undefined): FieldError[] {
  return value !== undefined && (value < 0 || value > MAX_ID)
    ? [fieldError.invalid(field, value, `must be between 0 and ${MAX_ID}, inclusive`)] : [];
}

const PROFILE_TYPES = ['Localhost', 'RuntimeDefault', 'Unconfined'];
const MAX_PROFILE_PATH = 4095;

/** A path below the kubelet's directory of profiles. */
function profilePath(field: string, path: string): FieldError[] {
  return [
    ...(path.startsWith('/') ? [fieldError.invalid(field, path, 'must be a relative path')] : []),
    ...(path.split('/').includes('..') ? [fieldError.invalid(field, path, "must not contain '..'")] : []),
  ];
}

function seccomp(field: string, profile: SeccompProfile | undefined): FieldError[] {
  if (profile === undefined) {
    return [];
  }
  const { type, localhostProfile } = profile;
  const errors = type ? [] : [fieldError.required(`${field}.type`, 'type is required when seccompProfile is set')];
  if (type === 'Localhost') {
    errors.push(...(localhostProfile ? profilePath(`${field}.localhostProfile`, localhostProfile)
      : [fieldError.required(`${field}.localhostProfile`, 'must be set when seccomp type is Localhost')]));
  } else if (localhostProfile !== undefined) {
    errors.push(fieldError.invalid(`${field}.localhostProfile`, localhostProfile, 'can only be set when seccomp type is Localhost'));
  }
  return [...errors, ...oneOf(`${field}.type`, type, PROFILE_TYPES)];
}

function appArmor(field: string, profile: AppArmorProfile | undefined): FieldError[] {
  if (profile === undefined) {
    return [];
  }
  const { type, localhostProfile: path } = profile;
  const at = `${field}.localhostProfile`;
  const errors = type ? oneOf(`${field}.type`, type, PROFILE_TYPES) : [fieldError.required(`${field}.type`, 'type is required when appArmorProfile is set')];
  if (type === 'Localhost') {
    if (path === undefined || path.trim() === '') {
      errors.push(fieldError.required(at, 'must be set when AppArmor type is Localhost'));
    } else {
      errors.push(...(path === path.trim() ? [] : [fieldError.invalid(at, path, 'must not be padded with whitespace')]));
      errors.push(...(path.length > MAX_PROFILE_PATH ? [fieldError.tooLong(at, MAX_PROFILE_PATH)] : []));
    }
  } else if (path !== undefined) {
    errors.push(fieldError.invalid(at, path, 'can only be set when AppArmor type is Localhost'));
  }
  return errors;
}

/** `hostProcess` of a container must be its pod's, and such pods use the host's network; `runAsUserName` is a name Windows takes. */
function windows(field: string, options: WindowsSecurityContextOptions | undefined): FieldError[] {
  const name = options?.runAsUserName;
  if (name === undefined) {
    return [];
  }
  const at = `${field}.runAsUserName`;
  const parts = name.split('\\');
  return [
    ...(name === '' ? [fieldError.invalid(at, name, 'runAsUserName cannot be an empty string')] : []),
    // eslint-disable-next-line no-control-regex -- control characters are what is looked for
    ...(/[\u0000-\u001f\u007f-\u009f]/.test(name) ? [fieldError.invalid(at, name, 'runAsUserName cannot contain control characters')] : []),
    ...(parts.length > 2 ? [fieldError.invalid(at, name, 'runAsUserName cannot contain more than one backslash')] : []),
    ...(parts.length === 2 && parts[1] === '' ? [fieldError.invalid(at, name, 'runAsUserName\'s User length must not be empty')] : []),
  ];
}

/** `hostUsers`: of the pod; false gives it a user namespace of its own. */
export function validateSecurityContext(field: string, context: SecurityContext | undefined, hostUsers?: boolean): FieldError[] {
  if (context === undefined) {
    return [];
  }
  const errors = [
    ...id(`${field}.runAsUser`, context.runAsUser), ...id(`${field}.runAsGroup`, context.runAsGroup),
    ...oneOf(`${field}.procMount`, context.procMount, ['Default', 'Unmasked']),
    ...seccomp(`${field}.seccompProfile`, context.seccompProfile), ...appArmor(`${field}.appArmorProfile`, context.appArmorProfile),
    ...windows(`${field}.windowsOptions`, context.windowsOptions),
  ];
  if (context.procMount === 'Unmasked' && hostUsers !== false) {
    errors.push(fieldError.invalid(`${field}.procMount`, context.procMount, '`hostUsers` must be false to use `Unmasked`'));
  }
  if (context.allowPrivilegeEscalation === false) {
    if (context.privileged === true) {
      errors.push(fieldError.invalid(field, context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'));
    }
    if (context.capabilities?.add?.includes('CAP_SYS_ADMIN')) {
      errors.push(fieldError.invalid(field, context, 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN'));
    }
  }
  return errors;
}

/** A pod with users of its own shares no other namespace with the host. */
const userNamespace = (field: string, spec: PodSpec): FieldError[] => (spec.hostUsers !== false ? []
  : (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((name) => spec[name] === true)
    .map((name) => fieldError.forbidden(`${field}.${name}`, 'when `hostUsers` is set to false')));

export function validatePodSecurity(field: string, spec: PodSpec): FieldError[] {
  const context = spec.securityContext ?? {};
  const path = `${field}.securityContext`;
  const errors = [
    ...id(`${path}.runAsUser`, context.runAsUser), ...id(`${path}.runAsGroup`, context.runAsGroup), ...id(`${path}.fsGroup`, context.fsGroup),
    ...(context.supplementalGroups ?? []).flatMap((group, index) => id(`${path}.supplementalGroups[${index}]`, group)),
    ...oneOf(`${path}.fsGroupChangePolicy`, context.fsGroupChangePolicy, ['OnRootMismatch', 'Always']),
    ...oneOf(`${path}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, ['Merge', 'Strict']),
    ...oneOf(`${path}.seLinuxChangePolicy`, context.seLinuxChangePolicy, ['MountOption', 'Recursive']),
    ...seccomp(`${path}.seccompProfile`, context.seccompProfile), ...appArmor(`${path}.appArmorProfile`, context.appArmorProfile),
    ...windows(`${path}.windowsOptions`, context.windowsOptions),
    ...userNamespace(field, spec),
  ];
  const seen = new Set<string>();
  for (const [index, { name }] of (context.sysctls ?? []).entries()) {
    const at = `${path}.sysctls[${index}].name`;
    if (!name) {
      errors.push(fieldError.required(at));
    } else if (name.length > 253 || !SYSCTL.test(name)) {
      errors.push(fieldError.invalid(at, name, `must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$`));
    } else if (seen.has(name)) {
      errors.push(fieldError.duplicate(at, name));
    }
    seen.add(name);
  }
  if (spec.hostPID === true && spec.shareProcessNamespace === true) {
    errors.push(fieldError.invalid(`${field}.shareProcessNamespace`, true, 'ShareProcessNamespace and HostPID cannot both be enabled'));
  }
  return errors;
}
