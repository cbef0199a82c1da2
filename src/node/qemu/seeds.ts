/** Volumes whose content is API data: cloud-init's two data sources, ConfigMaps and Secrets, each a small read-only disk. */
import type { ConfigMap, Secret } from '../../kinds/generated/core.ts';
import type { AccessCredential, VirtualMachineInstance, Volume } from '../../kinds/generated/kubevirt.ts';
import { isoImage, type IsoTree } from './iso9660.ts';
import { LaunchError } from './errors.ts';

/** How a seed gets at objects of the instance's namespace; both throw when there is none of that name. */
export interface ObjectSource {
  secret(name: string): Promise<Secret>;
  configMap(name: string): Promise<ConfigMap>;
}

export interface SeedDisk {
  /** Name of the instance's volume. */
  volume: string;
  image: Buffer;
}

/** Cloud-init's own names, also KubeVirt's. */
const LABEL_NOCLOUD = 'cidata';
const LABEL_CONFIG_DRIVE = 'config-2';
const LABEL_DEFAULT = 'cfgdata';

interface UserInput {
  userData?: string;
  userDataBase64?: string;
  secretRef?: { name?: string };
  networkData?: string;
  networkDataBase64?: string;
  networkDataSecretRef?: { name?: string };
}

export interface CloudData {
  userData: Buffer;
  networkData: Buffer | undefined;
}

function secretValue(secret: Secret, ...keys: string[]): Buffer {
  for (const key of keys) {
    const encoded = secret.data?.[key];
    if (encoded !== undefined) {
      return Buffer.from(encoded, 'base64');
    }
  }
  throw new LaunchError(`secret ${secret.metadata.name} has no key ${keys.join(' or ')}`);
}

async function cloudData(input: UserInput, source: ObjectSource): Promise<CloudData> {
  const from = async (text: string | undefined, base64: string | undefined, secret: string | undefined, keys: string[]): Promise<Buffer | undefined> => {
    if (secret !== undefined && secret !== '') {
      return secretValue(await source.secret(secret), ...keys);
    }
    if (base64 !== undefined && base64 !== '') {
      return Buffer.from(base64, 'base64');
    }
    return text === undefined || text === '' ? undefined : Buffer.from(text);
  };
  return {
    userData: await from(input.userData, input.userDataBase64, input.secretRef?.name, ['userdata', 'userData']) ?? Buffer.alloc(0),
    networkData: await from(input.networkData, input.networkDataBase64, input.networkDataSecretRef?.name, ['networkdata', 'networkData']),
  };
}

type Propagation = 'noCloud' | 'configDrive';

async function sshKeys(credentials: readonly AccessCredential[] | undefined, by: Propagation, source: ObjectSource): Promise<string[]> {
  const keys: string[] = [];
  for (const { sshPublicKey } of credentials ?? []) {
    const name = sshPublicKey?.source.secret?.secretName;
    if (sshPublicKey?.propagationMethod[by] !== undefined && name !== undefined) {
      const secret = await source.secret(name);
      keys.push(...Object.values(secret.data ?? {}).map((encoded) => Buffer.from(encoded, 'base64').toString().trim()));
    }
  }
  return keys;
}

const publicKeys = (keys: string[]): Record<string, unknown> =>
  (keys.length === 0 ? {} : { 'public-keys': Object.fromEntries(keys.map((key, index) => [String(index), key])) });

async function noCloud(vmi: VirtualMachineInstance, input: UserInput, source: ObjectSource): Promise<IsoTree> {
  const { name, namespace = 'default' } = vmi.metadata;
  const [data, keys] = await Promise.all([cloudData(input, source), sshKeys(vmi.spec.accessCredentials, 'noCloud', source)]);
  const meta = { 'instance-id': `${name}.${namespace}`, 'local-hostname': hostnameOf(vmi), ...publicKeys(keys) };
  return new Map([
    ['user-data', data.userData], ['meta-data', Buffer.from(JSON.stringify(meta))],
    ...(data.networkData === undefined ? [] : [['network-config', data.networkData] as const]),
  ]);
}

