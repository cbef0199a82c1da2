/** The node's HTTPS port: the same handler for callers in other processes, who must show a certificate of the instance's authority. */
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import type { NodeHandler } from '../../apimachinery/nodehandler.ts';
import { forbidden } from '../../apimachinery/status.ts';
import { refuseUpgrade, sendError } from './answers.ts';

/** The kubelet's port; when it is taken, any other: the Node object says which. */
const KUBELET_PORT = 10_250;
const API_SERVER = 'kube-apiserver-kubelet-client';

/** What the listener needs of the instance's certificates. PEM texts. */
export interface NodePki {
  ca: { cert: string };
  kubeletServing: { cert: string; key: string };
}

/** Only the API server. Administrators come through it too: there their certificates can be revoked, of which a node knows nothing. */
function isAllowed(socket: TLSSocket): boolean {
  return socket.authorized && socket.getPeerCertificate().subject.CN === API_SERVER;
}

function tryListen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

const isTaken = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';

export interface NodeListener {
  port: number;
  /** Shows this certificate on connections from now on. */
  renew(pki: NodePki): void;
  close(): Promise<void>;
}

/** Listens on the kubelet's port of `host`, or a free one. */
export async function listenKubelet(handler: NodeHandler, pki: NodePki, host: string): Promise<NodeListener> {
  const contextOf = ({ ca, kubeletServing: { cert, key } }: NodePki): SecureContextOptions => ({ cert, key, ca: ca.cert, minVersion: 'TLSv1.2' });
  const server = createServer({ ...contextOf(pki), requestCert: true, rejectUnauthorized: true });
  const refused = forbidden({ group: '', resource: 'nodes', name: '' }, 'this certificate may not speak to the node');
  server.on('request', (req, res) => {
    // Sockets of an HTTPS server are TLS sockets.
    if (isAllowed(req.socket as TLSSocket)) {
      handler.request(req.url ?? '/', req, res);
    } else {
      sendError(res, refused);
    }
  });
  server.on('upgrade', (req, socket, head) => {
    if (isAllowed(req.socket as TLSSocket)) {
      handler.upgrade(req.url ?? '/', req, socket, head);
    } else {
      refuseUpgrade(socket, refused);
    }
  });
  let port: number;
  try {
    port = await tryListen(server, host, KUBELET_PORT);
  } catch (error) {
    if (!isTaken(error)) {
      throw error;
    }
    port = await tryListen(server, host, 0);
  }
  return {
    port,
    renew: (fresh) => { server.setSecureContext(contextOf(fresh)); },
    close: () => new Promise((resolve) => {
      server.close(() => { resolve(); });
      server.closeAllConnections();
    }),
  };
}
