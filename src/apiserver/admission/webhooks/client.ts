/** HTTPS calls to webhooks, by URL or by a service of the cluster, which is reached at its ClusterIP. Errors are worded as Go's client words them. */
import { Agent, request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { WebhookClientConfig } from '../../../kinds/generated/admissionregistration.ts';
import { typed } from '../../../kinds/typed.ts';
import type { Lookup, ResourcePath } from '../../lookup.ts';

const SERVICES: ResourcePath = ['', 'v1', 'services'];
const HTTPS_PORT = 443;
/** Longest answer of a webhook, bytes: a patch of the largest object, in base64. */
export const MAX_ANSWER_BYTES = 6 * 1024 * 1024;
/** Webhooks whose connections are kept open. */
const MAX_AGENTS = 100;
/** Connections to one webhook at a time; further calls wait, within their time. */
const MAX_CONNECTIONS_EACH = 100;
/** An idle connection is closed after this, ms. */
const IDLE_MS = 30_000;
/** Characters of an error body that are quoted. */
const MAX_QUOTED_CHARS = 2_048;

/** The call failed. The message is what follows `failed to call webhook: `. */
export class WebhookCallError extends Error { override name = 'WebhookCallError'; }

interface Destination {
  /** What messages show: `https://svc.ns.svc:443/path?timeout=10s`. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** With the timeout as a parameter, which tells the webhook how long it has. */
  readonly path: string;
  /** The name the certificate must have. */
  readonly servername: string;
}

const withTimeout = (path: string, seconds: number): string => `${path}${path.includes('?') ? '&' : '?'}timeout=${seconds}s`;

function serviceDestination({ service }: WebhookClientConfig, lookup: Lookup, timeoutSeconds: number): Destination {
  const { name = '', namespace = '', port = HTTPS_PORT } = service ?? {};
  const path = withTimeout(service?.path ?? '/', timeoutSeconds);
  const servername = `${name}.${namespace}.svc`;
  const url = `https://${servername}:${port}${path}`;
  const found = lookup.get(SERVICES, namespace, name);
  const spec = found === undefined ? undefined : typed('v1 Service', found).spec;
  if (spec === undefined) {
    return unreachable(url, `service ${JSON.stringify(name)} not found`);
  }
  if (spec.type === 'ExternalName') {
    return { url, host: spec.externalName ?? '', port, path, servername };
  }
  if (spec.ports?.some((one) => one.port === port) !== true) {
    return unreachable(url, `no service port ${port} found for service ${JSON.stringify(name)}`);
  }
  const host = spec.clusterIP ?? '';
  return host === '' || host === 'None' ? unreachable(url, `service ${JSON.stringify(name)} has no cluster IP`) : { url, host, port, path, servername };
}

function unreachable(url: string, why: string): never {
  throw new WebhookCallError(`Post ${JSON.stringify(url)}: ${why}`);
}

function destinationOf(config: WebhookClientConfig, lookup: Lookup, timeoutSeconds: number): Destination {
  if (config.url === undefined) {
    return serviceDestination(config, lookup, timeoutSeconds);
  }
  const { hostname, host: authority, port, pathname, search } = new URL(config.url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const path = withTimeout(`${pathname}${search}`, timeoutSeconds);
  return { url: `https://${authority}${path}`, host, port: port === '' ? HTTPS_PORT : Number(port), path, servername: host };
}

const UNKNOWN_AUTHORITY = 'tls: failed to verify certificate: x509: certificate signed by unknown authority';

/** By Node's error code. */
const REASONS: Readonly<Record<string, (to: Destination, error: Error) => string>> = {
  ECONNREFUSED: ({ host, port }) => `dial tcp ${host}:${port}: connect: connection refused`,
  EHOSTUNREACH: ({ host, port }) => `dial tcp ${host}:${port}: connect: no route to host`,
  ENETUNREACH: ({ host, port }) => `dial tcp ${host}:${port}: connect: network is unreachable`,
  ENOTFOUND: ({ host }) => `dial tcp: lookup ${host}: no such host`,
  EAI_AGAIN: ({ host }) => `dial tcp: lookup ${host}: server misbehaving`,
  ECONNRESET: () => 'EOF',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: () => UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: () => UNKNOWN_AUTHORITY,
  DEPTH_ZERO_SELF_SIGNED_CERT: () => UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: () => UNKNOWN_AUTHORITY,
  CERT_HAS_EXPIRED: () => 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid',
  ERR_TLS_CERT_ALTNAME_INVALID: ({ servername }) => `tls: failed to verify certificate: x509: certificate is not valid for any names, but wanted to match ${servername}`,
  ABORT_ERR: () => 'context deadline exceeded',
};

function reasonOf(error: unknown, to: Destination): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  const code: unknown = Reflect.get(error, 'code');
  const known = typeof code === 'string' && Object.hasOwn(REASONS, code) ? REASONS[code] : undefined;
  // A signal that fires throws its reason, a DOMException with a number for a code.
  return error.name === 'TimeoutError' || error.name === 'AbortError' ? 'context deadline exceeded' : known?.(to, error) ?? error.message;
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    size += bytes.length;
    if (size > MAX_ANSWER_BYTES) {
      response.destroy();
      throw new Error(`the answer is longer than ${MAX_ANSWER_BYTES} bytes`);
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** What client-go makes of an answer that is no success. */
function statusText(code: number, body: string): string {
  switch (code) {
    case 401: return 'Unauthorized';
    case 403: return 'forbidden';
    case 404: return 'the server could not find the requested resource';
    case 405: return 'the server does not allow this method on the requested resource';
    case 503: return 'the server is currently unable to handle the request';
    default: return code >= 500 ? `an error on the server (${JSON.stringify(body.slice(0, MAX_QUOTED_CHARS))}) has prevented the request from succeeding`
      : `the server rejected our request for an unknown reason`;
  }
}

interface Answered { readonly code: number; readonly body: string }

export class WebhookClient {
  readonly #lookup: Lookup;
  readonly #agents = new Map<string, Agent>();

  constructor(lookup: Lookup) {
    this.#lookup = lookup;
  }

  /** Connections are kept by whom they trust and whom they expect. */
  #agent(ca: string | undefined, servername: string): Agent {
    const key = `${servername}\n${ca ?? ''}`;
    const known = this.#agents.get(key);
    if (known !== undefined) {
      return known;
    }
    if (this.#agents.size >= MAX_AGENTS) {
      // Calls under way on its connections end as they would; idle ones close by themselves.
      const [oldest = ''] = this.#agents.keys();
      this.#agents.delete(oldest);
    }
    const made = new Agent({ keepAlive: true, maxSockets: MAX_CONNECTIONS_EACH, timeout: IDLE_MS, ...(ca === undefined ? {} : { ca }) });
    this.#agents.set(key, made);
    return made;
  }

  async #once(to: Destination, ca: string | undefined, { body, signal }: { body: string; signal: AbortSignal }): Promise<Answered | 'stale'> {
    let reused = false;
    try {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const request = httpsRequest({
          agent: this.#agent(ca, to.servername), host: to.host, port: to.port, path: to.path, method: 'POST', signal,
          ...(/^[\d.]+$|:/.test(to.servername) ? {} : { servername: to.servername }),
          headers: { 'content-type': 'application/json', accept: 'application/json', 'content-length': Buffer.byteLength(body), 'user-agent': 'kube-apiserver-admission' },
        }, resolve);
        request.on('error', (error) => {
          reused = request.reusedSocket;
          reject(error);
        });
        request.end(body);
      });
      return { code: response.statusCode ?? 0, body: await bodyOf(response) };
    } catch (error) {
      // The webhook closed a connection that was kept: that says nothing of the webhook itself.
      if (reused && error instanceof Error && Reflect.get(error, 'code') === 'ECONNRESET') {
        return 'stale';
      }
      throw new WebhookCallError(`Post ${JSON.stringify(to.url)}: ${reasonOf(error, to)}`, { cause: error });
    }
  }

  /** Posts JSON and reads JSON, within `timeoutSeconds`. Throws WebhookCallError. */
  async post(config: WebhookClientConfig, body: unknown, timeoutSeconds: number): Promise<unknown> {
    const to = destinationOf(config, this.#lookup, timeoutSeconds);
    const ca = config.caBundle === undefined || config.caBundle === '' ? undefined : Buffer.from(config.caBundle, 'base64').toString('utf8');
    const call = { body: JSON.stringify(body), signal: AbortSignal.timeout(timeoutSeconds * 1000) };
    let answer = await this.#once(to, ca, call);
    while (answer === 'stale') {
      answer = await this.#once(to, ca, call);
    }
    if (answer.code < 200 || answer.code > 299) {
      throw new WebhookCallError(statusText(answer.code, answer.body));
    }
    try {
      const value: unknown = JSON.parse(answer.body);
      return value;
    } catch (error) {
      throw new WebhookCallError(`couldn't get version/kind; json parse error: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
}
