/** Request bodies, whole and bounded. */
import { badRequest, timeout, tooLarge } from '../../apimachinery/status.ts';
import { BODY_TIMEOUT_MS, MAX_BODY_BYTES } from '../limits.ts';
import type { Body } from '../types.ts';
import { headersOf, type Req } from './exchange.ts';

const entityTooLarge = (): Error => tooLarge(`Request entity too large: limit is ${MAX_BODY_BYTES}`);

const NO_BODY: Body = { kind: 'none' };

/** The body of a request; rejects with RequestEntityTooLarge without reading on, or when the client goes away. */
export function readBody(req: Req): Promise<Body> {
  const headers = headersOf(req);
  const announced = Number(headers['content-length'] ?? -1);
  if (announced > MAX_BODY_BYTES) {
    return Promise.reject(entityTooLarge());
  }
  if (announced === 0 || (announced < 0 && headers['transfer-encoding'] === undefined && req.httpVersionMajor < 2)) {
    return Promise.resolve(NO_BODY);
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    let done = false;
    const finish = (act: () => void): void => {
      if (!done) {
        done = true;
        clearTimeout(timer);
        act();
      }
    };
    const timer = setTimeout(() => finish(() => reject(timeout(`the request body did not arrive within ${BODY_TIMEOUT_MS / 1000} s`, 0))), BODY_TIMEOUT_MS);
    req.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > MAX_BODY_BYTES) {
        finish(() => {
          req.pause();
          reject(entityTooLarge());
        });
      } else if (!done) {
        chunks.push(chunk);
      }
    });
    req.on('end', () => finish(() => {
      const [first] = chunks;
      if (first === undefined) {
        resolve(NO_BODY);
        return;
      }
      resolve({ kind: 'bytes', bytes: chunks.length === 1 ? first : Buffer.concat(chunks, length), contentType: headers['content-type'] ?? '' });
    }));
    req.on('error', (error) => finish(() => reject(error)));
    req.on('close', () => finish(() => reject(badRequest('the client closed the connection before the request was complete'))));
  });
}
