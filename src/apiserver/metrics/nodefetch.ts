/** A GET of the API server's own to a node, by the same way that requests are passed on. */
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { NodeConnector } from '../../apimachinery/nodehandler.ts';

/** Longest answer that is read, bytes: some kilobytes for each pod. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
/** A node has this long to answer, ms. */
const ANSWER_TIMEOUT_MS = 5_000;

export class NodeFetchError extends Error { override name = 'NodeFetchError'; }

/** An answer that is kept instead of being sent. */
class KeptResponse extends ServerResponse {
  readonly #chunks: Buffer[] = [];
  readonly #done: (body: Buffer | undefined) => void;
  #size = 0;

  constructor(request: IncomingMessage, done: (body: Buffer | undefined) => void) {
    super(request);
    this.#done = done;
  }

  #keep(chunk: Uint8Array | string): void {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk);
    this.#size += bytes.length;
    if (this.#size > MAX_ANSWER_BYTES) {
      this.#done(undefined);
    } else {
      this.#chunks.push(bytes);
    }
  }

  override write(chunk: Uint8Array | string): boolean {
    this.#keep(chunk);
    return true;
  }

  override end(chunk?: Uint8Array | string | (() => void)): this {
    if (chunk !== undefined && typeof chunk !== 'function') {
      this.#keep(chunk);
    }
    this.#done(Buffer.concat(this.#chunks));
    return this;
  }

  override destroy(): this {
    this.#done(undefined);
    return this;
  }
}

/** The JSON value at `target` of a node (`/stats/summary`). Rejects with NodeFetchError. */
export async function fetchFromNode(nodes: NodeConnector, node: string, target: string): Promise<unknown> {
  const handler = nodes.connect(node);
  if (handler === undefined) {
    throw new NodeFetchError(`node ${node} is not connected`);
  }
  const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
  const timer = setTimeout(() => resolve(undefined), ANSWER_TIMEOUT_MS);
  const request = new IncomingMessage(new Socket());
  request.method = 'GET';
  request.url = target;
  request.push(null);
  const response = new KeptResponse(request, resolve);
  handler.request(target, request, response);
  const body = await promise;
  clearTimeout(timer);
  if (body === undefined || response.statusCode !== 200) {
    throw new NodeFetchError(`node ${node} did not answer ${target}${body === undefined ? ' in time' : `: ${response.statusCode}`}`);
  }
  const value: unknown = JSON.parse(body.toString());
  return value;
}
