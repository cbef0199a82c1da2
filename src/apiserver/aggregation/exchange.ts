/** One request to an aggregated server, its answer read whole. */
import { request as httpsRequest, type RequestOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { APISERVICE_TIMEOUT_MS, MAX_DISCOVERY_BYTES } from '../limits.ts';

export interface Exchanged {
  readonly code: number;
  /** The body, parsed; undefined when it is empty or no JSON. */
  readonly value: unknown;
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    size += bytes.length;
    if (size > MAX_DISCOVERY_BYTES) {
      response.destroy();
      throw new Error(`the answer is longer than ${MAX_DISCOVERY_BYTES} bytes`);
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString();
}

/** Rejects with an Error when the server cannot be reached, answers too much, or says that it answers JSON and does not. */
export async function exchange(options: RequestOptions, body = ''): Promise<Exchanged> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = httpsRequest({ ...options, signal: AbortSignal.timeout(APISERVICE_TIMEOUT_MS) }, resolve);
    request.on('error', reject);
    request.end(body);
  });
  const text = await textOf(response);
  const isJson = (response.headers['content-type'] ?? '').includes('json') && text !== '';
  const value: unknown = isJson ? JSON.parse(text) : undefined;
  return { code: response.statusCode ?? 0, value };
}
