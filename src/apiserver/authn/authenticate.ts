/** Who is asking: client certificate, bearer token, or nobody. */
import type { IncomingHttpHeaders } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { unauthorized } from '../../apimachinery/status.ts';
import { MAX_CACHED_TOKENS, TOKEN_CACHE_MS } from '../limits.ts';
import type { User } from '../types.ts';
import { certificateUser } from './certificate.ts';
import type { ServiceAccountTokens } from './serviceaccounts.ts';
import type { StaticTokens } from './tokenfile.ts';
import { protocolToken } from './websocket.ts';

export const ANONYMOUS: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

const BEARER = /^bearer +(\S+)$/i;

export class Authenticator {
  readonly #static: StaticTokens;
  readonly #accounts: ServiceAccountTokens;
  /** The certificate's user of each connection: certificates do not change while a connection lasts. */
  readonly #byConnection = new WeakMap<TLSSocket, { user: User | undefined }>();
  readonly #byToken = new Map<string, { user: User; until: number }>();

  constructor(staticTokens: StaticTokens, accounts: ServiceAccountTokens) {
    this.#static = staticTokens;
    this.#accounts = accounts;
  }

  /** Throws Unauthorized for credentials that are wrong; none at all is `ANONYMOUS`. */
  authenticate(headers: IncomingHttpHeaders, socket: TLSSocket): User {
    return this.#ofConnection(socket) ?? this.#ofToken(headers) ?? ANONYMOUS;
  }

  #ofConnection(socket: TLSSocket): User | undefined {
    let known = this.#byConnection.get(socket);
    if (known === undefined) {
      known = { user: certificateUser(socket) };
      this.#byConnection.set(socket, known);
    }
    return known.user;
  }

  #ofToken(headers: IncomingHttpHeaders): User | undefined {
    const { authorization } = headers;
    const token = authorization === undefined ? protocolToken(headers['sec-websocket-protocol']) : BEARER.exec(authorization)?.[1];
    if (token === undefined) {
      return undefined;
    }
    const now = Date.now();
    const known = this.#byToken.get(token);
    if (known !== undefined && known.until > now) {
      return known.user;
    }
    const user = this.#static.find(token) ?? this.#accounts.review(token)?.user;
    if (user === undefined) {
      this.#byToken.delete(token);
      throw unauthorized();
    }
    if (this.#byToken.size >= MAX_CACHED_TOKENS) {
      this.#byToken.clear();
    }
    this.#byToken.set(token, { user, until: now + TOKEN_CACHE_MS });
    return user;
  }
}
