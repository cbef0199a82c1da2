/** The options of `--oidc-…`, checked as kube-apiserver checks them. */

export interface OidcOptions {
  /** `iss` of the tokens; https. */
  readonly issuerUrl: string;
  /** One of a token's audiences. */
  readonly clientId: string;
  readonly usernameClaim: string;
  readonly usernamePrefix: string;
  /** Empty: tokens bring no groups. */
  readonly groupsClaim: string;
  readonly groupsPrefix: string;
  readonly requiredClaims: ReadonlyMap<string, string>;
  /** PEM of who vouches for the issuer; absent for those the machine trusts. */
  readonly ca?: string;
  readonly signingAlgs: readonly string[];
}

/** The flags as they were given. */
export interface OidcFlags {
  issuerUrl: string;
  clientId?: string;
  usernameClaim?: string;
  usernamePrefix?: string;
  groupsClaim?: string;
  groupsPrefix?: string;
  /** `key=value`, each. */
  requiredClaims?: readonly string[];
  ca?: string;
  /** Separated by commas. */
  signingAlgs?: string;
}

export class OidcOptionError extends Error { override name = 'OidcOptionError'; }

const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512'];

function issuer(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol !== 'https:') {
    throw new OidcOptionError(`--oidc-issuer-url (${JSON.stringify(url)}) has invalid scheme or is no URL, require 'https'`);
  }
  return url;
}

function algorithms(text: string): string[] {
  const chosen = text.split(',').map((one) => one.trim()).filter((one) => one !== '');
  const unknown = chosen.find((one) => !ALGORITHMS.includes(one));
  if (unknown !== undefined || chosen.length === 0) {
    throw new OidcOptionError(`--oidc-signing-algs: ${JSON.stringify(unknown ?? text)} is not supported; known are ${ALGORITHMS.join(', ')}`);
  }
  return chosen;
}

function claims(pairs: readonly string[]): Map<string, string> {
  return new Map(pairs.map((pair) => {
    const at = pair.indexOf('=');
    if (at < 1) {
      throw new OidcOptionError(`--oidc-required-claim: ${JSON.stringify(pair)} is no key=value`);
    }
    return [pair.slice(0, at), pair.slice(at + 1)];
  }));
}

/** Without a prefix users are told apart by their issuer; `-` turns that off, and an e-mail address needs none. */
function prefixOf(prefix: string | undefined, claim: string, issuerUrl: string): string {
  if (prefix === undefined || prefix === '') {
    return claim === 'email' ? '' : `${issuerUrl}#`;
  }
  return prefix === '-' ? '' : prefix;
}

/** Throws OidcOptionError with a sentence that names the flag. */
export function oidcOptions(flags: OidcFlags): OidcOptions {
  const issuerUrl = issuer(flags.issuerUrl);
  if (flags.clientId === undefined || flags.clientId === '') {
    throw new OidcOptionError('--oidc-issuer-url and --oidc-client-id must be given together');
  }
  const usernameClaim = flags.usernameClaim ?? 'sub';
  return {
    issuerUrl, clientId: flags.clientId, usernameClaim, usernamePrefix: prefixOf(flags.usernamePrefix, usernameClaim, issuerUrl),
    groupsClaim: flags.groupsClaim ?? '', groupsPrefix: flags.groupsPrefix ?? '', requiredClaims: claims(flags.requiredClaims ?? []),
    signingAlgs: algorithms(flags.signingAlgs ?? 'RS256'), ...(flags.ca === undefined ? {} : { ca: flags.ca }),
  };
}
