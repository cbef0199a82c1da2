/** Reading an example's manifests and bringing the server to them, without touching what is so already. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../apimachinery/object.ts';
import { isStatusError } from '../../apimachinery/status.ts';
import { isObject } from '../../apimachinery/values.ts';
import type { Client } from '../../client/client.ts';
import type { Resource } from '../../client/resource.ts';
import { DEPLOYMENTS, JOBS, NAMESPACES, SERVICES, VIRTUALMACHINES } from '../../client/resources.ts';
import { CliError } from '../errors.ts';
import { text } from '../messages/index.ts';

/** What `examples/` holds; a type of object is the server's word anyway. */
const RESOURCES: readonly Resource[] = [NAMESPACES, SERVICES, DEPLOYMENTS, JOBS, VIRTUALMACHINES].map(
  ({ group, version, plural, kind, namespaced }) => ({ group, version, plural, kind, namespaced }));

export const SHOP_FOLDER = fileURLToPath(new URL('../../../examples/shop/', import.meta.url));

const isManifest = (value: unknown): value is KubeObject =>
  isObject(value) && typeof value['kind'] === 'string' && isObject(value['metadata']) && typeof value['metadata']['name'] === 'string';

/** Every object of a folder's YAML files, in the order of the files' names. */
export async function readManifests(folder: string): Promise<KubeObject[]> {
  const unreadable = (file: string, why: string, cause?: unknown): CliError => new CliError(text('demo.error.examples', { file, why }), { cause });
  const names = await readdir(folder).catch((error: unknown) => {
    throw unreadable(folder, error instanceof Error ? error.message : String(error), error);
  });
  const manifests: KubeObject[] = [];
  for (const name of names.filter((one) => one.endsWith('.yaml')).sort()) {
    const file = join(folder, name);
    for (const document of parseAllDocuments(await readFile(file, 'utf8'))) {
      const [error] = document.errors;
      const value: unknown = document.toJS();
      if (error !== undefined || !isManifest(value)) {
        throw unreadable(file, error?.message ?? 'it holds something that is no object with a kind and a name');
      }
      manifests.push(value);
    }
  }
  return manifests;
}

/** Whether `live` has all that `wanted` says; what the server added beside it does not matter. */
export function contains(live: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    return Array.isArray(live) && live.length === wanted.length && wanted.every((one, index) => contains(live[index], one));
  }
  if (isObject(wanted)) {
    return isObject(live) && Object.entries(wanted).every(([key, value]) => contains(live[key], value));
  }
  return live === wanted;
}

function resourceOf(manifest: KubeObject): Resource {
  const found = RESOURCES.find(({ group, version, kind }) => kind === manifest.kind && manifest.apiVersion === (group === '' ? version : `${group}/${version}`));
  if (found === undefined) {
    throw new CliError(text('demo.error.examples', { file: `${manifest.kind ?? ''}/${manifest.metadata.name ?? ''}`, why: 'its kind is not one of the examples’' }));
  }
  return found;
}

/** Creates the object or changes what differs from the manifest. */
export async function apply(client: Client, manifest: KubeObject): Promise<'created' | 'changed' | 'unchanged'> {
  const resource = resourceOf(manifest);
  const name = manifest.metadata.name ?? '';
  const { namespace } = manifest.metadata;
  let live: KubeObject;
  try {
    live = await client.get(resource, name, namespace);
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) {
      throw error;
    }
    await client.create(resource, manifest);
    return 'created';
  }
  if (contains(live, manifest)) {
    return 'unchanged';
  }
  await client.patch(resource, { name, namespace, type: 'merge', body: manifest });
  return 'changed';
}
