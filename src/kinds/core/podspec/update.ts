/** What of a pod may change after its creation. */
import { fieldError, type FieldError } from '../../../apimachinery/status.ts';
import { deepClone, deepEqual, isObject } from '../../../apimachinery/values.ts';
import type { Container, Pod, PodSpec, Toleration } from '../../generated/core.ts';

const MUTABLE = 'pod updates may not change fields other than `spec.containers[*].image`, `spec.initContainers[*].image`, '
  + '`spec.activeDeadlineSeconds`, `spec.tolerations` (only additions to existing tolerations), '
  + '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

/** Paths named in a refusal; a person reads them. */
const MAX_PATHS = 10;

function changedPaths(value: unknown, old: unknown, path: string): string[] {
  if (deepEqual(value, old)) {
    return [];
  }
  if (Array.isArray(value) && Array.isArray(old) && value.length === old.length) {
    return value.flatMap((one: unknown, index) => changedPaths(one, old[index], `${path}[${index}]`));
  }
  if (isObject(value) && isObject(old)) {
    return [...new Set([...Object.keys(value), ...Object.keys(old)])].flatMap((key) => changedPaths(value[key], old[key], `${path}.${key}`));
  }
  return [path];
}

/** Tolerations may be added, and the time of one that is there may change. */
function tolerations(list: readonly Toleration[], old: readonly Toleration[]): FieldError[] {
  const same = (a: Toleration, b: Toleration): boolean =>
    a.key === b.key && a.operator === b.operator && a.value === b.value && a.effect === b.effect;
  return old.every((one) => list.some((other) => same(one, other))) ? []
    : [fieldError.forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')];
}

function deadline(value: number | undefined, old: number | undefined): FieldError[] {
  if (old === undefined || value === old) {
    return [];
  }
  const field = 'spec.activeDeadlineSeconds';
  if (value === undefined) {
    return [fieldError.invalid(field, value, 'must not update from a positive integer to nil value')];
  }
  return value > old ? [fieldError.invalid(field, value, 'must be less than or equal to previous value')] : [];
}

function gates(spec: PodSpec, old: PodSpec): FieldError[] {
  const before = new Set((old.schedulingGates ?? []).map(({ name }) => name));
  return (spec.schedulingGates ?? []).flatMap(({ name }, index) => (before.has(name) ? []
    : [fieldError.forbidden(`spec.schedulingGates[${index}].name`, `only deletion is allowed, but found new scheduling gate '${name}'`)]));
}

function withImagesOf(list: Container[] | undefined, old: readonly Container[] | undefined): void {
  for (const [index, container] of (list ?? []).entries()) {
    const image = old?.[index]?.image;
    if (image === undefined) {
      delete container.image;
    } else {
      container.image = image;
    }
  }
}

/** `spec` with everything that may change put back to what it was. */
function frozen(spec: PodSpec, old: PodSpec): PodSpec {
  const copy = deepClone(spec);
  withImagesOf(copy.containers, old.containers);
  withImagesOf(copy.initContainers, old.initContainers);
  const restore: Partial<PodSpec> = {};
  const gated = (old.schedulingGates ?? []).length > 0;
  const names = ['activeDeadlineSeconds', 'tolerations', 'schedulingGates', ...(gated ? ['nodeSelector', 'affinity'] as const : [])] as const;
  for (const name of names) {
    delete copy[name];
    Object.assign(restore, old[name] === undefined ? {} : { [name]: old[name] });
  }
  if ((old.terminationGracePeriodSeconds ?? 0) < 0 && copy.terminationGracePeriodSeconds === 1) {
    restore.terminationGracePeriodSeconds = old.terminationGracePeriodSeconds ?? 0;
  }
  return { ...copy, ...restore };
}

const MIRROR = 'kubernetes.io/config.mirror';

/** A node's own pod stays known as such: what it says gives the node no rights. */
function mirrorErrors(pod: Pod, old: Pod): FieldError[] {
  const [now, before] = [pod.metadata.annotations?.[MIRROR], old.metadata.annotations?.[MIRROR]];
  return now === before ? [] : [fieldError.forbidden(`metadata.annotations[${MIRROR}]`, before === undefined ? 'may not add mirror pod annotation' : 'may not remove or update mirror pod annotation')];
}

export function validatePodUpdate(pod: Pod, old: Pod): FieldError[] {
  const errors = mirrorErrors(pod, old);
  for (const name of ['containers', 'initContainers'] as const) {
    if ((pod.spec[name] ?? []).length !== (old.spec[name] ?? []).length) {
      errors.push(fieldError.forbidden(`spec.${name}`, 'pod updates may not add or remove containers'));
    }
  }
  if (errors.length > 0) {
    return errors;
  }
  errors.push(
    ...deadline(pod.spec.activeDeadlineSeconds, old.spec.activeDeadlineSeconds),
    ...tolerations(pod.spec.tolerations ?? [], old.spec.tolerations ?? []),
    ...gates(pod.spec, old.spec),
  );
  const changed = changedPaths(frozen(pod.spec, old.spec), old.spec, 'spec');
  if (changed.length > 0) {
    errors.push(fieldError.forbidden('spec', `${MUTABLE}\nchanged: ${changed.slice(0, MAX_PATHS).join(', ')}`));
  }
  return errors;
}

/** Of an update through `/status`: a container that has ended for good stays ended. */
export function validatePodStatusUpdate(pod: Pod, old: Pod): FieldError[] {
  const errors = mirrorErrors(pod, old);
  if (pod.spec.nodeName !== old.spec.nodeName) {
    errors.push(fieldError.forbidden('metadata.nodeName', 'may not be changed directly'));
  }
  if (old.spec.restartPolicy === 'Always') {
    return errors;
  }
  for (const [index, before] of (old.status?.containerStatuses ?? []).entries()) {
    const now = pod.status?.containerStatuses?.find(({ name }) => name === before.name);
    const ended = before.state?.terminated;
    const final = ended !== undefined && (old.spec.restartPolicy === 'Never' || ended.exitCode === 0);
    if (final && now !== undefined && now.state?.terminated === undefined) {
      errors.push(fieldError.forbidden(`status.containerStatuses[${index}].state`, 'may not be transitioned to non-terminated state'));
    }
  }
  return errors;
}
