/** A watch over HTTP: one line of JSON per event, for as long as client and server both want it. */
import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { BOOKMARK_INTERVAL_MS } from '../limits.ts';
import type { WatchItem, WatchStream } from '../verbs/watchstream.ts';
import { isHttp2, replyOf, type Reply, type Req, type Res } from './exchange.ts';
import { frameItem, type Frame, type Shape } from './frames.ts';
import { metaApiVersion, partialMetadata, tableOf, type View } from './render.ts';
import { drained } from './send.ts';

/** Where frames go: past Node's own chunking in HTTP/1.1, whose bytes are then the same for every watcher. */
interface Sink {
  /** False when the client should be waited for. */
  write(frames: readonly Frame[]): boolean;
}

function http2Sink(reply: Reply): Sink {
  return {
    write(frames): boolean {
      let more = true;
      for (const frame of frames) {
        more = reply.write(frame.bare);
      }
      return more;
    },
  };
}

function http1Sink(socket: Duplex): Sink {
  return {
    write(frames): boolean {
      const [only] = frames;
      if (frames.length === 1 && only !== undefined) {
        return socket.write(only.chunk);
      }
      let more = true;
      socket.cork();
      for (const frame of frames) {
        more = socket.write(frame.chunk);
      }
      socket.uncork();
      return more;
    },
  };
}

/** How a Table or metadata-only watcher sees its events. Column definitions go out once. */
function shapeFor(stream: WatchStream, view: View): Shape | undefined {
  const { as } = view.accept;
  if (as === undefined) {
    return undefined;
  }
  let first = true;
  return (item: WatchItem): string => {
    if (item.type === 'ERROR') {
      return JSON.stringify(item.object);
    }
    if (as !== 'Table') {
      return item.type === 'BOOKMARK'
        ? JSON.stringify({ ...item.object, kind: 'PartialObjectMetadata', apiVersion: metaApiVersion(view.accept) })
        : JSON.stringify(partialMetadata(item.stored.object, view.accept));
    }
    if (item.type === 'BOOKMARK') {
      return JSON.stringify({ kind: 'Table', apiVersion: metaApiVersion(view.accept), metadata: item.object['metadata'] ?? {}, columnDefinitions: null, rows: [] });
    }
    const columns = first;
    first = false;
    return JSON.stringify(tableOf(stream.kind, [item.stored.object], view, { resourceVersion: String(item.stored.revision) }, columns));
  };
}

function sinkFor(req: Req, res: Res, reply: Reply): Sink {
  if (isHttp2(req)) {
    reply.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
    return http2Sink(reply);
  }
  reply.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private', 'transfer-encoding': 'chunked' });
  const { socket } = res as ServerResponse;
  return socket === null ? http2Sink(reply) : http1Sink(socket);
}

/** Writes until the stream ends or the client goes; resolves then. */
export async function writeWatch(stream: WatchStream, req: Req, res: Res, view: View): Promise<void> {
  const reply = replyOf(res);
  const sink = sinkFor(req, res, reply);
  const shape = shapeFor(stream, view);
  const waitable = isHttp2(req) ? reply : (res as ServerResponse).socket ?? reply;
  let gone = false;
  let idle = false;
  reply.once('close', () => {
    gone = true;
    stream.close();
  });
  flushHead(res);
  const bookmark = (): void => {
    // While a batch is being written the next bookmark would promise too much.
    if (idle && !gone) {
      sink.write([frameItem(stream.bookmark(), shape)]);
    }
  };
  const timer = stream.bookmarks ? setInterval(bookmark, BOOKMARK_INTERVAL_MS) : undefined;
  try {
    for (;;) {
      idle = true;
      const items = await stream.next();
      idle = false;
      if (items === undefined || gone) {
        break;
      }
      if (!sink.write(items.map((item) => frameItem(item, shape)))) {
        await drained(waitable as Reply);
      }
    }
  } finally {
    clearInterval(timer);
    stream.close();
  }
  if (!gone) {
    reply.end();
  }
}

/** Clients wait for the head of a watch before its first event. */
function flushHead(res: Res): void {
  if ('flushHeaders' in res && typeof res.flushHeaders === 'function') {
    res.flushHeaders();
  }
}
