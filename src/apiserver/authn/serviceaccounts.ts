/** Service-account tokens: JWTs signed with ES256, bound to the account and, if asked, to a pod, secret or node. */
import { createHash, createPrivateKey, createPublicKey, randomUUID, sign, verify, type JsonWebKey, type KeyObject } from 'node:crypto';
import { isObject } from '../../apimachinery/values.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import type { User } from '../types.ts';
import type { TokenReviewResult } from './chain.ts';

export interface BoundObject {
  kind: 'Pod' | 'Secret' | 'Node';
  name: string;
  uid: string;
}

export interface TokenGrant {
  namespace: string;
  account: { name: string; uid: string };
  bound: BoundObject | undefined;
  /** Of a token bound to a pod: the node the pod is on. It does not bind the token. */
  node?: { name: string; uid: string };
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
const EXTRA = 'authentication.kubernetes.io/';
const LEGACY_ISSUER = 'kubernetes/serviceaccount';
const LEGACY = {
  namespace: 'kubernetes.io/serviceaccount/namespace', secret: 'kubernetes.io/serviceaccount/secret.name',
  account: 'kubernetes.io/serviceaccount/service-account.name', uid: 'kubernetes.io/serviceaccount/service-account.uid',
} as const;
const MAX_TOKEN_CHARS = 16 * 1024;
const CLOCK_SKEW_SECONDS = 10;

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function parsePart(part: string | undefined): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part ?? '', 'base64url').toString());
    return isObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) {
      return undefined;
    }
    throw error;
  }
}

const userName = (namespace: string, account: string): string => `system:serviceaccount:${namespace}:${account}`;
const groupsOf = (namespace: string): string[] => ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'];

interface NamedClaim {
  name: string;
  uid: string;
}

function namedClaim(value: unknown): NamedClaim | undefined {
  return isObject(value) && typeof value['name'] === 'string' && typeof value['uid'] === 'string'
    ? { name: value['name'], uid: value['uid'] } : undefined;
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
    const { namespace, account, bound, node } = grant;
    const payload = {
      aud: grant.audiences.length === 0 ? [this.issuer] : grant.audiences,
      exp, iat, iss: this.issuer, jti: randomUUID(), nbf: iat,
      [PRIVATE_CLAIM]: {
        namespace,
        ...(bound === undefined ? {} : { [bound.kind.toLowerCase()]: { name: bound.name, uid: bound.uid } }),
        ...(node === undefined ? {} : { node }),
        serviceaccount: { name: account.name, uid: account.uid },
      },
      sub: userName(namespace, account.name),
    };
    return { token: this.#signed(payload), expires: new Date(exp * 1000) };
  }

  /** A token that lives as long as the Secret it stands in: what `kubernetes.io/service-account-token` Secrets hold. */
  issueLegacy(namespace: string, account: { name: string; uid: string }, secret: string): string {
    return this.#signed({
      iss: LEGACY_ISSUER,
      [LEGACY.namespace]: namespace, [LEGACY.secret]: secret, [LEGACY.account]: account.name, [LEGACY.uid]: account.uid,
      sub: userName(namespace, account.name),
    });
  }

  #signed(payload: Record<string, unknown>): string {
    const signed = `${base64url({ alg: 'ES256', kid: this.#keyId })}.${base64url(payload)}`;
    const signature = sign('sha256', Buffer.from(signed), { key: this.#private, dsaEncoding: 'ieee-p1363' });
    return `${signed}.${signature.toString('base64url')}`;
  }

  /** Who a token speaks for; undefined for one that is not ours, not yet or no longer valid, or whose account or pod is gone. */
  review(token: string, audiences: readonly string[] = [this.issuer], now: number = Date.now()): TokenReviewResult | undefined {
    const claims = this.#verified(token);
    if (claims === undefined) {
      return undefined;
    }
    if (claims['iss'] === LEGACY_ISSUER) {
      return audiences.includes(this.issuer) ? this.#reviewLegacy(token, claims) : undefined;
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

  /** Such a token is good while its Secret holds it. */
  #reviewLegacy(token: string, claims: Record<string, unknown>): TokenReviewResult | undefined {
    const [namespace, secret, account, uid] = [LEGACY.namespace, LEGACY.secret, LEGACY.account, LEGACY.uid].map((name) => claims[name]);
    if (typeof namespace !== 'string' || typeof secret !== 'string' || typeof account !== 'string' || typeof uid !== 'string'
      || !this.#exists('ServiceAccount', namespace, { name: account, uid })) {
      return undefined;
    }
    const holder = this.#lookup('Secret', namespace, secret);
    const data: unknown = holder === undefined ? undefined : Reflect.get(holder, 'data');
    if (holder?.metadata.deletionTimestamp !== undefined || !isObject(data) || data['token'] !== Buffer.from(token).toString('base64')) {
      return undefined;
    }
    return { user: { name: userName(namespace, account), uid, groups: groupsOf(namespace) }, audiences: [this.issuer] };
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
    const extra: Record<string, string[]> = typeof claims['jti'] === 'string' ? { [`${EXTRA}credential-id`]: [`JTI=${claims['jti']}`] } : {};
    for (const kind of ['Pod', 'Secret', 'Node'] as const) {
      const claim = own[kind.toLowerCase()];
      if (claim === undefined) {
        continue;
      }
      const bound = namedClaim(claim);
      // Beside a pod the node only says where the token was given out.
      const told = kind === 'Node' && own['pod'] !== undefined;
      if (bound === undefined || (!told && !this.#exists(kind, namespace, bound))) {
        return undefined;
      }
      extra[`${EXTRA}${kind.toLowerCase()}-name`] = [bound.name];
      extra[`${EXTRA}${kind.toLowerCase()}-uid`] = [bound.uid];
    }
    return {
      name: userName(namespace, account.name), uid: account.uid, groups: groupsOf(namespace), ...(Object.keys(extra).length === 0 ? {} : { extra }),
    };
  }

  #exists(kind: 'ServiceAccount' | BoundObject['kind'], namespace: string, claim: NamedClaim): boolean {
    return this.#lookup(kind, namespace, claim.name)?.metadata.uid === claim.uid;
  }
}
