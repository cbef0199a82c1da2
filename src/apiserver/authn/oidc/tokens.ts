/** ID tokens of an OpenID Connect issuer as bearer tokens, as kube-apiserver's `--oidc-…` takes them. The library is loaded with the first token. */
import type { JWTPayload } from 'jose';
import type { Log } from '../../../apimachinery/log.ts';
import { isObject } from '../../../apimachinery/values.ts';
import type { User } from '../../types.ts';
import type { TokenReviewResult, TokenSource } from '../chain.ts';
import { Issuer } from './issuer.ts';
import type { OidcOptions } from './options.ts';

const AUTHENTICATED = 'system:authenticated';
const CREDENTIAL_ID = 'authentication.kubernetes.io/credential-id';
const MAX_TOKEN_CHARS = 64 * 1024;
const CLOCK_SKEW_SECONDS = 10;

class ClaimError extends Error { override name = 'ClaimError'; }

/** Who a token says has issued it, before anything of it has been verified. */
function claimedIssuer(token: string): unknown {
  const [, payload, signature] = token.length > MAX_TOKEN_CHARS ? [] : token.split('.');
  if (payload === undefined || signature === undefined) {
    return undefined;
  }
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString());
    return isObject(claims) ? claims['iss'] : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) {
      return undefined;
    }
    throw error;
  }
}

function usernameOf({ usernameClaim, usernamePrefix }: OidcOptions, claims: JWTPayload): string {
  const value = claims[usernameClaim];
  if (typeof value !== 'string' || value === '') {
    throw new ClaimError(`oidc: parse username claims ${JSON.stringify(usernameClaim)}: claim not present`);
  }
  if (usernameClaim === 'email' && claims['email_verified'] !== undefined && claims['email_verified'] !== true) {
    throw new ClaimError('oidc: email not verified');
  }
  return usernamePrefix + value;
}

function groupsOf({ groupsClaim, groupsPrefix }: OidcOptions, claims: JWTPayload): string[] {
  const value = groupsClaim === '' ? undefined : claims[groupsClaim];
  if (value === undefined) {
    return [];
  }
  const groups: unknown[] = Array.isArray(value) ? value : [value];
  if (!groups.every((one) => typeof one === 'string')) {
    throw new ClaimError(`oidc: parse groups claim ${JSON.stringify(groupsClaim)}: no list of strings`);
  }
  return groups.map((group) => groupsPrefix + group);
}

export class OidcTokens implements TokenSource {
  readonly #options: OidcOptions;
  readonly #issuer: Issuer;
  readonly #audiences: readonly string[];
  readonly #log: Log;

  /** `audiences`: what the API server is asked as; ID tokens are meant for it when they are meant for the client. */
  constructor(options: OidcOptions, audiences: readonly string[], log: Log) {
    this.#options = options;
    this.#issuer = new Issuer(options.issuerUrl, options.ca);
    this.#audiences = audiences;
    this.#log = log;
  }

  review(token: string, audiences: readonly string[]): Promise<TokenReviewResult | undefined> | undefined {
    const common = audiences.filter((one) => this.#audiences.includes(one));
    return common.length > 0 && claimedIssuer(token) === this.#options.issuerUrl ? this.#review(token, common) : undefined;
  }

  async #review(token: string, audiences: readonly string[]): Promise<TokenReviewResult | undefined> {
    try {
      const claims = await this.#verified(token);
      return { user: this.#userOf(claims), audiences, ...(claims.exp === undefined ? {} : { expires: claims.exp }) };
    } catch (error) {
      // The client is told nothing but that its token is no good; the reason is for who runs the server.
      this.#log.info({ issuer: this.#options.issuerUrl, error: error instanceof Error ? error.message : String(error) }, 'an ID token was refused');
      return undefined;
    }
  }

  async #verified(token: string): Promise<JWTPayload> {
    const { createLocalJWKSet, errors, jwtVerify } = await import('jose');
    const { issuerUrl, clientId, signingAlgs } = this.#options;
    const verify = async (fresh: boolean): Promise<JWTPayload> => {
      const keys = createLocalJWKSet(await this.#issuer.keys(fresh));
      const { payload } = await jwtVerify(token, keys, {
        issuer: issuerUrl, audience: clientId, algorithms: [...signingAlgs], clockTolerance: CLOCK_SKEW_SECONDS, requiredClaims: ['exp'],
      });
      return payload;
    };
    try {
      return await verify(false);
    } catch (error) {
      // The issuer has a new key.
      if (error instanceof errors.JWKSNoMatchingKey) {
        return await verify(true);
      }
      throw error;
    }
  }

  #userOf(claims: JWTPayload): User {
    for (const [name, wanted] of this.#options.requiredClaims) {
      if (claims[name] !== wanted) {
        throw new ClaimError(claims[name] === undefined ? `oidc: required claim ${name} not present in ID token`
          : `oidc: required claim ${name} value does not match. Got = ${JSON.stringify(claims[name])}, want = ${wanted}`);
      }
    }
    return {
      name: usernameOf(this.#options, claims), groups: [...groupsOf(this.#options, claims), AUTHENTICATED],
      ...(claims.jti === undefined ? {} : { extra: { [CREDENTIAL_ID]: [`JTI=${claims.jti}`] } }),
    };
  }
}
