/** The images room as pod workers use it: with the pod's pull secrets. */
import type { Pod } from '../kinds/generated/core.ts';
import { credentialsOf } from './images/credentials.ts';
import type { RegistryCredential } from './images/credentials.ts';
import type { Images, PullPolicy } from './images/images.ts';
import type { ImageSource, PodImage } from './pods/context.ts';
import type { ObjectSource } from './pods/objects.ts';

const POLICIES: readonly PullPolicy[] = ['Always', 'IfNotPresent', 'Never'];

export class PodImages implements ImageSource {
  readonly #images: Images;
  readonly #objects: ObjectSource;

  constructor(images: Images, objects: ObjectSource) {
    this.#images = images;
    this.#objects = objects;
  }

  async ensure(image: string, policy: string, pod: Pod): Promise<PodImage> {
    const known = POLICIES.find((one) => one === policy) ?? 'IfNotPresent';
    const found = await this.#images.ensure(image, known, await this.#credentials(pod));
    return { id: found.id, reference: found.repoDigests[0] ?? `sha256:${found.id}`, user: found.user, stopSignal: found.stopSignal, pulled: found.pulled };
  }

  async #credentials(pod: Pod): Promise<RegistryCredential[]> {
    const { uid = '', namespace = 'default' } = pod.metadata;
    const secrets = await Promise.all((pod.spec?.imagePullSecrets ?? [])
      .map(({ name = '' }) => this.#objects.secret(uid, namespace, name)));
    // One that is missing is skipped, as the kubelet does: the image may be public.
    return secrets.filter((secret) => secret !== undefined).flatMap(credentialsOf);
  }
}
