/** Ephemeral containers: what they may say, and that they only ever come in addition (`kubectl debug`). */
import { fieldError, type FieldError } from '../../../apimachinery/status.ts';
import { deepEqual } from '../../../apimachinery/values.ts';
import type { EphemeralContainer, PodSpec } from '../../generated/core.ts';

/** Everything else belongs to containers that are counted, probed or restarted. */
const ALLOWED: ReadonlySet<string> = new Set<keyof EphemeralContainer>([
  'name', 'image', 'command', 'args', 'workingDir', 'env', 'envFrom', 'volumeMounts', 'volumeDevices', 'terminationMessagePath', 'terminationMessagePolicy',
  'imagePullPolicy', 'securityContext', 'stdin', 'stdinOnce', 'tty', 'targetContainerName',
]);
const REFUSAL = 'cannot be set for an Ephemeral Container';

const isEmpty = (value: unknown): boolean =>
  value === undefined || (Array.isArray(value) ? value.length === 0 : typeof value === 'object' && value !== null && Object.keys(value).length === 0);

/** What is wrong with one beyond what is wrong with any container. `others` are the names of the pod's containers and init containers. */
export function validateEphemeralContainer(path: string, container: EphemeralContainer, others: ReadonlySet<string>): FieldError[] {
  const errors = Object.entries(container).filter(([name, value]) => !ALLOWED.has(name) && !isEmpty(value))
    .map(([name]) => fieldError.forbidden(`${path}.${name}`, REFUSAL));
  const target = container.targetContainerName ?? '';
  if (target !== '' && !others.has(target)) {
    errors.push(fieldError.notFound(`${path}.targetContainerName`, target));
  }
  for (const [index, { subPath, subPathExpr }] of (container.volumeMounts ?? []).entries()) {
    if (subPath) {
      errors.push(fieldError.forbidden(`${path}.volumeMounts[${index}].subPath`, REFUSAL));
    }
    if (subPathExpr) {
      errors.push(fieldError.forbidden(`${path}.volumeMounts[${index}].subPathExpr`, REFUSAL));
    }
  }
  return errors;
}

/** Of an update through `/ephemeralcontainers`: those that are there stay as they are. Both specs have their defaults. */
export function validateEphemeralUpdate(spec: PodSpec, old: PodSpec): FieldError[] {
  const field = 'spec.ephemeralContainers';
  const now = new Map((spec.ephemeralContainers ?? []).map((container) => [container.name, container]));
  return (old.ephemeralContainers ?? []).flatMap((before) => {
    const after = now.get(before.name);
    if (after === undefined) {
      return [fieldError.forbidden(field, `existing ephemeral containers ${JSON.stringify(before.name)} may not be removed\n`)];
    }
    return deepEqual(after, before) ? [] : [fieldError.forbidden(field, `existing ephemeral containers ${JSON.stringify(before.name)} may not be changed\n`)];
  });
}
