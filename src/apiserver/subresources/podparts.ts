/** Parts of a running pod that change through subresources of their own: ephemeral containers and resources. */
import type { KubeObject } from '../../apimachinery/object.ts';
import { invalid, type FieldError } from '../../apimachinery/status.ts';
import { deepClone } from '../../apimachinery/values.ts';
import type { Container } from '../../kinds/generated/core.ts';
import { pod as podKind } from '../../kinds/core/pod.ts';
import { validateEphemeralUpdate } from '../../kinds/core/podspec/ephemeral.ts';
import { validateResize } from '../../kinds/core/podspec/resize.ts';
import { typed } from '../../kinds/typed.ts';
import { refOf } from '../verbs/core.ts';
import { partHandlers } from './part.ts';

function check(object: KubeObject, errors: readonly FieldError[]): void {
  if (errors.length > 0) {
    throw invalid({ ...refOf(podKind, object.metadata.name), resource: 'Pod' }, [...errors]);
  }
}

/** pods/{name}/ephemeralcontainers: `kubectl debug`. Nothing but `spec.ephemeralContainers` changes, and those only by additions. */
export const ephemeralContainers = partHandlers({
  scope: { part: 'other', subresource: 'ephemeralcontainers', check: 'object', generation: true },
  take(next, asked, current) {
    podKind.rules.defaults?.(asked);
    const { spec } = typed('v1 Pod', next);
    const containers = typed('v1 Pod', asked).spec.ephemeralContainers ?? [];
    if (containers.length > 0) {
      spec.ephemeralContainers = deepClone(containers);
    } else {
      delete spec.ephemeralContainers;
    }
    check(next, validateEphemeralUpdate(spec, typed('v1 Pod', current).spec));
  },
});

/** Resources and resize policies of the containers that go by the same name in the same place. */
function takeResources(next: readonly Container[] | undefined, asked: readonly Container[] | undefined): void {
  for (const [index, container] of (next ?? []).entries()) {
    const wanted = asked?.[index];
    if (wanted?.name !== container.name) {
      continue;
    }
    for (const part of ['resources', 'resizePolicy'] as const) {
      if (wanted[part] === undefined) {
        delete container[part];
      } else {
        Object.assign(container, { [part]: deepClone(wanted[part]) });
      }
    }
  }
}

/** pods/{name}/resize: CPU and memory of containers, which the node gives them while they run. */
export const resize = partHandlers({
  scope: { part: 'other', subresource: 'resize', check: 'object', generation: true },
  take(next, asked, current) {
    podKind.rules.defaults?.(asked);
    const { spec } = typed('v1 Pod', next);
    const wanted = typed('v1 Pod', asked).spec;
    takeResources(spec.containers, wanted.containers);
    takeResources(spec.initContainers, wanted.initContainers);
    check(next, validateResize(spec, typed('v1 Pod', current).spec));
  },
});
