/** A watch over HTTP: one line of JSON per event, for as long as client and server both want it. */
import type { ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { JsonObject } from '../../apimachinery/object.ts';
import { isObject } from '../../apimachinery/values.ts';
import { BOOKMARK_INTERVAL_MS, MAX_TURN_BYTES } from '../limits.ts';
import type { WatchItem, WatchStream } from '../verbs/watchstream.ts';
import { replyOf, type Res, type Waitable } from './exchange.ts';
import { frameItem, type Frame, type Shape } from './frames.ts';
import { metaApiVersion, partialMetadata, tableOf, type View } from './render.ts';
import { drained } from './send.ts';
import type { Turns } from './turns.ts';

/** Where frames go: past Node's own chunking in HTTP/1.1, whose bytes are then the same for every watcher. */
interface Sink {
  /** False when the client should be waited for. */
  write(frames: readonly Frame[]): boolean;
  /** Tells of `drain` and `close`. */
  readonly waitable: Waitable;
}

/** One DATA frame for all events that go out together. */
function http2Sink(stream: ServerHttp2Stream): Sink {
  return {
    waitable: stream,
    write(frames): boolean {
      const [only] = frames;
      return stream.write(frames.length === 1 && only !== undefined ? only.bare : Buffer.concat(frames.map(({ bare }) => bare)));
    },
  };
}

function http1Sink(socket: Duplex): Sink {
  return {
    waitable: socket,
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

/** A bookmark among Tables: its annotations are those of the row's object, for the list's own metadata has none. */
function bookmarkTable(bookmark: JsonObject, view: View): JsonObject {
  const metadata = isObject(bookmark['metadata']) ? bookmark['metadata'] : {};
  const apiVersion = metaApiVersion(view.accept);
  const object = view.includeObject === 'Object' ? bookmark : { kind: 'PartialObjectMetadata', apiVersion, metadata };
  return {
    kind: 'Table', apiVersion, metadata: { resourceVersion: metadata['resourceVersion'] ?? '' }, columnDefinitions: null,
    rows: [{ cells: [], ...(view.includeObject === 'None' ? {} : { object }) }],
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
      return JSON.stringify(bookmarkTable(item.object, view));
    }
    const columns = first;
    first = false;
    return JSON.stringify(tableOf(stream.kind, [item.stored.object], view, { resourceVersion: String(item.stored.revision) }, columns));
  };
}

/** Writes the head of the answer. Undefined when the connection is already gone. */
function sinkFor(res: Res): Sink | undefined {
  if ('stream' in res) {
    res.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
    flushHead(res);
    return res.stream.destroyed ? undefined : http2Sink(res.stream);
  }
  res.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private', 'transfer-encoding': 'chunked' });
  flushHead(res);
  return res.socket === null ? undefined : http1Sink(res.socket);
}

/** What the server lends a watch. */
export interface WatchWay {
  readonly turns: Turns;
  /** Told how many events have been written. */
  onEvents(count: number): void;
}

class WatchWriter {
  readonly #stream: WatchStream;
  readonly #sink: Sink;
  readonly #shape: Shape | undefined;
  readonly #way: WatchWay;
  readonly #over = Promise.withResolvers<void>();
  /** Items taken from the stream and not yet written, from `#at` on. */
  #items: readonly WatchItem[] = [];
  #at = 0;
  /** Nothing of this watch is outstanding: a bookmark would be true. */
  #idle = false;
  #gone = false;
  readonly #turn = (): void => this.#write();

  constructor(stream: WatchStream, sink: Sink, shape: Shape | undefined, way: WatchWay) {
    this.#stream = stream;
    this.#sink = sink;
    this.#shape = shape;
    this.#way = way;
  }

  /** Resolves when there is nothing more to write, rejects with what nobody expected. */
  run(): Promise<void> {
    const timer = this.#stream.bookmarks ? setInterval(() => this.#bookmark(), BOOKMARK_INTERVAL_MS) : undefined;
    this.#way.turns.goOn(this.#turn);
    return this.#over.promise.finally(() => {
      clearInterval(timer);
      this.#stream.close();
    });
  }

  /** The client has gone. */
  leave(): void {
    this.#gone = true;
    this.#stream.close();
    this.#over.resolve();
  }

  #bookmark(): void {
    if (this.#idle && !this.#gone) {
      this.#sink.write([frameItem(this.#stream.bookmark(), this.#shape)]);
    }
  }

  #write(): void {
    if (this.#gone) {
      return;
    }
    try {
      const items = this.#at < this.#items.length ? this.#items : this.#next();
      if (items === undefined) {
        this.#over.resolve();
      } else if (items.length === 0) {
        this.#rest();
      } else if (this.#sink.write(this.#framed(items))) {
        this.#settle();
      } else {
        drained(this.#sink.waitable).then(() => this.#way.turns.goOn(this.#turn), (error: unknown) => this.#over.reject(error));
      }
    } catch (error) {
      this.#over.reject(error);
    }
  }

  /** Written: what is left goes on in this round, what comes waits for the next. */
  #settle(): void {
    if (this.#at < this.#items.length) {
      this.#way.turns.goOn(this.#turn);
    } else {
      this.#rest();
    }
  }

  #rest(): void {
    let waited = false;
    this.#idle = true;
    this.#stream.notify(() => {
      this.#idle = false;
      if (waited) {
        this.#way.turns.ask(this.#turn);
      } else {
        this.#way.turns.goOn(this.#turn);
      }
    });
    waited = true;
  }

  #next(): readonly WatchItem[] | undefined {
    this.#at = 0;
    this.#items = this.#stream.poll() ?? [];
    return this.#items.length === 0 && this.#stream.ended ? undefined : this.#items;
  }

  /** As many of the items as go out in one turn. */
  #framed(items: readonly WatchItem[]): Frame[] {
    const frames: Frame[] = [];
    for (let bytes = 0; this.#at < items.length && bytes < MAX_TURN_BYTES; this.#at += 1) {
      const item = items[this.#at];
      if (item !== undefined) {
        const frame = frameItem(item, this.#shape);
        frames.push(frame);
        bytes += frame.chunk.length;
      }
    }
    this.#way.onEvents(frames.length);
    return frames;
  }
}

/** Writes until the stream ends or the client goes; resolves then. */
export async function writeWatch(stream: WatchStream, res: Res, view: View, way: WatchWay): Promise<void> {
  const reply = replyOf(res);
  const sink = sinkFor(res);
  if (sink === undefined) {
    stream.close();
    return;
  }
  const writer = new WatchWriter(stream, sink, shapeFor(stream, view), way);
  let gone = false;
  reply.once('close', () => {
    gone = true;
    writer.leave();
  });
  await writer.run();
  if (!gone) {
    reply.end();
  }
}

/** Clients wait for the head of a watch before its first event. The types of HTTP/2 answers do not know of this method. */
function flushHead(res: Res): void {
  if ('flushHeaders' in res && typeof res.flushHeaders === 'function') {
    res.flushHeaders();
  }
}
