/** Image names, by the grammar of the distribution project: [registry/]path[:tag][@digest]. */

const DOMAIN = /^(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*(?::[0-9]+)?$/;
const PATH_COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;
/** Longest registry and path together. */
const MAX_NAME_LENGTH = 255;

/** Images under this registry live in the node's own store and are never pulled. */
export const LOCAL_REGISTRY = 'telar.local';

export interface ImageReference {
  registry: string;
  /** Below the registry, e.g. library/nginx. */
  path: string;
  tag?: string;
  digest?: string;
}

/** Tells a registry from the first part of a path, as Docker does. */
const isRegistry = (part: string): boolean => /[.:]/.test(part) || part === 'localhost' || part.toLowerCase() !== part;

function splitTag(named: string): { name: string; tag?: string } {
  const colon = named.lastIndexOf(':');
  return colon > named.lastIndexOf('/') ? { name: named.slice(0, colon), tag: named.slice(colon + 1) } : { name: named };
}

function splitRegistry(name: string): { registry: string; path: string } {
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0));
  if (slash >= 0 && isRegistry(first) && first !== 'docker.io' && first !== 'index.docker.io') {
    return { registry: first, path: name.slice(slash + 1) };
  }
  const path = slash >= 0 && isRegistry(first) ? name.slice(slash + 1) : name;
  return { registry: 'docker.io', path: path.includes('/') ? path : `library/${path}` };
}

/** Parsed and completed as Docker does (`nginx` is docker.io/library/nginx:latest); undefined when it is not an image's name. */
export function parseReference(text: string): ImageReference | undefined {
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  const { name, tag } = splitTag(at < 0 ? text : text.slice(0, at));
  const { registry, path } = splitRegistry(name);
  const named = DOMAIN.test(registry) && path.split('/').every((part) => PATH_COMPONENT.test(part)) && registry.length + path.length < MAX_NAME_LENGTH;
  if (!named || !TAG.test(tag ?? 'latest') || (digest !== undefined && !DIGEST.test(digest))) {
    return undefined;
  }
  return {
    registry, path,
    ...(digest === undefined ? { tag: tag ?? 'latest' } : { ...(tag === undefined ? {} : { tag }), digest }),
  };
}

/** The name Podman stores it under; a digest wins over a tag. */
export function referenceText(reference: ImageReference): string {
  const base = `${reference.registry}/${reference.path}`;
  return reference.digest === undefined ? `${base}:${reference.tag ?? 'latest'}` : `${base}@${reference.digest}`;
}
