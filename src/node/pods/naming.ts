/** Names and labels of containers: the same pod, container and attempt always give the same name, so none is made twice. */
import type { Pod } from '../../kinds/generated/core.ts';
import type { ListedContainer } from '../podman/types.ts';

export const LABEL_UID = 'io.telar.pod.uid';
export const LABEL_POD = 'io.telar.pod.name';
export const LABEL_NAMESPACE = 'io.telar.pod.namespace';
export const LABEL_CONTAINER = 'io.telar.container';
export const LABEL_ATTEMPT = 'io.telar.attempt';
/** Changes when the container's part of the spec does. */
export const LABEL_INSTANCE = 'io.telar.instance';

const LONGEST_NAME_PART = 60;

/** `web_app_<uid>_0`: readable in `podman ps`, unique through the uid. */
export function containerName(pod: Pod, container: string, attempt: number): string {
  const name = pod.metadata.name.slice(0, LONGEST_NAME_PART);
  return `${name}_${container}_${pod.metadata.uid ?? ''}_${attempt}`;
}

export function containerLabels(pod: Pod, container: string, attempt: number, instanceId: string): Record<string, string> {
  return {
    [LABEL_UID]: pod.metadata.uid ?? '', [LABEL_POD]: pod.metadata.name, [LABEL_NAMESPACE]: pod.metadata.namespace ?? '',
    [LABEL_CONTAINER]: container, [LABEL_ATTEMPT]: String(attempt), [LABEL_INSTANCE]: instanceId,
  };
}

export interface ContainerIdentity {
  uid: string;
  container: string;
  attempt: number;
}

/** Undefined for a container that is no pod's. */
export function identityOf(labels: ListedContainer['labels']): ContainerIdentity | undefined {
  const uid = labels[LABEL_UID];
  const container = labels[LABEL_CONTAINER];
  const attempt = Number(labels[LABEL_ATTEMPT]);
  return uid === undefined || container === undefined || !Number.isInteger(attempt) ? undefined : { uid, container, attempt };
}
