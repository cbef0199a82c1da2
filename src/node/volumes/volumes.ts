/** A pod's volumes on this machine: made before its containers start, kept up to date, removed with it. */
import { chmod, chown, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { quantityToNumber } from '../../apimachinery/quantity.ts';
import type { Container, Pod, Volume, VolumeMount } from '../../kinds/generated/core.ts';
import { messageOf, PodStartError } from '../pods/errors.ts';
import type { MountSpec } from '../podman/spec.ts';
import { writePayload } from './atomic.ts';
import type { Ownership } from './atomic.ts';
import { prepareHostPath } from './hostpath.ts';
import { mountTmpfs, removeFolder } from './mounts.ts';
import { collectPayload } from './payload.ts';
import type { VolumeContext } from './payload.ts';
import { mountSubPath } from './subpath.ts';

const SUPPORTED = ['emptyDir', 'hostPath', 'configMap', 'secret', 'projected', 'downwardAPI', 'image'] as const;

/** Folders of the pod's folder that go when its containers have ended. */
const VOLUME_FOLDERS = ['volumes', 'volume-subpaths', 'containers'];

/** A volume ready to be mounted into containers. */
export interface MountedVolume {
  /** Folder or file on the host; empty for an image. */
  path: string;
  /** Containers may only read it. */
  readOnly: boolean;
  /** Reference of the image whose contents it shows. */
  image?: string;
}

export interface PodFolders {
  /** DATA_DIR/pods/<uid>. */
  podDir: string;
  /** The pod's folder on a tmpfs: secrets never reach the disk. */
  secretDir: string;
}

/** What one container mounts. */
export interface ContainerMounts {
  mounts: MountSpec[];
  images: { image: string; destination: string }[];
}

const kindOf = (volume: Volume): string => Object.keys(volume).find((key) => key !== 'name') ?? 'emptyDir';

/** Volumes this node cannot provide, as a text for the user; undefined when it can provide all. */
export function unsupportedVolume(pod: Pod): string | undefined {
  for (const volume of pod.spec?.volumes ?? []) {
    const kind = kindOf(volume);
    if (!SUPPORTED.some((known) => known === kind)) {
      return `volume "${volume.name}" is of type ${kind}, which this node does not provide; it has ${SUPPORTED.join(', ')}`;
    }
  }
  return undefined;
}

/** Bytes a memory-backed emptyDir may hold: its own limit, else the pod's memory limit. */
function memorySize(pod: Pod, volume: Volume): string {
  const { sizeLimit } = volume.emptyDir ?? {};
  const limit = sizeLimit === undefined || sizeLimit === '0' ? 0 : quantityToNumber(sizeLimit);
  const containers = pod.spec?.containers ?? [];
  const limits = containers.map((container) => container.resources?.limits?.['memory']);
  const sum = limits.every((one) => one !== undefined) ? limits.reduce((total, one) => total + quantityToNumber(one ?? '0'), 0) : 0;
  const size = limit > 0 && sum > 0 ? Math.min(limit, sum) : Math.max(limit, sum);
  return size > 0 ? `mode=0777,size=${Math.ceil(size)}` : 'mode=0777';
}

export class PodVolumes {
  readonly #folders: PodFolders;
  readonly #mounted = new Map<string, MountedVolume>();
  /** The refresh under way: nothing is removed while files are being written. */
  #refreshing: Promise<void> = Promise.resolve();
  #removed = false;
  /** When a token must be renewed, milliseconds since the epoch. */
  renewAt = Infinity;

  constructor(folders: PodFolders) {
    this.#folders = folders;
  }

  /** Makes all volumes; idempotent. Throws PodStartError FailedMount. */
  async mount(context: VolumeContext): Promise<void> {
    this.#removed = false;
    this.renewAt = Infinity;
    for (const volume of context.pod.spec?.volumes ?? []) {
      try {
        this.#mounted.set(volume.name, await this.#mountOne(volume, context));
      } catch (error) {
        throw error instanceof PodStartError ? error
          : new PodStartError('FailedMount', `MountVolume.SetUp failed for volume "${volume.name}" : ${messageOf(error)}`, { cause: error });
      }
    }
  }

  /** Writes what changed in ConfigMaps, Secrets, labels and tokens. What is missing now leaves the old files. */
  refresh(context: VolumeContext): Promise<void> {
    const refresh = this.#refreshing.then(() => this.#refresh(context));
    // The caller hears of a failure; the next refresh starts all the same.
    this.#refreshing = refresh.catch(() => undefined);
    return refresh;
  }

  async #refresh(context: VolumeContext): Promise<void> {
    if (this.#removed) {
      return;
    }
    let renewAt = Infinity;
    for (const volume of context.pod.spec?.volumes ?? []) {
      const payload = await collectPayload(volume, context);
      const mounted = this.#mounted.get(volume.name);
      if (payload !== undefined && mounted !== undefined) {
        await writePayload(mounted.path, payload.files, this.#ownership(context.pod));
        renewAt = Math.min(renewAt, payload.renewAt);
      }
    }
    this.renewAt = renewAt;
  }

  /** Bind mounts of one container, subPaths resolved. `expand` does `$(VAR)` of subPathExpr. */
  async mountsOf(container: Container, expand: (text: string) => string): Promise<ContainerMounts> {
    const mounts: MountSpec[] = [];
    const images: ContainerMounts['images'] = [];
    for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
      const volume = this.#mounted.get(mount.name);
      if (volume === undefined) {
        throw new PodStartError('CreateContainerConfigError', `volume mount "${mount.name}" names no volume of the pod`);
      }
      if (volume.image !== undefined) {
        images.push({ image: volume.image, destination: mount.mountPath });
      } else {
        const source = await this.#source(volume, mount, `${container.name}/${index}`, expand);
        mounts.push({ type: 'bind', source, destination: mount.mountPath, options: mountOptions(volume, mount) });
      }
    }
    return { mounts, images };
  }

  /** Unmounts and removes the volumes, and without `keepLogs` the pod's folder. Never touches what a hostPath or a subPath of it shows. */
  async remove(keepLogs: boolean): Promise<void> {
    this.#removed = true;
    await this.#refreshing;
    const { podDir, secretDir } = this.#folders;
    await removeFolder(secretDir);
    for (const folder of keepLogs ? VOLUME_FOLDERS.map((name) => join(podDir, name)) : [podDir]) {
      await removeFolder(folder);
    }
  }

  async #source(volume: MountedVolume, mount: VolumeMount, key: string, expand: (text: string) => string): Promise<string> {
    const subPath = mount.subPathExpr === undefined || mount.subPathExpr === '' ? mount.subPath ?? '' : expand(mount.subPathExpr);
    if (subPath === '') {
      return volume.path;
    }
    const target = join(this.#folders.podDir, 'volume-subpaths', mount.name, key);
    try {
      await mountSubPath(volume.path, subPath, target);
    } catch (error) {
      throw new PodStartError('CreateContainerConfigError', `failed to prepare subPath for volumeMount "${mount.name}": ${messageOf(error)}`, { cause: error });
    }
    return target;
  }

  #ownership(pod: Pod): Ownership {
    const group = pod.spec?.securityContext?.fsGroup;
    return group === undefined ? {} : { group };
  }

  async #mountOne(volume: Volume, context: VolumeContext): Promise<MountedVolume> {
    if (volume.hostPath !== undefined) {
      return { path: await prepareHostPath(volume.hostPath.path, volume.hostPath.type), readOnly: false };
    }
    if (volume.image !== undefined) {
      return { path: '', readOnly: true, image: volume.image.reference ?? '' };
    }
    const payload = await collectPayload(volume, context);
    if (payload === undefined) {
      return await this.#emptyDir(volume, context.pod);
    }
    const root = volume.configMap === undefined ? this.#folders.secretDir : join(this.#folders.podDir, 'volumes');
    const path = join(root, kindOf(volume), volume.name);
    await writePayload(path, payload.files, this.#ownership(context.pod));
    this.renewAt = Math.min(this.renewAt, payload.renewAt);
    return { path, readOnly: true };
  }

  async #emptyDir(volume: Volume, pod: Pod): Promise<MountedVolume> {
    const path = join(this.#folders.podDir, 'volumes', 'emptyDir', volume.name);
    const { medium = '' } = volume.emptyDir ?? {};
    if (medium !== '' && medium !== 'Memory') {
      throw new Error(`medium ${JSON.stringify(medium)} is not supported`);
    }
    const fresh = await stat(path).then(() => false, () => true);
    await mkdir(path, { recursive: true });
    if (medium === 'Memory') {
      await mountTmpfs(path, 'telar-emptydir', memorySize(pod, volume));
    }
    const { group } = this.#ownership(pod);
    if (group !== undefined) {
      await chown(path, 0, group);
    }
    if (fresh || medium === 'Memory') {
      await chmod(path, group === undefined ? 0o777 : 0o2777);
    }
    return { path, readOnly: false };
  }
}

function mountOptions(volume: MountedVolume, mount: VolumeMount): string[] {
  const propagation = mount.mountPropagation === 'Bidirectional' ? 'rshared'
    : mount.mountPropagation === 'HostToContainer' ? 'rslave' : 'rprivate';
  return ['rbind', propagation, volume.readOnly || mount.readOnly === true ? 'ro' : 'rw'];
}
