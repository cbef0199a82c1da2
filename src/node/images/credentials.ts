/** Registry credentials out of `kubernetes.io/dockerconfigjson` and `kubernetes.io/dockercfg` Secrets. */
import type { Secret } from '../../kinds/generated/core.ts';

export interface RegistryCredential {
  /** Registry, possibly with a path: `registry.example:5000/team`. */
  scope: string;
  username: string;
  password: string;
}

const isFields = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

function credential(server: string, entry: unknown): RegistryCredential | undefined {
  if (!isFields(entry)) {
    return undefined;
  }
  const scope = server.replace(/^https?:\/\//, '').replace(/\/(?:v[12]\/?)?$/, '').replace(/^index\.docker\.io/, 'docker.io');
  const { username, password, auth } = entry;
  if (typeof username === 'string' && typeof password === 'string') {
    return { scope, username, password };
  }
  if (typeof auth !== 'string') {
    return undefined;
  }
  const decoded = Buffer.from(auth, 'base64').toString();
  const colon = decoded.indexOf(':');
  return colon < 0 ? undefined : { scope, username: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
}

/** What one Secret holds; an empty list when it holds no credentials that can be read. */
export function credentialsOf(secret: Pick<Secret, 'data' | 'type'>): RegistryCredential[] {
  const encoded = secret.data?.['.dockerconfigjson'] ?? secret.data?.['.dockercfg'];
  if (encoded === undefined) {
    return [];
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(encoded, 'base64').toString());
  } catch (error) {
    if (error instanceof SyntaxError) {
      return [];
    }
    throw error;
  }
  const servers = isFields(parsed) && isFields(parsed['auths']) ? parsed['auths'] : parsed;
  return isFields(servers)
    ? Object.entries(servers).map(([server, entry]) => credential(server, entry)).filter((one) => one !== undefined)
    : [];
}

/** Those that fit an image, the longest scope first. */
export function matchingCredentials(all: readonly RegistryCredential[], registry: string, path: string): RegistryCredential[] {
  const name = `${registry}/${path}`;
  return all.filter(({ scope }) => name === scope || name.startsWith(`${scope}/`)).sort((a, b) => b.scope.length - a.scope.length);
}

/** As Podman's X-Registry-Auth header wants it. */
export function registryAuth({ username, password }: RegistryCredential): string {
  return Buffer.from(JSON.stringify({ username, password })).toString('base64');
}
