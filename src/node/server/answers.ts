/** Answers of the node's server: Status JSON for what fails, also before a WebSocket stands. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { internalError, StatusError } from '../../apimachinery/status.ts';

export type Request = IncomingMessage | Http2ServerRequest;
export type Response = ServerResponse | Http2ServerResponse;

export function statusOf(error: unknown): StatusError {
  return error instanceof StatusError ? error : internalError(error instanceof Error ? error.message : String(error));
}

export function sendJson(res: Response, code: number, body: unknown): void {
  res.statusCode = code;
  res.setHeader('content-type', 'application/json');
  res.end(JSON.stringify(body));
}

/** Too late for a status once the head is sent: then the connection breaks, so that nobody takes the part for the whole. */
export function sendError(res: Response, error: unknown): void {
  const failure = statusOf(error);
  if (res.headersSent) {
    res.destroy();
    return;
  }
  sendJson(res, failure.code, failure.status);
}

/** Answers an upgrade request that is refused; of no effect once the connection is gone. */
export function refuseUpgrade(socket: Duplex, error: unknown): void {
  if (socket.destroyed || socket.writableEnded) {
    return;
  }
  const failure = statusOf(error);
  const body = JSON.stringify(failure.status);
  socket.end(`HTTP/1.1 ${failure.code} ${STATUS_CODES[failure.code] ?? 'Error'}\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);
}

/** Writes with back-pressure. Rejects when the client is gone. */
export function writeTo(res: Response, chunk: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    if (res.writableEnded || res.destroyed) {
      reject(new Error('the client is gone'));
      return;
    }
    const stream: NodeJS.WritableStream = res;
    if (stream.write(chunk)) {
      resolve();
      return;
    }
    const drained = (): void => {
      res.off('close', closed);
      resolve();
    };
    const closed = (): void => {
      res.off('drain', drained);
      reject(new Error('the client is gone'));
    };
    res.once('drain', drained);
    res.once('close', closed);
  });
}
