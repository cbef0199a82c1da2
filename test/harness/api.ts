/** Straight to an instance's API, without kubectl between. */
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';

export interface Connection {
  host: string;
  port: number;
  ca: Buffer;
  cert: Buffer;
  key: Buffer;
}

function at(value: unknown, ...path: (string | number)[]): unknown {
  let found = value;
  for (const step of path) {
    found = typeof found === 'object' && found !== null ? Reflect.get(found, step) : undefined;
  }
  return found;
}

function text(value: unknown, what: string): string {
  if (typeof value !== 'string') {
    throw new Error(`kubeconfig has no ${what}`);
  }
  return value;
}

/** TLS options of an admin kubeconfig that carries its certificates inside. */
export async function connection(kubeconfig: string): Promise<Connection> {
  const config: unknown = parse(await readFile(kubeconfig, 'utf8'));
  const cluster = at(config, 'clusters', 0, 'cluster');
  const user = at(config, 'users', 0, 'user');
  const url = new URL(text(at(cluster, 'server'), 'server'));
  const bytes = (value: unknown, what: string): Buffer => Buffer.from(text(value, what), 'base64');
  return {
    host: url.hostname, port: Number(url.port),
    ca: bytes(at(cluster, 'certificate-authority-data'), 'certificate authority'),
    cert: bytes(at(user, 'client-certificate-data'), 'client certificate'),
    key: bytes(at(user, 'client-key-data'), 'client key'),
  };
}
