/** WebSocket and SPDY upgrades: authenticated and authorised like any request, then the node or an extra group takes the socket. */
import type { IncomingMessage } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { admitConnection, connectionOf } from '../admission/connect.ts';
import type { ExtraGroup } from '../extragroup.ts';
import { authorise, extraGroupOf, type Pipeline } from '../pipeline.ts';
import { upgradeToNode } from '../subresources/nodeproxy.ts';
import type { Call, RequestVerb } from '../types.ts';
import { PageNotFound, type Core } from '../verbs/core.ts';
import { identify, prepare, statusOf, type HandlerOptions } from './handler.ts';
import { JSON_ACCEPT } from './negotiate.ts';

const STREAMING = new Set(['exec', 'attach', 'portforward']);

/** Streams into a pod are authorised as `create`, whether they come as GET (WebSocket) or POST (SPDY). */
function streamVerb(call: Pick<Call, 'info' | 'verb'>): RequestVerb {
  return call.info.group === '' && call.info.resource === 'pods' && STREAMING.has(call.info.subresource) ? 'create' : call.verb;
}

/** An ordinary answer on a socket that was to be upgraded; the connection ends with it. */
export function refuse(socket: Duplex, code: number, contentType: string, body: string): void {
  if (socket.destroyed) {
    return;
  }
  socket.end(`HTTP/1.1 ${code} ${STATUS_CODES[code] ?? 'Error'}\r\nContent-Type: ${contentType}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`
    + `Connection: close\r\n\r\n${body}`);
}

async function upgrade(options: HandlerOptions, req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  const { pipeline } = options;
  const prepared = prepare(req);
  const asking = await identify(req, prepared.info, options);
  const call: Call = {
    method: req.method ?? 'GET', verb: streamVerb(prepared), info: prepared.info, query: prepared.query, ...asking,
    accept: JSON_ACCEPT, body: { kind: 'none' }, warnings: [],
  };
  const trail = pipeline.audit?.stream(call);
  if (trail === undefined) {
    await connect(pipeline, call, { req, socket, head });
    return;
  }
  try {
    await connect(pipeline, { ...call, annotate: trail.annotate }, { req, socket, head });
  } catch (error) {
    trail.failed(error);
    throw error;
  }
  trail.started();
  if (socket.destroyed) {
    trail.ended();
  } else {
    socket.once('close', trail.ended);
  }
}

/** Hands the socket to who answers on it. */
async function connect(pipeline: Pipeline, call: Call, streams: { req: IncomingMessage; socket: Duplex; head: Buffer }): Promise<void> {
  await authorise(pipeline.core, call);
  const extra: ExtraGroup | undefined = extraGroupOf(pipeline, call);
  if (extra !== undefined) {
    if (extra.upgrade === undefined) {
      throw new PageNotFound(call.info.path);
    }
    await extra.upgrade(call, pipeline.core, streams);
    return;
  }
  await admit(pipeline.core, call);
  upgradeToNode(pipeline.core, call, streams);
}

/** Connections pass admission; what is none is refused where it is handled. */
async function admit(core: Core, call: Call): Promise<void> {
  const { info } = call;
  const kind = core.kindOf(info);
  const target = { kind, namespace: kind.namespaced ? info.namespace : '', name: info.name };
  const connection = connectionOf(target, info.subresource);
  if (connection !== undefined) {
    await admitConnection(core, call, target, connection);
  }
}

/** Never throws. */
export function handleUpgrade(options: HandlerOptions, req: IncomingMessage, socket: Duplex, head: Buffer): void {
  socket.on('error', (error) => {
    options.log.debug({ path: req.url, error: error.message }, 'a stream ended abruptly');
  });
  upgrade(options, req, socket, head).catch((error: unknown) => {
    if (error instanceof PageNotFound) {
      refuse(socket, 404, 'text/plain; charset=utf-8', '404 page not found\n');
      return;
    }
    const failed = statusOf(error, options.log, req.url ?? '');
    refuse(socket, failed.code, 'application/json', JSON.stringify(failed.status));
  });
}
