/** Validation of probes and life-cycle handlers. */
import { fieldError, type FieldError } from '../../../apimachinery/status.ts';
import { nonNegative, oneOf, portNumber, portOrName } from '../../checks.ts';
import type { HTTPGetAction, Lifecycle, LifecycleHandler, Probe } from '../../generated/core.ts';

const HEADER_NAME = "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";

function httpGet(field: string, action: HTTPGetAction): FieldError[] {
  return [
    ...(action.path ? [] : [fieldError.required(`${field}.path`)]),
    ...portOrName(`${field}.port`, action.port),
    ...oneOf(`${field}.scheme`, action.scheme, ['HTTP', 'HTTPS']),
    ...(action.httpHeaders ?? []).flatMap(({ name }, index) =>
      (/^[-A-Za-z0-9]+$/.test(name) ? [] : [fieldError.invalid(`${field}.httpHeaders[${index}].name`, name, HEADER_NAME)])),
  ];
}

type AnyHandler = LifecycleHandler & Pick<Probe, 'grpc'>;

/** Exactly one way to act, and that one well-formed. */
function handler(field: string, action: AnyHandler, graceSeconds: number): FieldError[] {
  const errors: FieldError[] = [];
  const given: string[] = [];
  const check = (name: string, one: object | undefined, rule: (path: string) => FieldError[]): void => {
    if (one === undefined) {
      return;
    }
    given.push(name);
    errors.push(...(given.length > 1
      ? [fieldError.forbidden(`${field}.${name}`, 'may not specify more than 1 handler type')] : rule(`${field}.${name}`)));
  };
  const { exec, httpGet: http, tcpSocket, grpc, sleep } = action;
  check('exec', exec, (path) => (exec?.command?.length ? [] : [fieldError.required(`${path}.command`)]));
  check('httpGet', http, (path) => (http === undefined ? [] : httpGet(path, http)));
  check('tcpSocket', tcpSocket, (path) => portOrName(`${path}.port`, tcpSocket?.port));
  check('grpc', grpc, (path) => portNumber(`${path}.port`, grpc?.port));
  check('sleep', sleep, (path) => {
    const seconds = sleep?.seconds ?? 0;
    return seconds >= 0 && seconds <= graceSeconds ? []
      : [fieldError.invalid(`${path}.seconds`, seconds, `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`)];
  });
  return given.length === 0 ? [fieldError.required(field, 'must specify a handler type')] : errors;
}

export type ProbeRole = 'livenessProbe' | 'readinessProbe' | 'startupProbe';

export function validateProbe(field: string, probe: Probe | undefined, role: ProbeRole): FieldError[] {
  if (probe === undefined) {
    return [];
  }
  const errors = handler(field, probe, Number.POSITIVE_INFINITY);
  for (const name of ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'] as const) {
    errors.push(...nonNegative(`${field}.${name}`, probe[name]));
  }
  const grace = probe.terminationGracePeriodSeconds;
  if (role === 'readinessProbe') {
    if (grace !== undefined) {
      errors.push(fieldError.invalid(`${field}.terminationGracePeriodSeconds`, grace, 'must not be set for readinessProbes'));
    }
    return errors;
  }
  if (grace !== undefined && grace <= 0) {
    errors.push(fieldError.invalid(`${field}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'));
  }
  if ((probe.successThreshold ?? 1) !== 1) {
    errors.push(fieldError.invalid(`${field}.successThreshold`, probe.successThreshold, 'must be 1'));
  }
  return errors;
}

export function validateLifecycle(field: string, lifecycle: Lifecycle | undefined, graceSeconds: number): FieldError[] {
  return (['postStart', 'preStop'] as const).flatMap((name) => {
    const action = lifecycle?.[name];
    return action === undefined ? [] : handler(`${field}.${name}`, action, graceSeconds);
  });
}
