/** Which services a pod belongs to, and when a pod's change matters to them. */
import { matchesLabels, selectorFromMap } from '../../apimachinery/selectors.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import type { Informer } from '../../client/informer.ts';
import type { Pod, Service } from '../../kinds/generated/core.ts';
import { isReady } from '../shared/pods.ts';

/** What of a pod shows in a slice, or decides which services it belongs to. */
function differs(pod: Pod, old: Pod): boolean {
  return isReady(pod) !== isReady(old) || pod.status?.podIP !== old.status?.podIP || pod.status?.phase !== old.status?.phase
    || pod.metadata.deletionTimestamp !== old.metadata.deletionTimestamp || pod.spec.nodeName !== old.spec.nodeName
    || !deepEqual(pod.status?.podIPs, old.status?.podIPs) || !deepEqual(pod.metadata.labels, old.metadata.labels);
}

/** Calls `changed` for every service whose endpoints a pod's change may touch. */
export function watchMembers(services: Informer<Service>, pods: Informer<Pod>, changed: (service: Service) => void): void {
  const podChanged = (pod: Pod): void => {
    for (const service of services.list(pod.metadata.namespace ?? '')) {
      const { selector } = service.spec;
      if (selector !== undefined && Object.keys(selector).length > 0 && matchesLabels(selectorFromMap(selector), pod.metadata.labels)) {
        changed(service);
      }
    }
  };
  pods.on({
    added: podChanged,
    updated: (pod, old) => {
      if (differs(pod, old)) {
        if (!deepEqual(pod.metadata.labels, old.metadata.labels)) {
          podChanged(old);
        }
        podChanged(pod);
      }
    },
    deleted: podChanged,
  });
}
