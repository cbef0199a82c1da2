/** A real API server on a free port with a store in memory, and a client that shows everything of an answer. For tests. */
import { Agent, request as httpsRequest } from 'node:https';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../apimachinery/log.ts';
import type { NodeConnector } from '../../apimachinery/nodehandler.ts';
import { isObject } from '../../apimachinery/values.ts';
import { loadRegistry } from '../../kinds/registry.ts';
import { openMemoryStore } from '../../store/open.ts';
import type { Store } from '../../store/store.ts';
import { ensurePki, type Pki } from '../pki/index.ts';
import { createApiServer, type ApiServer, type ApiServerOptions } from '../server.ts';

export interface Reply {
  code: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** The body parsed, `{}` when it is no JSON object. */
  json: Record<string, unknown>;
}

export interface Ask {
  method?: string;
  path: string;
  body?: unknown;
  headers?: Record<string, string>;
  /** Bearer token; `null` for none. Default: the administrator's. */
  token?: string | null;
  /** Client certificate instead of a token. */
  certificate?: { cert: string; key: string };
}

export class TestServer {
  readonly server: ApiServer;
  readonly store: Store;
  readonly pki: Pki;
  readonly port: number;
  readonly #dir: string;
  readonly #agent: Agent;

  private constructor(server: ApiServer, store: Store, pki: Pki, port: number, dir: string) {
    this.server = server;
    this.store = store;
    this.pki = pki;
    this.port = port;
    this.#dir = dir;
    this.#agent = new Agent({ keepAlive: true, ca: pki.ca.cert });
  }

  static async start(options: Partial<Pick<ApiServerOptions, 'groups' | 'admission' | 'serviceAccounts' | 'tokenFile' | 'log' | 'tokenSources' | 'revoked' | 'audit'>> & { nodes?: NodeConnector } = {}): Promise<TestServer> {
    const dir = await mkdtemp(join(tmpdir(), 'telar-apiserver-'));
    const instance = {
      serviceCidr: '10.96.0.0/24', clusterDomain: 'cluster.local', apiAddress: '10.96.0.1', nodeAddress: '10.97.0.1', nodeName: 'here', listen: '127.0.0.1', port: 6443,
    };
    const pki = await ensurePki(dir, { instance });
    const store = await openMemoryStore();
    const server = await createApiServer({
      nodes: { connect: () => undefined }, serviceAccounts: false, log: silentLog, ...options, store, pki, instance, registry: loadRegistry(),
    });
    const { port } = await server.listen('127.0.0.1', 0);
    return new TestServer(server, store, pki, port, dir);
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    await this.server.close();
    await this.store.close();
    await rm(this.#dir, { recursive: true });
  }

  /** The answer's head; the caller reads the stream. */
  open(ask: Ask): Promise<IncomingMessage> {
    const { token = this.pki.adminToken } = ask;
    const body = ask.body === undefined ? undefined : typeof ask.body === 'string' || ask.body instanceof Uint8Array ? ask.body : JSON.stringify(ask.body);
    return new Promise((resolve, reject) => {
      const request = httpsRequest({
        host: '127.0.0.1', port: this.port, ca: this.pki.ca.cert, method: ask.method ?? 'GET', path: ask.path,
        ...(ask.certificate === undefined ? { agent: this.#agent } : { ...ask.certificate, agent: false }),
        headers: {
          ...(token === null || ask.certificate !== undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
          ...ask.headers,
        },
      }, resolve);
      request.on('error', reject);
      request.end(body);
    });
  }

  async ask(ask: Ask): Promise<Reply> {
    const incoming = await this.open(ask);
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) {
      chunks.push(chunk);
    }
    const text = Buffer.concat(chunks).toString();
    return { code: incoming.statusCode ?? 0, headers: incoming.headers, text, json: parsed(text) };
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Reply> {
    return this.ask({ path, headers });
  }

  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    return this.ask({ method: 'POST', path, body, headers });
  }

  put(path: string, body: unknown): Promise<Reply> {
    return this.ask({ method: 'PUT', path, body });
  }

  patch(path: string, body: unknown, type: 'json' | 'merge' | 'strategic' = 'merge'): Promise<Reply> {
    const types = { json: 'application/json-patch+json', merge: 'application/merge-patch+json', strategic: 'application/strategic-merge-patch+json' };
    return this.ask({ method: 'PATCH', path, body, headers: { 'content-type': types[type] } });
  }

  delete(path: string, body?: unknown): Promise<Reply> {
    return this.ask({ method: 'DELETE', path, body });
  }
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

/** A member deep inside an answer: `at(reply.json, 'metadata', 'name')`, `at(list, 'items', 0)`. */
export function at(value: unknown, ...path: (string | number)[]): unknown {
  return path.reduce<unknown>((place, step) => {
    if (Array.isArray(place) && typeof step === 'number') {
      return place[step];
    }
    return isObject(place) ? place[step] : undefined;
  }, value);
}

/** Reads a watch line by line. */
export async function* lines(incoming: IncomingMessage): AsyncGenerator<Record<string, unknown>, void, undefined> {
  let rest = '';
  incoming.setEncoding('utf8');
  for await (const chunk of incoming) {
    rest += String(chunk);
    const complete = rest.split('\n');
    rest = complete.pop() ?? '';
    for (const line of complete) {
      yield parsed(line);
    }
  }
}

export const configMap = (name: string, data: Record<string, string> = { a: '1' }, labels?: Record<string, string>): Record<string, unknown> =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...(labels === undefined ? {} : { labels }) }, data });

export const pod = (name: string, extra: Record<string, unknown> = {}): Record<string, unknown> =>
  ({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { containers: [{ name: 'c', image: 'example.com/x:1' }], ...extra } });

export const CMS = '/api/v1/namespaces/default/configmaps';
export const PODS = '/api/v1/namespaces/default/pods';
