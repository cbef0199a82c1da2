/** The images room as pod workers use it: credentials come from the pod's imagePullSecrets. */
import type { Pod, Secret } from '../../kinds/generated/core.ts';
import { PodStartError } from '../pods/errors.ts';
import type { ImageSource, PodImage } from '../pods/context.ts';
import { credentialsOf } from './credentials.ts';
import type { Images, PullPolicy } from './images.ts';

/** A Secret, or undefined when there is none of that name. */
export type SecretLookup = (namespace: string, name: string) => Promise<Secret | undefined>;

function policyOf(text: string): PullPolicy {
  if (text === 'Always' || text === 'IfNotPresent' || text === 'Never') {
    return text;
  }
  throw new PodStartError('ErrImagePull', `"${text}" is no pull policy: use Always, IfNotPresent or Never`);
}

export function podImages(images: Images, secret: SecretLookup): ImageSource {
  return {
    async ensure(image: string, policy: string, pod: Pod): Promise<PodImage> {
      const names = (pod.spec.imagePullSecrets ?? []).map(({ name }) => name ?? '').filter((name) => name !== '');
      // A Secret that is not there is passed over, as the kubelet does: the pull may work without.
      const secrets = await Promise.all(names.map((name) => secret(pod.metadata.namespace ?? '', name)));
      const credentials = secrets.flatMap((found) => (found === undefined ? [] : credentialsOf(found)));
      const found = await images.ensure(image, policyOf(policy), credentials);
      return {
        id: found.id, reference: found.repoDigests[0] ?? `sha256:${found.id}`, user: found.user, stopSignal: found.stopSignal, pulled: found.pulled,
      };
    },
  };
}
