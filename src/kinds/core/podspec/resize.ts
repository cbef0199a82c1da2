/** A pod's resources while it runs: what `/resize` may change. */
import { fieldError, type FieldError } from '../../../apimachinery/status.ts';
import { deepEqual } from '../../../apimachinery/values.ts';
import type { Container, PodSpec, ResourceRequirements } from '../../generated/core.ts';
import { qosClass } from './qos.ts';

const MUTABLE = new Set(['cpu', 'memory']);
const SIDES = ['limits', 'requests'] as const;

function without(resources: ResourceRequirements | undefined): unknown {
  const keep = (list: Record<string, string> | undefined): Record<string, string> =>
    Object.fromEntries(Object.entries(list ?? {}).filter(([name]) => !MUTABLE.has(name)));
  return { ...resources, limits: keep(resources?.limits), requests: keep(resources?.requests) };
}

function containerErrors(path: string, container: Container, old: Container): FieldError[] {
  if (!deepEqual(without(container.resources), without(old.resources))) {
    return [fieldError.forbidden('spec', 'only cpu and memory resources are mutable')];
  }
  return SIDES.flatMap((side) => {
    const now = container.resources?.[side] ?? {};
    const removed = Object.keys(old.resources?.[side] ?? {}).filter((name) => !Object.hasOwn(now, name));
    return removed.length === 0 ? [] : [fieldError.forbidden(`${path}.resources.${side}`, `resource ${side} cannot be removed`)];
  });
}

/** `spec` differs from `old` in nothing but containers' resources and resize policies. */
export function validateResize(spec: PodSpec, old: PodSpec): FieldError[] {
  const errors: FieldError[] = [];
  for (const list of ['containers', 'initContainers'] as const) {
    for (const [index, container] of (spec[list] ?? []).entries()) {
      const before = old[list]?.[index];
      if (before === undefined) {
        continue;
      }
      const path = `spec.${list}[${index}]`;
      if (list === 'initContainers' && before.restartPolicy !== 'Always' && !deepEqual(container.resources, before.resources)) {
        errors.push(fieldError.forbidden(`${path}.resources`, 'resources for non-sidecar init containers are immutable'));
      } else {
        errors.push(...containerErrors(path, container, before));
      }
    }
  }
  const [now, before] = [qosClass(spec), qosClass(old)];
  if (now !== before) {
    errors.push(fieldError.invalid('spec', now, 'Pod QOS Class may not change as a result of resizing'));
  }
  return errors;
}
