/** Pods may name a RuntimeClass: what it adds to them, and which ones nothing here can run. */
import { deepEqual } from '../../apimachinery/values.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { forbidden } from '../../apimachinery/status.ts';
import type { PodSpec } from '../../kinds/generated/core.ts';
import type { RuntimeClass } from '../../kinds/generated/node.ts';
import type { AdmissionPlugin } from './admission.ts';
import { typed } from '../../kinds/typed.ts';

/** The nodes run containers with one plain OCI runtime; a pod that asks for a sandbox must not get less unnoticed. */
const PLAIN_HANDLERS: readonly string[] = ['runc', 'crun'];

/** Stored objects were decoded against the message type of runtime classes. */
const asClass = (object: KubeObject | undefined): RuntimeClass | undefined => object === undefined ? undefined : typed('node.k8s.io/v1 RuntimeClass', object);

/** Puts into `spec` what the class says; a sentence when the two contradict each other. */
function apply(spec: PodSpec, { overhead, scheduling }: RuntimeClass): string | undefined {
  const fixed = overhead?.podFixed;
  if (spec.overhead !== undefined && !deepEqual(spec.overhead, fixed)) {
    return "Pod's Overhead doesn't match RuntimeClass's defined Overhead";
  }
  if (fixed !== undefined) {
    spec.overhead = { ...fixed };
  }
  for (const [key, value] of Object.entries(scheduling?.nodeSelector ?? {})) {
    spec.nodeSelector ??= {};
    if ((spec.nodeSelector[key] ?? value) !== value) {
      return `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${spec.nodeSelector[key]}`;
    }
    spec.nodeSelector[key] = value;
  }
  const tolerations = spec.tolerations ?? [];
  const added = (scheduling?.tolerations ?? []).filter((one) => !tolerations.some((other) => deepEqual(one, other)));
  if (added.length > 0) {
    spec.tolerations = [...tolerations, ...added];
  }
  return undefined;
}

/** `classOf` gives the class of a name. */
export function runtimeClasses(classOf: (name: string) => KubeObject | undefined): AdmissionPlugin {
  return {
    name: 'RuntimeClass',
    admit({ operation, kind, subresource, object, name: podName }): void {
      if (operation !== 'CREATE' || kind.group !== '' || kind.plural !== 'pods' || subresource !== '' || object === undefined) {
        return;
      }
      const { spec } = typed('v1 Pod', object);
      const name = spec.runtimeClassName ?? '';
      if (name === '') {
        return;
      }
      const refuse = (why: string): Error => forbidden({ group: '', resource: 'pods', name: podName }, `pod rejected: ${why}`);
      const found = asClass(classOf(name));
      if (found === undefined) {
        throw refuse(`RuntimeClass "${name}" not found`);
      }
      if (!PLAIN_HANDLERS.includes(found.handler)) {
        throw refuse(`RuntimeClass "${name}" asks for the handler "${found.handler}", the nodes here have only ${PLAIN_HANDLERS.join(' or ')}`);
      }
      const contradiction = apply(spec, found);
      if (contradiction !== undefined) {
        throw refuse(contradiction);
      }
    },
  };
}
