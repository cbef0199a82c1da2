/** What the files of configMap, secret, downwardAPI and projected volumes hold. */
import type {
  ConfigMap, DownwardAPIVolumeFile, KeyToPath, Pod, Secret, ServiceAccountTokenProjection, Volume, VolumeProjection,
} from '../../kinds/generated/core.ts';
import { fieldValue, resourceValue } from '../pods/downward.ts';
import type { NodeAllocatable, PodAddresses } from '../pods/downward.ts';
import type { ObjectSource } from '../pods/objects.ts';
import { PodStartError } from '../pods/errors.ts';
import type { PayloadFile } from './atomic.ts';

const DEFAULT_MODE = 0o644;
const DEFAULT_TOKEN_SECONDS = 3600;

/** What a pod's volumes are made from. */
export interface VolumeContext {
  pod: Pod;
  objects: ObjectSource;
  /** A token's text and when to renew it, milliseconds since the epoch. */
  token(pod: Pod, projection: ServiceAccountTokenProjection): Promise<{ text: string; renewAt: number }>;
  addresses: PodAddresses;
  allocatable: NodeAllocatable;
}

export interface CollectedPayload {
  files: Map<string, PayloadFile>;
  /** When a token among them wants renewal; Infinity without one. */
  renewAt: number;
}

interface KeyedSource {
  kind: 'configmap' | 'secret';
  name: string;
  items: KeyToPath[] | undefined;
  optional: boolean;
}

const failed = (volume: string, message: string): PodStartError =>
  new PodStartError('FailedMount', `MountVolume.SetUp failed for volume "${volume}" : ${message}`);

function configMapData(object: ConfigMap): Map<string, Buffer> {
  const data = new Map<string, Buffer>();
  for (const [key, value] of Object.entries(object.data ?? {})) {
    data.set(key, Buffer.from(value));
  }
  for (const [key, value] of Object.entries(object.binaryData ?? {})) {
    data.set(key, Buffer.from(value, 'base64'));
  }
  return data;
}

export function secretData(object: Secret): Map<string, Buffer> {
  return new Map(Object.entries(object.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64')]));
}

class Collector {
  readonly #context: VolumeContext;
  readonly #volume: string;
  readonly #mode: number;
  readonly files = new Map<string, PayloadFile>();
  renewAt = Infinity;

  constructor(context: VolumeContext, volume: string, mode: number | undefined) {
    this.#context = context;
    this.#volume = volume;
    this.#mode = mode ?? DEFAULT_MODE;
  }

  async keyed(source: KeyedSource): Promise<void> {
    const { pod, objects } = this.#context;
    const [uid, namespace] = [pod.metadata.uid ?? '', pod.metadata.namespace ?? 'default'];
    const object = source.kind === 'configmap' ? await objects.configMap(uid, namespace, source.name) : await objects.secret(uid, namespace, source.name);
    if (object === undefined) {
      if (source.optional) {
        return;
      }
      throw failed(this.#volume, `${source.kind} "${source.name}" not found`);
    }
    const data = source.kind === 'configmap' ? configMapData(object) : secretData(object);
    if (source.items === undefined || source.items.length === 0) {
      for (const [key, value] of data) {
        this.#add(key, value, undefined);
      }
      return;
    }
    for (const item of source.items) {
      const value = data.get(item.key);
      if (value !== undefined) {
        this.#add(item.path, value, item.mode);
      } else if (!source.optional) {
        throw failed(this.#volume, `references non-existent ${source.kind === 'secret' ? 'secret' : 'config'} key: ${item.key}`);
      }
    }
  }

  downward(items: DownwardAPIVolumeFile[] | undefined): void {
    const { pod, addresses, allocatable } = this.#context;
    for (const item of items ?? []) {
      const value = item.fieldRef !== undefined ? fieldValue(pod, item.fieldRef, addresses)
        : item.resourceFieldRef !== undefined ? resourceValue(pod, item.resourceFieldRef, undefined, allocatable) : undefined;
      if (value === undefined) {
        throw failed(this.#volume, `downwardAPI item ${item.path} refers to an unsupported field`);
      }
      this.#add(item.path, Buffer.from(value), item.mode);
    }
  }

  async token(projection: ServiceAccountTokenProjection): Promise<void> {
    const { pod } = this.#context;
    try {
      const { text, renewAt } = await this.#context.token(pod, { ...projection, expirationSeconds: projection.expirationSeconds ?? DEFAULT_TOKEN_SECONDS });
      this.renewAt = Math.min(this.renewAt, renewAt);
      this.#add(projection.path, Buffer.from(text), undefined);
    } catch (error) {
      throw failed(this.#volume, `failed to fetch token: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  async projection(source: VolumeProjection): Promise<void> {
    if (source.configMap !== undefined) {
      const { name = '', items, optional = false } = source.configMap;
      await this.keyed({ kind: 'configmap', name, items, optional });
    }
    if (source.secret !== undefined) {
      const { name = '', items, optional = false } = source.secret;
      await this.keyed({ kind: 'secret', name, items, optional });
    }
    if (source.serviceAccountToken !== undefined) {
      await this.token(source.serviceAccountToken);
    }
    if (source.clusterTrustBundle !== undefined || source.podCertificate !== undefined) {
      throw failed(this.#volume, 'projections of clusterTrustBundle and podCertificate are not supported by this node');
    }
    this.downward(source.downwardAPI?.items);
  }

  #add(path: string, data: Buffer, mode: number | undefined): void {
    this.files.set(path, { data, mode: mode ?? this.#mode });
  }
}

/** Undefined for a volume of another kind. Throws PodStartError when something it needs is missing. */
export async function collectPayload(volume: Volume, context: VolumeContext): Promise<CollectedPayload | undefined> {
  const { configMap, secret, projected, downwardAPI } = volume;
  const collector = new Collector(context, volume.name, (configMap ?? secret ?? projected ?? downwardAPI)?.defaultMode);
  if (configMap !== undefined) {
    await collector.keyed({ kind: 'configmap', name: configMap.name ?? '', items: configMap.items, optional: configMap.optional ?? false });
  } else if (secret !== undefined) {
    await collector.keyed({ kind: 'secret', name: secret.secretName ?? '', items: secret.items, optional: secret.optional ?? false });
  } else if (projected !== undefined) {
    for (const source of projected.sources ?? []) {
      await collector.projection(source);
    }
  } else if (downwardAPI !== undefined) {
    collector.downward(downwardAPI.items);
  } else {
    return undefined;
  }
  return { files: collector.files, renewAt: collector.renewAt };
}
