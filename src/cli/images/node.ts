/** The node's image store, reached through the API server's proxy: the same on this machine and on a distant one. */
import type { IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { isObject } from '../../apimachinery/values.ts';
import { NODES } from '../../client/resources.ts';
import { CliError } from '../errors.ts';
import { text } from '../messages/index.ts';
import type { Server } from '../server.ts';

/** What `telar images build` makes when nothing is named. */
export const STARTERS = ['shell', 'web', 'vm'] as const;
/** Larger images, made only by name. */
export const RUNTIME_IMAGES = ['llama-server'] as const;
/** Longest answer that is not a stream, bytes. */
const ANSWER_MAX = 16 * 1024 * 1024;

export interface ListedImage {
  id: string;
  names: string[];
  /** Bytes. */
  size: number;
  created?: string;
  containers: number;
}

/** The node that is meant: the named one, or the only one. */
export async function nodeName(server: Server, wanted?: string): Promise<string> {
  if (wanted !== undefined) {
    return wanted;
  }
  const names = (await server.client.list(NODES)).items.map(({ metadata }) => metadata.name ?? '');
  const [first, ...others] = names;
  if (first === undefined) {
    throw new CliError(text('images.error.noNode'));
  }
  if (others.length > 0) {
    throw new CliError(text('images.error.node', { nodes: names.join(', ') }));
  }
  return first;
}

const pathOf = (node: string, rest: string): string => `/api/v1/nodes/${encodeURIComponent(node)}/proxy/telar/images${rest}`;

async function json(answer: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer) {
    if (Buffer.isBuffer(chunk)) {
      chunks.push(chunk);
      size += chunk.length;
    }
    if (size > ANSWER_MAX) {
      answer.destroy();
      throw new Error(`the node's answer has more than ${ANSWER_MAX} bytes`);
    }
  }
  return JSON.parse(Buffer.concat(chunks).toString());
}

const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []);

export async function listImages(server: Server, node: string): Promise<ListedImage[]> {
  const answer = await server.transport.request({ method: 'GET', path: pathOf(node, '') });
  const images: unknown[] = isObject(answer) && Array.isArray(answer['images']) ? answer['images'] : [];
  return images.filter(isObject).map((image) => ({
    id: String(image['id']), names: texts(image['names']), size: Number(image['size']), containers: Number(image['containers']),
    ...(typeof image['created'] === 'string' ? { created: image['created'] } : {}),
  }));
}

/** Sends an archive; answers the names of the images it held. */
export async function importImages(server: Server, node: string, archive: AsyncIterable<Uint8Array>): Promise<string[]> {
  const answer = await json(await server.transport.open({
    method: 'POST', path: pathOf(node, '/import'), body: archive, contentType: 'application/x-tar',
  }));
  return texts(isObject(answer) ? answer['images'] : []);
}

export async function removeImage(server: Server, node: string, name: string): Promise<void> {
  await server.transport.request({ method: 'DELETE', path: pathOf(node, ''), query: { name } });
}

export interface BuildOptions {
  name: string;
  /** Leave one that is there alone. */
  ifMissing: boolean;
  progress(message: string): void;
}

/** Has a starter image made; answers its full name and whether it was there already. */
export async function buildImage(server: Server, node: string, options: BuildOptions): Promise<{ image: string; there: boolean }> {
  const answer = await server.transport.open({
    method: 'POST', path: pathOf(node, '/build'), query: { name: options.name, ...(options.ifMissing ? { ifMissing: 'true' } : {}) },
  });
  let built: { image: string; there: boolean } | undefined;
  let failed: string | undefined;
  // To the end, also after the word that counts: an answer let go of half way is a broken one.
  for await (const line of createInterface({ input: answer, crlfDelay: Infinity })) {
    const step: unknown = line === '' ? {} : JSON.parse(line);
    if (!isObject(step)) {
      continue;
    }
    const { error, image, message } = step;
    if (typeof error === 'string') {
      failed = error.replace(/\.$/, '');
    } else if (typeof image === 'string') {
      built = { image, there: message !== undefined };
    } else if (typeof message === 'string') {
      options.progress(message);
    }
  }
  if (built === undefined || failed !== undefined) {
    throw new CliError(text('images.error.build', { name: options.name, why: failed ?? 'the node ended its answer early' }));
  }
  return built;
}