async function configDrive(vmi: VirtualMachineInstance, input: UserInput, source: ObjectSource): Promise<IsoTree> {
  const { name, namespace = 'default' } = vmi.metadata;
  const [data, keys] = await Promise.all([cloudData(input, source), sshKeys(vmi.spec.accessCredentials, 'configDrive', source)]);
  const host = hostnameOf(vmi);
  const meta = {
    instance_id: `${name}.${namespace}`, local_hostname: host, hostname: host, uuid: vmi.spec.domain.firmware?.uuid ?? vmi.metadata.uid,
    ...(keys.length === 0 ? {} : { public_keys: Object.fromEntries(keys.map((key, index) => [String(index), key])) }),
  };
  const latest: IsoTree = new Map([
    ['user_data', data.userData], ['meta_data.json', Buffer.from(JSON.stringify(meta))],
    ...(data.networkData === undefined ? [] : [['network_data.json', data.networkData] as const]),
  ]);
  return new Map([['openstack', new Map([['latest', latest]])]]);
}

/** The guest's name: `spec.hostname`, else the instance's, as one DNS label. */
export function hostnameOf(vmi: VirtualMachineInstance): string {
  return vmi.spec.hostname ?? vmi.metadata.name.replaceAll('.', '-').slice(0, 63).replace(/-+$/, '');
}

const decoded = (data: Record<string, string> | undefined): [string, Buffer][] =>
  Object.entries(data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64')]);

/** The object, or undefined when it is missing and may be. */
async function optionally<T>(optional: boolean | undefined, find: Promise<T>, isMissing: (error: unknown) => boolean): Promise<T | undefined> {
  try {
    return await find;
  } catch (error) {
    if (optional === true && isMissing(error)) {
      return undefined;
    }
    throw error;
  }
}

async function seedOf(vmi: VirtualMachineInstance, volume: Volume, source: ObjectSource, isMissing: (error: unknown) => boolean): Promise<SeedDisk | undefined> {
  const disk = (label: string, tree: IsoTree): SeedDisk => ({ volume: volume.name, image: isoImage(label, tree) });
  if (volume.cloudInitNoCloud !== undefined) {
    return disk(LABEL_NOCLOUD, await noCloud(vmi, volume.cloudInitNoCloud, source));
  }
  if (volume.cloudInitConfigDrive !== undefined) {
    return disk(LABEL_CONFIG_DRIVE, await configDrive(vmi, volume.cloudInitConfigDrive, source));
  }
  if (volume.configMap !== undefined) {
    const { name = '', optional, volumeLabel } = volume.configMap;
    const object = await optionally(optional, source.configMap(name), isMissing);
    const text = Object.entries(object?.data ?? {}).map(([key, value]): [string, Buffer] => [key, Buffer.from(value)]);
    return disk(volumeLabel ?? LABEL_DEFAULT, new Map([...text, ...decoded(object?.binaryData)]));
  }
  if (volume.secret !== undefined) {
    const { secretName = '', optional, volumeLabel } = volume.secret;
    const object = await optionally(optional, source.secret(secretName), isMissing);
    return disk(volumeLabel ?? LABEL_DEFAULT, new Map(decoded(object?.data)));
  }
  return undefined;
}

/**
 * The disks of an instance's seed volumes. `isMissing` tells an object that does not exist from other failures.
 * Throws LaunchError, IsoError or what `source` throws.
 */
export async function seedDisks(vmi: VirtualMachineInstance, source: ObjectSource, isMissing: (error: unknown) => boolean): Promise<SeedDisk[]> {
  const seeds = await Promise.all((vmi.spec.volumes ?? []).map((volume) => seedOf(vmi, volume, source, isMissing)));
  return seeds.filter((seed) => seed !== undefined);
}
