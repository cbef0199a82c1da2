/** The node's images: what it has, and having what a pod needs. */
import type { Readable } from 'node:stream';
import { codeOf } from '../../apimachinery/errno.ts';
import type { PodmanClient } from '../podman/client.ts';
import { isPodmanStatus, PodmanError } from '../podman/errors.ts';
import type { InspectedImage } from '../podman/types.ts';
import { messageOf, PodStartError } from '../pods/errors.ts';
import { matchingCredentials, registryAuth } from './credentials.ts';
import type { RegistryCredential } from './credentials.ts';
import { starterOfPath } from './names.ts';
import { LOCAL_REGISTRY, parseReference, referenceText } from './reference.ts';
import type { ImageReference } from './reference.ts';
import { withTar } from './unpacked.ts';

export type PullPolicy = 'Always' | 'IfNotPresent' | 'Never';

export interface ImageInfo extends InspectedImage {
  /** It was fetched just now. */
  pulled: boolean;
}


export interface ImageEntry {
  /** 64 hexadecimal digits. */
  id: string;
  /** Full names; none for an image that lost its last. */
  names: string[];
  /** Bytes on disk, layers shared with others included. */
  size: number;
  /** RFC 3339; absent when the image does not say. */
  created?: string;
  /** Containers made from it. */
  containers: number;
}

/** An image that cannot be removed, imported or built; `code` is the HTTP status that fits. */
export class ImageError extends Error {
  readonly code: number;

  constructor(code: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ImageError';
    this.code = code;
  }
}

/** Images whose settings are remembered between pods; the oldest is forgotten first. */
const MAX_REMEMBERED = 256;

export class Images {
  readonly #podman: PodmanClient;
  readonly #arrived: () => void;
  readonly #known = new Map<string, InspectedImage>();
  /** Pulls under way, so that fifty pods of one image fetch it once. */
  readonly #pulls = new Map<string, Promise<void>>();

  /** `arrived` is called when images have been brought: pods may wait for them. */
  constructor(podman: PodmanClient, arrived: () => void = () => {}) {
    this.#podman = podman;
    this.#arrived = arrived;
  }

  /**
   * Has the image on the node, pulling it if the policy says so, and answers its settings. Throws PodStartError with Kubernetes' reasons:
   * InvalidImageName, ErrImageNeverPull, ErrImagePull. Images under telar.local/ are never pulled, whatever the policy.
   */
  async ensure(image: string, policy: PullPolicy, credentials: readonly RegistryCredential[] = []): Promise<ImageInfo> {
    const reference = parseReference(image);
    if (reference === undefined) {
      throw new PodStartError('InvalidImageName', `Failed to apply default image tag "${image}": couldn't parse image name "${image}": invalid reference format`);
    }
    const name = referenceText(reference);
    const local = reference.registry === LOCAL_REGISTRY;
    const present = policy === 'Always' && !local ? undefined : await this.#inspect(name);
    if (present !== undefined) {
      return { ...present, pulled: false };
    }
    if (policy === 'Never') {
      throw new PodStartError('ErrImageNeverPull', `Container image "${image}" is not present with pull policy of Never`);
    }
    if (local) {
      throw new PodStartError('ErrImagePull', notHere(image, reference));
    }
    await this.#pull(image, name, matchingCredentials(credentials, reference.registry, reference.path));
    const pulled = await this.#inspect(name);
    if (pulled === undefined) {
      throw new PodStartError('ErrImagePull', `Failed to pull image "${image}": it was gone again right after it had been pulled`);
    }
    return { ...pulled, pulled: true };
  }

  /** Forgets what is remembered of an image; for when a container could not be made because the image is gone. */
  forget(image: string): void {
    const reference = parseReference(image);
    if (reference !== undefined) {
      this.#known.delete(referenceText(reference));
    }
  }

  async list(): Promise<ImageEntry[]> {
    const images = await this.#podman.listImages();
    return images.map(({ id, names, size, created, containers }) => ({
      id, names, size, containers, ...(created === undefined ? {} : { created: created.toISOString() }),
    }));
  }

  /** Loads an OCI or docker archive (a tar, as `podman save` or `docker save` write it, or one compressed by gzip or zstd); answers the names it held. */
  async import(archive: Readable): Promise<string[]> {
    this.#known.clear();
    try {
      const names = await withTar(archive, (tar) => this.#podman.loadImages(tar));
      this.#arrived();
      return names;
    } catch (error) {
      if (codeOf(error).startsWith('Z')) {
        throw new ImageError(400, `the compressed archive is damaged: ${messageOf(error)}`, { cause: error });
      }
      if (error instanceof PodmanError) {
        throw new ImageError(400, `this is not an image archive as "podman save" or "docker save" write it: ${error.message.split(':\n')[0] ?? ''}`, { cause: error });
      }
      throw error;
    } finally {
      this.#known.clear();
    }
  }

  /** Removes a name and, with its last name, the image. */
  async remove(image: string): Promise<void> {
    const reference = parseReference(image);
    const name = reference === undefined || /^[0-9a-f]{12,64}$/.test(image) ? image : referenceText(reference);
    this.#known.clear();
    try {
      await this.#podman.removeImage(name);
    } catch (error) {
      if (isPodmanStatus(error, 404)) {
        throw new ImageError(404, `the node has no image "${image}"; "telar images list" shows what it has`, { cause: error });
      }
      if (isPodmanStatus(error, 409)) {
        throw new ImageError(409, `the image "${image}" is in use: delete the pods that run it first`, { cause: error });
      }
      throw error;
    } finally {
      this.#known.clear();
    }
  }

  async #inspect(name: string): Promise<InspectedImage | undefined> {
    const known = this.#known.get(name);
    if (known !== undefined) {
      return known;
    }
    const found = await this.#podman.inspectImage(name);
    if (found !== undefined) {
      const oldest = this.#known.size < MAX_REMEMBERED ? undefined : this.#known.keys().next().value;
      if (oldest !== undefined) {
        this.#known.delete(oldest);
      }
      this.#known.set(name, found);
    }
    return found;
  }

  /** Pulls with each credential in turn, then without any, as the kubelet does. */
  async #pull(image: string, name: string, credentials: readonly RegistryCredential[]): Promise<void> {
    const key = JSON.stringify([name, credentials.map(({ scope, username }) => [scope, username])]);
    const running = this.#pulls.get(key) ?? this.#pullNow(image, name, credentials).finally(() => this.#pulls.delete(key));
    this.#pulls.set(key, running);
    await running;
  }

  async #pullNow(image: string, name: string, credentials: readonly RegistryCredential[]): Promise<void> {
    const attempts = [...credentials.map((one) => ({ auth: registryAuth(one) })), {}];
    let last: unknown;
    for (const attempt of attempts) {
      try {
        await this.#podman.pullImage(name, attempt);
        this.#known.delete(name);
        return;
      } catch (error) {
        last = error;
      }
    }
    throw new PodStartError('ErrImagePull', `Failed to pull image "${image}": ${messageOf(last)}`, { cause: last });
  }
}

function notHere(image: string, reference: ImageReference): string {
  const starter = starterOfPath(reference.path);
  const how = starter === undefined ? 'import it with "telar images import FILE"' : `make it with "telar images build ${starter}"`;
  return `Failed to pull image "${image}": the node does not have it, and images under ${LOCAL_REGISTRY}/ are never pulled; ${how}`;
}
