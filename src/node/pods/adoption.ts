/** Which of the containers found in Podman are a pod's current ones. */
import type { ContainerStatus, Pod } from '../../kinds/generated/core.ts';
import type { InspectedContainer } from '../podman/types.ts';
import { identityOf } from './naming.ts';

export interface FoundContainer {
  container: InspectedContainer;
  /** Name in the pod's spec. */
  name: string;
  attempt: number;
}

/** The newest attempt of each container, and those it replaced. */
export function newestOf(found: readonly InspectedContainer[]): { taken: FoundContainer[]; rest: InspectedContainer[] } {
  const newest = new Map<string, FoundContainer>();
  const rest: InspectedContainer[] = [];
  for (const container of found) {
    const identity = identityOf(container.labels);
    if (identity === undefined) {
      continue;
    }
    const known = newest.get(identity.container);
    if (known === undefined || known.attempt < identity.attempt) {
      newest.set(identity.container, { container, name: identity.container, attempt: identity.attempt });
      if (known !== undefined) {
        rest.push(known.container);
      }
    } else {
      rest.push(container);
    }
  }
  return { taken: [...newest.values()], rest };
}

export function publishedStatus(pod: Pod, container: string): ContainerStatus | undefined {
  const { containerStatuses = [], initContainerStatuses = [], ephemeralContainerStatuses = [] } = pod.status ?? {};
  return [...containerStatuses, ...initContainerStatuses, ...ephemeralContainerStatuses].find((one) => one.name === container);
}
