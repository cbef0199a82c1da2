/** Who is asking: client certificate, bearer token, or nobody. */
import type { IncomingHttpHeaders } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { unauthorized } from '../../apimachinery/status.ts';
import { MAX_CACHED_TOKENS, TOKEN_CACHE_MS } from '../limits.ts';
import type { User } from '../types.ts';
import { certificateUser, type CertificateUser, type Revocations } from './certificate.ts';
import type { TokenChain, TokenReviewResult } from './chain.ts';
import { protocolToken } from './websocket.ts';

export const ANONYMOUS: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

const BEARER = /^bearer +(\S+)$/i;

export class Authenticator {
  readonly #tokens: TokenChain;
  readonly #revoked: Revocations;
  /** The certificate's user of each connection: certificates do not change while a connection lasts. */
  readonly #byConnection = new WeakMap<TLSSocket, CertificateUser>();
  readonly #byToken = new Map<string, { user: User; until: number }>();

  constructor(tokens: TokenChain, revoked: Revocations) {
    this.#tokens = tokens;
    this.#revoked = revoked;
  }

  /** Throws or rejects with Unauthorized for credentials that are wrong; none at all is `ANONYMOUS`. */
  authenticate(headers: IncomingHttpHeaders, socket: TLSSocket): User | Promise<User> {
    const certificate = this.#ofConnection(socket);
    if (certificate.user !== undefined && this.#counts(certificate)) {
      return certificate.user;
    }
    const user = this.#ofToken(headers);
    if (user === undefined && certificate.shown) {
      throw unauthorized();
    }
    return user ?? ANONYMOUS;
  }

  /** A connection may outlive the certificate it was opened with, and one may be revoked while it lasts. */
  #counts({ until, fingerprint }: CertificateUser): boolean {
    return Date.now() <= until && !this.#revoked.has(fingerprint);
  }

  #ofConnection(socket: TLSSocket): CertificateUser {
    let known = this.#byConnection.get(socket);
    if (known === undefined) {
      known = certificateUser(socket);
      this.#byConnection.set(socket, known);
    }
    return known;
  }

  #ofToken(headers: IncomingHttpHeaders): User | Promise<User> | undefined {
    const { authorization } = headers;
    const token = authorization === undefined ? protocolToken(headers['sec-websocket-protocol']) : BEARER.exec(authorization)?.[1];
    if (token === undefined) {
      return undefined;
    }
    const known = this.#byToken.get(token);
    if (known !== undefined && known.until > Date.now()) {
      return known.user;
    }
    const found = this.#tokens.review(token);
    return found instanceof Promise ? this.#awaited(token, found) : this.#keep(token, found);
  }

  async #awaited(token: string, pending: Promise<TokenReviewResult | undefined>): Promise<User> {
    return this.#keep(token, await pending);
  }

  #keep(token: string, found: TokenReviewResult | undefined): User {
    if (found === undefined) {
      this.#byToken.delete(token);
      throw unauthorized();
    }
    if (this.#byToken.size >= MAX_CACHED_TOKENS) {
      this.#byToken.clear();
    }
    const soon = Date.now() + TOKEN_CACHE_MS;
    this.#byToken.set(token, { user: found.user, until: found.expires === undefined ? soon : Math.min(soon, found.expires * 1000) });
    return found.user;
  }
}
