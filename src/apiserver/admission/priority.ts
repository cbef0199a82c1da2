/** Pods say how important they are by the name of a PriorityClass; what counts is the number the class had when they were made. */
import type { KubeObject } from '../../apimachinery/object.ts';
import { forbidden } from '../../apimachinery/status.ts';
import type { PriorityClass } from '../../kinds/generated/scheduling.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';
import { typed } from '../../kinds/typed.ts';

const isNewPod = ({ operation, kind, subresource }: AdmissionRequest): boolean =>
  operation === 'CREATE' && kind.group === '' && kind.plural === 'pods' && subresource === '';

/** Stored objects were decoded against the message type of priority classes. */
const asClass = (object: KubeObject | undefined): PriorityClass | undefined => object;

/** `classOf` gives the class of a name, `defaultClass` that of pods that name none. */
export function podPriority(classOf: (name: string) => KubeObject | undefined, defaultClass: () => KubeObject | undefined): AdmissionPlugin {
  return {
    name: 'Priority',
    admit(request): void {
      if (!isNewPod(request) || request.object === undefined) {
        return;
      }
      const { spec } = typed('v1 Pod', request.object);
      if (spec === undefined) {
        return;
      }
      const name = spec.priorityClassName ?? '';
      const found = asClass(name === '' ? defaultClass() : classOf(name));
      if (name !== '' && found === undefined) {
        throw forbidden({ group: '', resource: 'pods', name: request.name }, `no PriorityClass with name ${name} was found`);
      }
      if (found !== undefined) {
        spec.priorityClassName = found.metadata.name;
        spec.preemptionPolicy = found.preemptionPolicy ?? 'PreemptLowerPriority';
      }
      spec.priority = found?.value ?? 0;
    },
  };
}
