/** Validation of how a container is resized and told to stop. */
import { fieldError, type FieldError } from '../../../apimachinery/status.ts';
import { oneOf, requiredOneOf } from '../../checks.ts';
import type { ContainerResizePolicy } from '../../generated/core.ts';

const RESIZABLE = ['cpu', 'memory'];
const SIGNAL = /^SIG(?:ABRT|ALRM|BUS|CHLD|CLD|CONT|FPE|HUP|ILL|INT|IO|IOT|KILL|PIPE|POLL|PROF|PWR|QUIT|SEGV|STKFLT|STOP|SYS|TERM|TRAP|TSTP|TTIN|TTOU|URG|USR1|USR2|VTALRM|WINCH|XCPU|XFSZ|RTMIN(?:\+(?:[1-9]|1[0-5]))?|RTMAX(?:-(?:[1-9]|1[0-4]))?)$/;

export function resizePolicyErrors(field: string, policies: readonly ContainerResizePolicy[]): FieldError[] {
  const seen = new Set<string>();
  return policies.flatMap(({ resourceName, restartPolicy }, index) => {
    const errors = [
      ...requiredOneOf(field, resourceName, RESIZABLE), ...requiredOneOf(field, restartPolicy, ['NotRequired', 'RestartContainer']),
    ];
    if (seen.has(resourceName)) {
      errors.push(fieldError.duplicate(`${field}[${index}]`, resourceName));
    }
    seen.add(resourceName);
    return errors;
  });
}

/** Signals can be chosen only by pods that say which system they are for; Windows knows two. */
export function stopSignalErrors(field: string, signal: string | undefined, os: string | undefined): FieldError[] {
  if (signal === undefined) {
    return [];
  }
  if (!os) {
    return [fieldError.forbidden(field, 'may not be set for containers with empty `spec.os.name`')];
  }
  if (os === 'windows') {
    return oneOf(field, signal, ['SIGKILL', 'SIGTERM']);
  }
  return SIGNAL.test(signal) ? [] : [fieldError.notSupported(field, signal, [])];
}
