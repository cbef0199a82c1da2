/** Nodes that are other processes or machines: their HTTPS port, with mutual TLS, at their Node's `status.daemonEndpoints`. */
import type { IncomingMessage } from 'node:http';
import type { RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import type { NodeConnector, NodeHandler } from '../../apimachinery/nodehandler.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { internalError, type StatusError } from '../../apimachinery/status.ts';
import type { Req, Res } from '../http/exchange.ts';
import type { KeyPair } from '../pki/index.ts';
import { forwardRequest, forwardUpgrade, type Backend } from '../proxy/forward.ts';
import { typed } from '../../kinds/typed.ts';

export interface RemoteOptions {
  nodeOf(name: string): KubeObject | undefined;
  /** PEM, and what the API server shows to nodes: asked for each connection, as both are renewed. */
  trust(): { ca: string; client: KeyPair };
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

class RemoteNode implements NodeHandler {
  readonly #backend: Backend;

  constructor(name: string, options: RequestOptions) {
    this.#backend = { secure: true, options, unreachable: (error) => unreachable(name, error) };
  }

  request(target: string, req: Req, res: Res): void {
    forwardRequest(this.#backend, target, req, res);
  }

  upgrade(target: string, req: IncomingMessage, socket: Duplex, head: Buffer): void {
    forwardUpgrade(this.#backend, target, { req, socket, head });
  }
}

/** Nodes of this process first, then by the network. */
export function connector(local: NodeConnector, options: RemoteOptions): NodeConnector {
  return {
    connect(name, how): NodeHandler | undefined {
      const here = local.connect(name, how);
      if (here !== undefined) {
        return here;
      }
      const object = options.nodeOf(name);
      const endpoint = object === undefined ? undefined : endpointOf(object);
      if (endpoint === undefined) {
        return undefined;
      }
      const { ca, client } = options.trust();
      return new RemoteNode(name, {
        ...endpoint, ca, cert: client.cert, key: client.key, servername: name,
        ...(how?.insecure === true ? { rejectUnauthorized: false } : {}),
      });
    },
  };
}
