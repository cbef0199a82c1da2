/** Validation of containers, init containers and ephemeral containers. */
import { validateDns1123Label } from '../../../apimachinery/names.ts';
import { fieldError, type FieldError } from '../../../apimachinery/status.ts';
import { nameErrors, oneOf, portName, portNumber } from '../../checks.ts';
import type { Container, ContainerPort, PodSpec } from '../../generated/core.ts';
import { validateEnv, validateEnvFrom } from './env.ts';
import { validateEphemeralContainer } from './ephemeral.ts';
import { validateLifecycle, validateProbe } from './probes.ts';
import { claimRefErrors } from './claims.ts';
import { deviceErrors } from './devices.ts';
import { resizePolicyErrors, stopSignalErrors } from './lifecycle.ts';
import { validateResources } from './resources.ts';
import { validateSecurityContext } from './security.ts';
import { validateMounts } from './volumes.ts';

const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];
const PROBES = ['livenessProbe', 'readinessProbe', 'startupProbe'] as const;

function port(path: string, one: ContainerPort, hostNetwork: boolean): FieldError[] {
  const errors = one.name ? nameErrors(`${path}.name`, one.name, portName) : [];
  if (!one.containerPort) {
    errors.push(fieldError.required(`${path}.containerPort`));
  } else {
    errors.push(...portNumber(`${path}.containerPort`, one.containerPort));
  }
  if (one.hostPort) {
    errors.push(...portNumber(`${path}.hostPort`, one.hostPort));
    if (hostNetwork && one.hostPort !== one.containerPort) {
      errors.push(fieldError.invalid(`${path}.containerPort`, one.containerPort, 'must match `hostPort` when `hostNetwork` is true'));
    }
  }
  return [...errors, ...oneOf(`${path}.protocol`, one.protocol, PROTOCOLS)];
}

function ports(path: string, list: readonly ContainerPort[], hostNetwork: boolean): FieldError[] {
  const names = new Set<string>();
  return list.flatMap((one, index) => {
    const errors = port(`${path}[${index}]`, one, hostNetwork);
    if (one.name && names.has(one.name)) {
      errors.push(fieldError.duplicate(`${path}[${index}].name`, one.name));
    }
    names.add(one.name ?? '');
    return errors;
  });
}

/** What a container's checks need to know of its pod. */
interface PodFacts {
  volumes: ReadonlySet<string>;
  hostNetwork: boolean;
  graceSeconds: number;
  hostUsers: boolean | undefined;
  /** Names of the pod's resource claims. */
  claims: ReadonlySet<string>;
  os: string | undefined;
}

function image(path: string, container: Container): FieldError[] {
  if (!container.image) {
    return [fieldError.required(`${path}.image`)];
  }
  return container.image === container.image.trim() ? []
    : [fieldError.invalid(`${path}.image`, container.image, 'must not have leading or trailing whitespace')];
}

function containerErrors(path: string, container: Container, pod: PodFacts): FieldError[] {
  return [
    ...(container.name ? nameErrors(`${path}.name`, container.name, validateDns1123Label) : [fieldError.required(`${path}.name`)]),
    ...image(path, container),
    ...oneOf(`${path}.terminationMessagePolicy`, container.terminationMessagePolicy, ['File', 'FallbackToLogsOnError']),
    ...oneOf(`${path}.imagePullPolicy`, container.imagePullPolicy, PULL_POLICIES),
    ...ports(`${path}.ports`, container.ports ?? [], pod.hostNetwork),
    ...validateEnv(`${path}.env`, container.env ?? []),
    ...validateEnvFrom(`${path}.envFrom`, container.envFrom ?? []),
    ...validateMounts(`${path}.volumeMounts`, container, pod.volumes),
    ...validateResources(`${path}.resources`, container.resources),
    ...claimRefErrors(`${path}.resources.claims`, container.resources?.claims, pod.claims),
    ...resizePolicyErrors(`${path}.resizePolicy`, container.resizePolicy ?? []),
    ...deviceErrors(`${path}.volumeDevices`, container, pod.volumes),
    ...stopSignalErrors(`${path}.lifecycle.stopSignal`, container.lifecycle?.stopSignal, pod.os),
    ...validateLifecycle(`${path}.lifecycle`, container.lifecycle, pod.graceSeconds),
    ...PROBES.flatMap((role) => validateProbe(`${path}.${role}`, container[role], role)),
    ...validateSecurityContext(`${path}.securityContext`, container.securityContext, pod.hostUsers),
  ];
}

/** Two containers of a pod may not take the same port of the node. */
function hostPorts(path: string, containers: readonly Container[]): FieldError[] {
  const seen = new Set<string>();
  return containers.flatMap((container, index) => (container.ports ?? []).flatMap((one, at) => {
    if (!one.hostPort) {
      return [];
    }
    const claim = `${one.protocol ?? 'TCP'}/${one.hostIP ?? ''}/${one.hostPort}`;
    if (seen.has(claim)) {
      return [fieldError.duplicate(`${path}[${index}].ports[${at}].hostPort`, claim)];
    }
    seen.add(claim);
    return [];
  }));
}

function initContainer(path: string, container: Container): FieldError[] {
  const errors = oneOf(`${path}.restartPolicy`, container.restartPolicy, ['Always']);
  if (container.restartPolicy === 'Always') {
    return errors;
  }
  for (const name of ['lifecycle', ...PROBES] as const) {
    if (container[name] !== undefined) {
      errors.push(fieldError.forbidden(`${path}.${name}`, 'may not be set for init containers without restartPolicy=Always'));
    }
  }
  return errors;
}

export function validateContainers(field: string, spec: PodSpec): FieldError[] {
  const pod: PodFacts = {
    volumes: new Set((spec.volumes ?? []).map(({ name }) => name)),
    hostNetwork: spec.hostNetwork === true,
    graceSeconds: spec.terminationGracePeriodSeconds ?? 30,
    hostUsers: spec.hostUsers,
    claims: new Set((spec.resourceClaims ?? []).map(({ name }) => name)),
    os: spec.os?.name,
  };
  const names = new Set<string>();
  const errors: FieldError[] = [];
  const list = (path: string, containers: readonly Container[], extra: (path: string, container: Container) => FieldError[]): void => {
    for (const [index, container] of containers.entries()) {
      const at = `${path}[${index}]`;
      errors.push(...containerErrors(at, container, pod), ...extra(at, container));
      if (container.name && names.has(container.name)) {
        errors.push(fieldError.duplicate(`${at}.name`, container.name));
      }
      names.add(container.name);
    }
  };
  if (spec.containers.length === 0) {
    errors.push(fieldError.required(`${field}.containers`));
  }
  list(`${field}.containers`, spec.containers, (path, container) => (container.restartPolicy
    ? [fieldError.forbidden(`${path}.restartPolicy`, 'may not be set for non-init containers')] : []));
  list(`${field}.initContainers`, spec.initContainers ?? [], initContainer);
  const others = new Set(names);
  list(`${field}.ephemeralContainers`, spec.ephemeralContainers ?? [], (path, container) => validateEphemeralContainer(path, container, others));
  return [...errors, ...hostPorts(`${field}.containers`, spec.containers)];
}
