/** Service-account tokens: JWTs signed with ES256, bound to the account and, if asked, to a pod, secret or node. */
import { createHash, createPrivateKey, createPublicKey, randomUUID, sign, verify, type JsonWebKey, type KeyObject } from 'node:crypto';
import { isObject } from '../../apimachinery/values.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import type { User } from '../types.ts';

export interface BoundObject {
  kind: 'Pod' | 'Secret' | 'Node';
  name: string;
  uid: string;
}

export interface TokenGrant {
  namespace: string;
  account: { name: string; uid: string };
  bound: BoundObject | undefined;
  audiences: readonly string[];
  /** Seconds from now. */
  lifetime: number;
}

export interface TokenOptions {
  /** PEM, PKCS #8, P-256. */
  key: string;
  /** `iss` of the tokens, and their audience when none is asked for. */
  issuer: string;
  /** The object of a token's claims, to see that it still exists; undefined when it is gone. */
  lookup: (what: 'ServiceAccount' | BoundObject['kind'], namespace: string, name: string) => KubeObject | undefined;
}

const PRIVATE_CLAIM = 'kubernetes.io';
const MAX_TOKEN_CHARS = 16 * 1024;
const CLOCK_SKEW_SECONDS = 10;

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function parsePart(part: string | undefined): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part ?? '', 'base64url').toString());
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

interface NamedClaim {
  name: string;
  uid: string;
}

function namedClaim(value: unknown): NamedClaim | undefined {
  return isObject(value) && typeof value['name'] === 'string' && typeof value['uid'] === 'string'
    ? { name: value['name'], uid: value['uid'] } : undefined;
}

export interface TokenReviewResult {
  user: User;
  audiences: readonly string[];
  /** Seconds since the epoch. */
  expires: number;
}

export class ServiceAccountTokens {
  readonly issuer: string;
  readonly #private: KeyObject;
  readonly #public: KeyObject;
  readonly #keyId: string;
  readonly #lookup: TokenOptions['lookup'];

  constructor(options: TokenOptions) {
    this.issuer = options.issuer;
    this.#private = createPrivateKey(options.key);
    this.#public = createPublicKey(this.#private);
    this.#keyId = createHash('sha256').update(this.#public.export({ format: 'der', type: 'spki' })).digest('base64url');
    this.#lookup = options.lookup;
  }

  /** The public key as RFC 7517 wants it in a key set. */
  jwk(): JsonWebKey {
    return { ...this.#public.export({ format: 'jwk' }), kid: this.#keyId, use: 'sig', alg: 'ES256' };
  }

  issue(grant: TokenGrant, now: number = Date.now()): { token: string; expires: Date } {
    const iat = Math.floor(now / 1000);
    const exp = iat + grant.lifetime;
    const { namespace, account, bound } = grant;
    const payload = {
      aud: grant.audiences.length === 0 ? [this.issuer] : grant.audiences,
      exp, iat, iss: this.issuer, jti: randomUUID(), nbf: iat,
      [PRIVATE_CLAIM]: {
        namespace,
        ...(bound === undefined ? {} : { [bound.kind.toLowerCase()]: { name: bound.name, uid: bound.uid } }),
        serviceaccount: { name: account.name, uid: account.uid },
      },
      sub: `system:serviceaccount:${namespace}:${account.name}`,
    };
    const signed = `${base64url({ alg: 'ES256', kid: this.#keyId })}.${base64url(payload)}`;
    const signature = sign('sha256', Buffer.from(signed), { key: this.#private, dsaEncoding: 'ieee-p1363' });
    return { token: `${signed}.${signature.toString('base64url')}`, expires: new Date(exp * 1000) };
  }

  /** Who a token speaks for; undefined for one that is not ours, not yet or no longer valid, or whose account or pod is gone. */
  review(token: string, audiences: readonly string[] = [this.issuer], now: number = Date.now()): TokenReviewResult | undefined {
    const claims = this.#verified(token);
    if (claims === undefined) {
      return undefined;
    }
    const { exp, nbf, aud } = claims;
    const seconds = now / 1000;
    if (claims['iss'] !== this.issuer || typeof exp !== 'number' || seconds > exp + CLOCK_SKEW_SECONDS
      || (typeof nbf === 'number' && seconds < nbf - CLOCK_SKEW_SECONDS)) {
      return undefined;
    }
    const common = (Array.isArray(aud) ? aud : [aud]).filter((one): one is string => typeof one === 'string' && audiences.includes(one));
    const user = common.length === 0 ? undefined : this.#userOf(claims);
    return user === undefined ? undefined : { user, audiences: common, expires: exp };
  }

  #verified(token: string): Record<string, unknown> | undefined {
    const [header, payload, signature, ...rest] = token.length > MAX_TOKEN_CHARS ? [] : token.split('.');
    if (header === undefined || payload === undefined || signature === undefined || rest.length > 0 || parsePart(header)?.['alg'] !== 'ES256') {
      return undefined;
    }
    const genuine = verify('sha256', Buffer.from(`${header}.${payload}`), { key: this.#public, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'));
    return genuine ? parsePart(payload) : undefined;
  }

  #userOf(claims: Record<string, unknown>): User | undefined {
    const own = claims[PRIVATE_CLAIM];
    const namespace = isObject(own) ? own['namespace'] : undefined;
    const account = isObject(own) ? namedClaim(own['serviceaccount']) : undefined;
    if (!isObject(own) || typeof namespace !== 'string' || account === undefined || !this.#exists('ServiceAccount', namespace, account)) {
      return undefined;
    }
    const extra: Record<string, string[]> = {};
    for (const kind of ['Pod', 'Secret', 'Node'] as const) {
      const claim = own[kind.toLowerCase()];
      if (claim === undefined) {
        continue;
      }
      const bound = namedClaim(claim);
      if (bound === undefined || !this.#exists(kind, namespace, bound)) {
        return undefined;
      }
      extra[`authentication.kubernetes.io/${kind.toLowerCase()}-name`] = [bound.name];
      extra[`authentication.kubernetes.io/${kind.toLowerCase()}-uid`] = [bound.uid];
    }
    return {
      name: `system:serviceaccount:${namespace}:${account.name}`, uid: account.uid,
      groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
      ...(Object.keys(extra).length === 0 ? {} : { extra }),
    };
  }

  #exists(kind: 'ServiceAccount' | BoundObject['kind'], namespace: string, claim: NamedClaim): boolean {
    return this.#lookup(kind, namespace, claim.name)?.metadata.uid === claim.uid;
  }
}
