/** Where a pod's ports are. */
import { connect } from 'node:net';
import type { Socket } from 'node:net';

/** Longest wait for a connection, ms. */
export const CONNECT_TIMEOUT_MS = 10_000;

export interface PortTarget {
  /** `web_default` and the pod's uid, for error texts. */
  pod: string;
  uid: string;
  /** A connection to one of the pod's TCP ports, not yet read from, whose halves end separately. Rejects with a readable reason. */
  dial(port: number): Promise<Socket>;
}

/** Connects from this process. */
export function dialAddress(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
    socket.pause();
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`dial tcp ${host}:${port}: i/o timeout`));
    }, CONNECT_TIMEOUT_MS);
    socket.once('error', (error) => {
      clearTimeout(timer);
      reject(new Error(`dial tcp ${host}:${port}: ${reasonOf(error)}`, { cause: error }));
    });
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused', EHOSTUNREACH: 'connect: no route to host', ENETUNREACH: 'connect: network is unreachable',
  ETIMEDOUT: 'connect: connection timed out', EADDRNOTAVAIL: 'connect: cannot assign requested address',
};

/** A failure to connect as Go, and so Kubernetes, words it. */
export function reasonOf(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return REASONS[code] ?? (code === '' ? error.message : `connect: ${code}`);
}

/** What the client reads on a connection's error stream. */
export const forwardFailure = (target: PortTarget, port: number, error: unknown): string =>
  `error forwarding port ${port} to pod ${target.pod}, uid ${target.uid}: ${error instanceof Error ? error.message : String(error)}`;

/** Throws in Kubernetes' words. */
export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (Number.isNaN(port) || port > 65_535) {
    throw new Error(`unable to parse ${JSON.stringify(text)} as a port`);
  }
  if (port < 1) {
    throw new Error(`port ${JSON.stringify(text)} must be > 0`);
  }
  return port;
}
