/** A real webhook over HTTPS for tests: it remembers what it was asked and answers as it is told. */
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { json as readJson } from 'node:stream/consumers';
import { TLSSocket } from 'node:tls';
import { isObject } from '../../apimachinery/values.ts';
import { issueCa, issueLeaf } from '../pki/issue.ts';

export interface Asked {
  readonly path: string;
  /** The name the client asked for in its TLS hello; empty for none. */
  readonly servername: string;
  /** `request` of the AdmissionReview. */
  readonly request: Readonly<Record<string, unknown>>;
}

/** The members of `response` beside the uid, or an answer that is none: raw text with a status code. */
export type Reaction = { readonly response: Readonly<Record<string, unknown>> } | { readonly code: number; readonly text: string } | 'hang';

export class WebhookServer {
  readonly asked: Asked[] = [];
  /** The certificate authority, in base64 as `caBundle` has it. */
  readonly caBundle: string;
  /** Answers each review. */
  react: (asked: Asked) => Reaction = () => ({ response: { allowed: true } });
  readonly #server: Server;

  private constructor(server: Server, ca: string) {
    this.#server = server;
    this.caBundle = Buffer.from(ca).toString('base64');
  }

  /** Listens on a free port of `host`; the certificate is for these names and that address. */
  static async start(names: readonly string[] = ['localhost'], host = '127.0.0.1'): Promise<WebhookServer> {
    const ca = issueCa('webhook-test-ca');
    const leaf = issueLeaf(ca, { commonName: 'webhook', organizations: [], usages: ['server'], names: [...names, host] });
    const server = createServer({ cert: leaf.cert, key: leaf.key });
    const made = new WebhookServer(server, ca.cert);
    server.on('request', (req, res) => {
      made.#handle(req, res).catch((error: unknown) => res.destroy(error instanceof Error ? error : new Error(String(error))));
    });
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    return made;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  url(path = '/'): string {
    return `https://127.0.0.1:${this.port}${path}`;
  }

  async #handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const review = await readJson(req);
    const request = isObject(review) && isObject(review['request']) ? review['request'] : {};
    const servername: unknown = req.socket instanceof TLSSocket ? Reflect.get(req.socket, 'servername') : undefined;
    const asked: Asked = { path: req.url ?? '', request, servername: typeof servername === 'string' ? servername : '' };
    this.asked.push(asked);
    const reaction = this.react(asked);
    if (reaction === 'hang') {
      return;
    }
    if ('code' in reaction) {
      res.writeHead(reaction.code, { 'content-type': 'text/plain' }).end(reaction.text);
      return;
    }
    const answer = { kind: 'AdmissionReview', apiVersion: isObject(review) ? review['apiVersion'] : '', response: { uid: request['uid'], ...reaction.response } };
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }

  /** Closes the connections that clients keep. */
  disconnect(): void {
    this.#server.closeAllConnections();
  }

  async close(): Promise<void> {
    this.disconnect();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

/** A JSON patch as a webhook answers it. */
export const patchResponse = (operations: readonly unknown[]): Reaction =>
  ({ response: { allowed: true, patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(operations)).toString('base64') } });
