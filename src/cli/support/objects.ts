/** Every object of a server by its metadata, kind by kind. */
import type { IncomingMessage } from 'node:http';
import { isObject } from '../../apimachinery/values.ts';
import type { Server } from '../server.ts';
import { shownMetadata } from './redact.ts';

/** Objects of one kind in a bundle; of more the first. */
const MAX_OBJECTS = 5_000;
const PAGE = 500;
/** Longest text taken from the server, bytes. */
const MAX_TEXT_BYTES = 64 * 1024 * 1024;
const DISCOVERY = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const METADATA = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';

export interface Listed {
  /** `deployments.apps`. */
  name: string;
  count: number;
  objects: Record<string, unknown>[];
  /** Why there is nothing. */
  error?: string;
}

async function readText(answer: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of answer) {
    const bytes: Buffer = part;
    size += bytes.length;
    if (size > MAX_TEXT_BYTES) {
      answer.destroy();
      throw new Error(`the answer has more than ${MAX_TEXT_BYTES} bytes`);
    }
    parts.push(bytes);
  }
  return Buffer.concat(parts).toString();
}

export async function getText(server: Server, path: string, query: Record<string, string> = {}, accept = '*/*'): Promise<string> {
  return readText(await server.transport.open({ method: 'GET', path, query, headers: { accept } }));
}

interface Resource {
  name: string;
  path: string;
}

const objectsIn = (value: unknown): Record<string, unknown>[] => (Array.isArray(value) ? value.filter(isObject) : []);

const nameOf = (metadata: unknown): string => (isObject(metadata) && typeof metadata['name'] === 'string' ? metadata['name'] : '');

/** What can be listed, in each group's first version. */
async function resources(server: Server): Promise<Resource[]> {
  const found: Resource[] = [];
  for (const root of ['/api', '/apis']) {
    const document: unknown = JSON.parse(await getText(server, root, {}, DISCOVERY));
    for (const group of objectsIn(isObject(document) ? document['items'] : undefined)) {
      const groupName = nameOf(group['metadata']);
      const [version] = objectsIn(group['versions']);
      for (const resource of objectsIn(version?.['resources'])) {
        if (Array.isArray(resource['verbs']) && resource['verbs'].includes('list')) {
          const plural = String(resource['resource']);
          found.push({ name: groupName === '' ? plural : `${plural}.${groupName}`, path: `${root}/${groupName === '' ? '' : `${groupName}/`}${String(version?.['version'])}/${plural}` });
        }
      }
    }
  }
  return found;
}

async function listed(server: Server, { name, path }: Resource): Promise<Listed> {
  const objects: Record<string, unknown>[] = [];
  let count = 0;
  let token = '';
  do {
    const page: unknown = JSON.parse(await getText(server, path, { limit: String(PAGE), ...(token === '' ? {} : { continue: token }) }, METADATA));
    const items = objectsIn(isObject(page) ? page['items'] : undefined);
    objects.push(...items.map((item) => shownMetadata(item['metadata'])));
    count += items.length;
    const metadata = isObject(page) && isObject(page['metadata']) ? page['metadata'] : {};
    token = typeof metadata['continue'] === 'string' ? metadata['continue'] : '';
    if (objects.length >= MAX_OBJECTS && token !== '') {
      count += Number(metadata['remainingItemCount'] ?? 0);
      break;
    }
  } while (token !== '');
  return { name, count, objects };
}

export async function allObjects(server: Server): Promise<Listed[]> {
  const all: Listed[] = [];
  for (const resource of await resources(server)) {
    all.push(await listed(server, resource).catch((error: unknown): Listed =>
      ({ name: resource.name, count: 0, objects: [], error: error instanceof Error ? error.message : String(error) })));
  }
  return all;
}
