/** Having a container's image, with the events and waiting reasons of the kubelet and its back-off between pulls. */
import type { Container, Pod } from '../../kinds/generated/core.ts';
import type { BackOff } from './backoff.ts';
import { goDuration } from './backoff.ts';
import type { PodContext, PodImage } from './context.ts';
import { PodStartError } from './errors.ts';

/** `Always` for `:latest` and untagged names, else `IfNotPresent`: what the API server fills in as well. */
function pullPolicy(container: Container): string {
  if (container.imagePullPolicy !== undefined && container.imagePullPolicy !== '') {
    return container.imagePullPolicy;
  }
  const name = container.image ?? '';
  const tag = name.slice(name.lastIndexOf('/') + 1).split(':')[1];
  return !name.includes('@') && (tag === undefined || tag === 'latest') ? 'Always' : 'IfNotPresent';
}

export interface PullRequest {
  pod: Pod;
  container: Container;
  /** The container's list in the spec. */
  list: string;
  image: string;
}

/** Throws PodStartError ErrImagePull, ImagePullBackOff and so on. */
export async function pullImage(context: PodContext, request: PullRequest, backOff: BackOff, failures: Map<string, number>): Promise<PodImage> {
  const { pod, container, image } = request;
  const where = { fieldPath: `spec.${request.list}{${container.name}}` };
  const key = `image ${image}`;
  const failedAt = failures.get(key);
  if (failedAt !== undefined && backOff.remaining(key, failedAt) > 0) {
    context.recorder.event(pod, 'Normal', 'BackOff', `Back-off pulling image "${image}"`, where);
    throw new PodStartError('ImagePullBackOff', `Back-off pulling image "${image}": trying again every ${goDuration(backOff.delay(key))} at most`);
  }
  const began = performance.now();
  try {
    const found = await context.images.ensure(image, pullPolicy(container), pod);
    failures.delete(key);
    backOff.forget(key);
    context.recorder.event(pod, 'Normal', 'Pulled', found.pulled
      ? `Successfully pulled image "${image}" in ${Math.round(performance.now() - began)}ms`
      : `Container image "${image}" already present on machine`, where);
    return found;
  } catch (error) {
    if (error instanceof PodStartError) {
      context.recorder.event(pod, 'Warning', error.reason === 'InvalidImageName' ? 'InspectFailed' : 'Failed', error.message, where);
      context.recorder.event(pod, 'Warning', 'Failed', `Error: ${error.reason}`, where);
      if (error.reason === 'ErrImagePull') {
        const now = Date.now();
        failures.set(key, now);
        backOff.next(key, now);
      }
    }
    throw error;
  }
}
