/** Service account tokens for pods, asked for through the API and renewed in good time. */
import { isFields, textOf, childOf } from '../podman/parse.ts';
import type { Client } from '../../client/client.ts';
import { SERVICEACCOUNTS } from '../../client/resources.ts';
import type { Pod, ServiceAccountTokenProjection } from '../../kinds/generated/core.ts';

const DEFAULT_SECONDS = 3600;
/** Share of a token's life after which it is renewed. */
const RENEW_AT = 0.8;

interface Token {
  text: string;
  /** Milliseconds since the epoch. */
  renewAt: number;
}

export class ServiceAccountTokens {
  readonly #client: Client;
  readonly #tokens = new Map<string, Token>();

  constructor(client: Client) {
    this.#client = client;
  }

  /** A valid token and when it should be asked for again (milliseconds since the epoch). */
  async get(pod: Pod, projection: ServiceAccountTokenProjection): Promise<Token> {
    const uid = pod.metadata.uid ?? '';
    const audience = projection.audience ?? '';
    const key = `${uid} ${audience} ${String(projection.expirationSeconds ?? DEFAULT_SECONDS)}`;
    const known = this.#tokens.get(key);
    if (known !== undefined && known.renewAt > Date.now()) {
      return known;
    }
    const fresh = await this.#request(pod, projection, audience);
    this.#tokens.set(key, fresh);
    return fresh;
  }

  release(uid: string): void {
    for (const key of this.#tokens.keys()) {
      if (key.startsWith(`${uid} `)) {
        this.#tokens.delete(key);
      }
    }
  }

  async #request(pod: Pod, projection: ServiceAccountTokenProjection, audience: string): Promise<Token> {
    const name = pod.spec?.serviceAccountName ?? 'default';
    const body = {
      apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest',
      metadata: { name, namespace: pod.metadata.namespace ?? 'default' },
      spec: {
        audiences: audience === '' ? [] : [audience],
        expirationSeconds: projection.expirationSeconds ?? DEFAULT_SECONDS,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name, uid: pod.metadata.uid ?? '' },
      },
    };
    const answer = await this.#client.createSubresource(SERVICEACCOUNTS, 'token', body);
    const status = isFields(answer) ? childOf(answer, 'status') : {};
    const text = textOf(status, 'token');
    if (text === '') {
      throw new Error(`no token was issued for service account ${body.metadata.namespace}/${name}`);
    }
    const expires = new Date(textOf(status, 'expirationTimestamp')).getTime();
    const life = (Number.isNaN(expires) ? body.spec.expirationSeconds * 1000 : expires - Date.now()) * RENEW_AT;
    return { text, renewAt: Date.now() + life };
  }
}
