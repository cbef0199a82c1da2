/**
 * Kubernetes' path grammar (k8s.io/apiserver RequestInfo): one regular rule for every resource.
 *
 *     /api/<version>/…  /apis/<group>/<version>/…            then
 *     [watch/] [namespaces/<ns>/] <resource> [/<name> [/<subresource> [/rest]]]
 *
 * `/api/v1/namespaces/<ns>` is the namespace itself, and `finalize` and `status` below it are its subresources.
 */
import { badRequest } from '../apimachinery/status.ts';
import { flag } from './params.ts';
import type { RequestInfo, RequestVerb } from './types.ts';

/** Names that after `/namespaces/<ns>/` mean a subresource of the namespace. */
const NAMESPACE_SUBRESOURCES = new Set(['finalize', 'status']);

const nonResource = (path: string): RequestInfo => ({
  path, isResource: false, group: '', version: '', namespace: '', resource: '', name: '', subresource: '', rest: '', watchPrefix: false,
});

function decodeSegment(segment: string | undefined): string {
  if (segment === undefined || !segment.includes('%')) {
    return segment ?? '';
  }
  let decoded: string;
  try {
    decoded = decodeURIComponent(segment);
  } catch {
    throw badRequest(`invalid URL escape in path segment ${JSON.stringify(segment)}`);
  }
  if (decoded.includes('/') || decoded === '..' || decoded === '.') {
    // Such a name could step out of its namespace's keys.
    throw badRequest(`invalid resource name ${JSON.stringify(decoded)}: [may not contain '/']`);
  }
  return decoded;
}

/** The path after `from` slashes, slash included; empty when there are fewer. */
function restAfter(path: string, from: number): string {
  let at = 0;
  for (let seen = 0; seen <= from; seen += 1) {
    at = path.indexOf('/', at + (seen === 0 ? 0 : 1));
    if (at < 0) {
      return '';
    }
  }
  return path.slice(at);
}

/** Where the group, the version and what follows stand in the split path; undefined for a non-resource path. */
function prefixOf(raw: readonly string[]): { group: string; version: string; first: number } | undefined {
  if (raw[1] === 'api' && raw.length > 3 && raw[3] !== '') {
    return { group: '', version: decodeSegment(raw[2]), first: 3 };
  }
  if (raw[1] === 'apis' && raw.length > 4 && raw[4] !== '') {
    return { group: decodeSegment(raw[2]), version: decodeSegment(raw[3]), first: 4 };
  }
  return undefined;
}

/** Whether `namespaces/<ns>/<next>` is something inside the namespace rather than the namespace's own subresource. */
const insideNamespace = (group: string, next: string | undefined): next is string =>
  next !== undefined && next !== '' && !(group === '' && NAMESPACE_SUBRESOURCES.has(next));

/** Reads a path without its query. Throws BadRequest on a broken escape. */
export function route(path: string): RequestInfo {
  const raw = path.split('/');
  const prefix = prefixOf(raw);
  if (prefix === undefined) {
    return nonResource(path);
  }
  const { group, version } = prefix;
  let at = prefix.first;
  const watchPrefix = raw[at] === 'watch' && raw.length > at + 1;
  if (watchPrefix) {
    at += 1;
  }
  let namespace = '';
  if (raw[at] === 'namespaces' && insideNamespace(group, raw[at + 2])) {
    namespace = decodeSegment(raw[at + 1]);
    at += 2;
  }
  const resource = decodeSegment(raw[at]);
  const name = decodeSegment(raw[at + 1]);
  return {
    path, isResource: true, group, version, resource, name, watchPrefix,
    // Of a namespace itself Kubernetes gives its own name as the namespace too.
    namespace: resource === 'namespaces' && group === '' ? name : namespace,
    subresource: decodeSegment(raw[at + 2]),
    rest: raw.length > at + 3 ? restAfter(path, at + 2) : '',
  };
}

/** Whether a list request is really a watch. */
function wantsWatch(info: RequestInfo, query: URLSearchParams): boolean {
  return info.watchPrefix || (query.size > 0 && flag(query, 'watch'));
}

const NON_RESOURCE_VERBS: Readonly<Record<string, RequestVerb>> = {
  GET: 'get', HEAD: 'head', POST: 'post', PUT: 'put', PATCH: 'patch', DELETE: 'delete', OPTIONS: 'options',
};

const RESOURCE_VERBS: Readonly<Record<string, RequestVerb>> = {
  GET: 'get', HEAD: 'get', POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete', OPTIONS: 'options',
};

/** The verb authorisation asks about; undefined for a method Kubernetes does not know. */
export function verbOf(method: string, info: RequestInfo, query: URLSearchParams): RequestVerb | undefined {
  if (!info.isResource) {
    return NON_RESOURCE_VERBS[method];
  }
  const verb = RESOURCE_VERBS[method];
  if (verb === 'get' && info.subresource === '') {
    if (wantsWatch(info, query)) {
      return 'watch';
    }
    return info.name === '' ? 'list' : 'get';
  }
  return verb === 'delete' && info.name === '' ? 'deletecollection' : verb;
}
