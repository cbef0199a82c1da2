/** Validation of the security contexts of pods and containers. */
import { fieldError, type FieldError } from '../../../apimachinery/status.ts';
import { oneOf, requiredOneOf } from '../../checks.ts';
import type { PodSpec, SeccompProfile, SecurityContext } from '../../generated/core.ts';

const MAX_ID = 2 ** 31 - 1;
const SYSCTL = /^(?:[a-z0-9](?:[-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9](?:[-_a-z0-9]*[a-z0-9])?$/;

function id(field: string, value: number | undefined): FieldError[] {
  return value !== undefined && (value < 0 || value > MAX_ID)
    ? [fieldError.invalid(field, value, `must be between 0 and ${MAX_ID}, inclusive`)] : [];
}

function seccomp(field: string, profile: SeccompProfile | undefined): FieldError[] {
  if (profile === undefined) {
    return [];
  }
  const errors = requiredOneOf(`${field}.type`, profile.type, ['Localhost', 'RuntimeDefault', 'Unconfined']);
  if (profile.type === 'Localhost') {
    if (!profile.localhostProfile) {
      errors.push(fieldError.required(`${field}.localhostProfile`, 'must be set when seccomp type is Localhost'));
    }
  } else if (profile.localhostProfile !== undefined) {
    errors.push(fieldError.invalid(`${field}.localhostProfile`, profile.localhostProfile, 'can only be set when seccomp type is Localhost'));
  }
  return errors;
}

export function validateSecurityContext(field: string, context: SecurityContext | undefined): FieldError[] {
  if (context === undefined) {
    return [];
  }
  const errors = [
    ...id(`${field}.runAsUser`, context.runAsUser), ...id(`${field}.runAsGroup`, context.runAsGroup),
    ...oneOf(`${field}.procMount`, context.procMount, ['Default', 'Unmasked']),
    ...seccomp(`${field}.seccompProfile`, context.seccompProfile),
  ];
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

export function validatePodSecurity(field: string, spec: PodSpec): FieldError[] {
  const context = spec.securityContext ?? {};
  const path = `${field}.securityContext`;
  const errors = [
    ...id(`${path}.runAsUser`, context.runAsUser), ...id(`${path}.runAsGroup`, context.runAsGroup), ...id(`${path}.fsGroup`, context.fsGroup),
    ...(context.supplementalGroups ?? []).flatMap((group, index) => id(`${path}.supplementalGroups[${index}]`, group)),
    ...oneOf(`${path}.fsGroupChangePolicy`, context.fsGroupChangePolicy, ['OnRootMismatch', 'Always']),
    ...oneOf(`${path}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, ['Merge', 'Strict']),
    ...seccomp(`${path}.seccompProfile`, context.seccompProfile),
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
