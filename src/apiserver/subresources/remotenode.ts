/** Nodes that are other processes or machines: their HTTPS port, with mutual TLS, at their Node's `status.daemonEndpoints`. */
import { request as httpsRequest, type RequestOptions } from 'node:https';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { NodeConnector, NodeHandler } from '../../apimachinery/nodehandler.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { internalError, type StatusError } from '../../apimachinery/status.ts';
import { replyOf, type Req, type Res } from '../http/exchange.ts';
import { NODE_CONNECT_TIMEOUT_MS } from '../limits.ts';
import type { KeyPair } from '../pki/index.ts';
import { typed } from '../../kinds/typed.ts';

export interface RemoteOptions {
  nodeOf(name: string): KubeObject | undefined;
  ca: string;
  client: KeyPair;
}

/** Headers that belong to one connection, and HTTP/2's own. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer', 'transfer-encoding', 'host']);

function passedOn(headers: IncomingMessage['headers'], upgrade: boolean): Record<string, string | string[]> {
  const passed: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    const keep = !name.startsWith(':') && (!HOP_BY_HOP.has(name) || (upgrade && name === 'connection')) && (upgrade || name !== 'upgrade');
    if (value !== undefined && keep) {
      passed[name] = value;
    }
  }
  return passed;
}

const PREFERRED = ['InternalIP', 'ExternalIP', 'Hostname'] as const;

/** Address and port of a node's HTTPS server; undefined when its Node object does not say. */
function endpointOf(object: KubeObject): { host: string; port: number } | undefined {
  const { status } = typed('v1 Node', object);
  const port = status?.daemonEndpoints?.kubeletEndpoint?.Port;
  const address = PREFERRED.flatMap((type) => (status?.addresses ?? []).filter((one) => one.type === type))[0]?.address;
  return port === undefined || port === 0 || address === undefined ? undefined : { host: address, port };
}

const unreachable = (node: string, error: Error): StatusError =>
  internalError(`error dialing node ${node}: ${error.message}`);

function statusHead(error: StatusError): string {
  const body = JSON.stringify(error.status);
  return `HTTP/1.1 ${error.code} Error\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;
}

class RemoteNode implements NodeHandler {
  readonly #name: string;
  readonly #options: RequestOptions;

  constructor(name: string, options: RequestOptions) {
    this.#name = name;
    this.#options = options;
  }

  #send(target: string, req: Req, upgrade: boolean): ClientRequest {
    const outgoing = httpsRequest({ ...this.#options, path: target, method: req.method ?? 'GET', headers: passedOn(req.headers, upgrade) });
    const timer = setTimeout(() => outgoing.destroy(new Error('no connection in time')), NODE_CONNECT_TIMEOUT_MS);
    outgoing.once('socket', (socket) => socket.once('secureConnect', () => clearTimeout(timer)));
    outgoing.once('close', () => clearTimeout(timer));
    return outgoing;
  }

  request(target: string, req: Req, res: Res): void {
    const reply = replyOf(res);
    const outgoing = this.#send(target, req, false);
    outgoing.on('error', (error) => {
      if (reply.headersSent) {
        reply.destroy();
        return;
      }
      const failed = unreachable(this.#name, error);
      reply.writeHead(failed.code, { 'content-type': 'application/json' });
      reply.end(JSON.stringify(failed.status));
    });
    outgoing.on('response', (incoming) => {
      reply.writeHead(incoming.statusCode ?? 502, passedOn(incoming.headers, false));
      incoming.pipe(res as NodeJS.WritableStream);
      incoming.on('error', () => reply.destroy());
    });
    reply.once('close', () => outgoing.destroy());
    if (req.readableEnded) {
      // Somebody has read the body already, which then is not the node's affair.
      outgoing.end();
    } else {
      req.pipe(outgoing);
    }
  }

  upgrade(target: string, req: IncomingMessage, socket: Duplex, head: Buffer): void {
    const outgoing = this.#send(target, req, true);
    outgoing.on('error', (error) => {
      if (!socket.destroyed) {
        socket.end(statusHead(unreachable(this.#name, error)));
      }
    });
    outgoing.on('response', (incoming) => {
      // Refused: the answer is an ordinary one.
      socket.write(`HTTP/1.1 ${incoming.statusCode ?? 502} ${incoming.statusMessage ?? ''}\r\nConnection: close\r\n`
        + `Content-Type: ${incoming.headers['content-type'] ?? 'text/plain'}\r\n\r\n`);
      incoming.pipe(socket);
    });
    outgoing.on('upgrade', (incoming, remote, remoteHead) => {
      const lines = incoming.rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${incoming.rawHeaders[index + 1] ?? ''}`] : []));
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`);
      socket.write(remoteHead);
      remote.write(head);
      socket.pipe(remote).pipe(socket);
      const closeBoth = (): void => {
        socket.destroy();
        remote.destroy();
      };
      for (const end of [socket, remote]) {
        end.on('error', closeBoth);
        end.on('close', closeBoth);
      }
    });
    socket.once('close', () => outgoing.destroy());
    outgoing.end();
  }
}

/** Nodes of this process first, then by the network. */
export function connector(local: NodeConnector, options: RemoteOptions): NodeConnector {
  return {
    connect(name): NodeHandler | undefined {
      const here = local.connect(name);
      if (here !== undefined) {
        return here;
      }
      const object = options.nodeOf(name);
      const endpoint = object === undefined ? undefined : endpointOf(object);
      return endpoint === undefined ? undefined : new RemoteNode(name, {
        ...endpoint, ca: options.ca, cert: options.client.cert, key: options.client.key, servername: name,
      });
    },
  };
}
