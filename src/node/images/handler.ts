/**
 * Telar's own node paths for images: GET /telar/images, POST /telar/images/import (an archive as body), DELETE /telar/images?name=,
 * POST /telar/images/build?name=[&ifMissing=true] (answers JSON lines as it goes: {"message"}, {"image"} at the end or {"error"}).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Log } from '../../apimachinery/log.ts';
import { buildStarter, DEFAULT_CACHE } from './build.ts';
import { ImageError } from './images.ts';
import type { Images } from './images.ts';
import { starterImage } from './names.ts';

export const IMAGES_PATH = '/telar/images';

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

const BODYLESS_STATUS_REASONS: Record<number, string> = { 400: 'BadRequest', 404: 'NotFound', 405: 'MethodNotAllowed', 409: 'Conflict' };

function send(res: Response, code: number, body: unknown): void {
  const text = JSON.stringify(body);
  res.statusCode = code;
  res.setHeader('content-type', 'application/json');
  res.end(text);
}

function write(res: NodeJS.WritableStream, line: Record<string, string>): void {
  res.write(`${JSON.stringify(line)}\n`);
}

function sendError(res: Response, error: unknown, log: Log): void {
  const code = error instanceof ImageError ? error.code : 500;
  const message = error instanceof Error ? error.message : String(error);
  if (code === 500) {
    log.warn({ err: error }, 'an image request failed');
  }
  if (res.headersSent) {
    write(res, { error: message });
    res.end();
    return;
  }
  send(res, code, {
    kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason: BODYLESS_STATUS_REASONS[code] ?? 'InternalError', code,
  });
}

export interface ImagesHandlerOptions {
  images: Images;
  log: Log;
  /** Folder for Debian packages; default /var/cache/telar/packages. */
  cache?: string;
}

/** Answers a request whose target begins with /telar/images. */
export function imagesHandler(options: ImagesHandlerOptions): (target: string, req: Request, res: Response) => void {
  const { images, log, cache = DEFAULT_CACHE } = options;

  async function importImages(req: Request, res: Response): Promise<void> {
    // Podman's client wants a stream it may end; the request itself must stay able to be answered.
    const body = new PassThrough();
    const [names] = await Promise.all([images.import(body), pipeline(req, body)]);
    send(res, 200, { images: names });
  }

  async function build(url: URL, res: Response): Promise<void> {
    const name = url.searchParams.get('name') ?? '';
    res.statusCode = 200;
    res.setHeader('content-type', 'application/json');
    const image = starterImage(name);
    const present = url.searchParams.get('ifMissing') === 'true' && (await images.list()).some(({ names }) => names.includes(image));
    if (present) {
      write(res, { image, message: 'already there' });
    } else {
      const built = await buildStarter(images, name, cache, (message) => write(res, { message }));
      write(res, { image: built });
    }
    res.end();
  }

  async function handle(target: string, req: Request, res: Response): Promise<void> {
    const url = new URL(target, 'http://node');
    const action = `${req.method ?? ''} ${url.pathname.slice(IMAGES_PATH.length)}`;
    switch (action) {
      case 'GET ':
        send(res, 200, { images: await images.list() });
        return;
      case 'POST /import':
        await importImages(req, res);
        return;
      case 'DELETE ':
        await images.remove(url.searchParams.get('name') ?? '');
        send(res, 200, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' });
        return;
      case 'POST /build':
        await build(url, res);
        return;
      default:
        throw new ImageError(req.method === 'GET' ? 404 : 405, `there is nothing at ${req.method ?? ''} ${url.pathname}`);
    }
  }

  return (target, req, res) => {
    handle(target, req, res).catch((error: unknown) => sendError(res, error, log));
  };
}
