/** A pod that is bound to a node carries the labels of the place it stands in, so that it can be told by the downward API. */
import type { KubeObject } from '../../apimachinery/object.ts';
import { isObject } from '../../apimachinery/values.ts';
import type { AdmissionPlugin } from './admission.ts';

const LABELS = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'];

/** `nodeOf` gives the node of a name. */
export function podTopologyLabels(nodeOf: (name: string) => KubeObject | undefined): AdmissionPlugin {
  return {
    name: 'PodTopologyLabels',
    admit({ operation, kind, subresource, object }): void {
      if (operation !== 'CREATE' || subresource !== 'binding' || object === undefined || kind.group !== '' || kind.plural !== 'pods') {
        return;
      }
      const target: unknown = Reflect.get(object, 'target');
      const name = isObject(target) ? target['name'] : undefined;
      const labels = typeof name === 'string' ? nodeOf(name)?.metadata.labels : undefined;
      for (const label of LABELS) {
        const value = labels?.[label];
        if (value !== undefined) {
          object.metadata.labels = { ...object.metadata.labels, [label]: value };
        }
      }
    },
  };
}
