/** `pods/{name}/proxy` and `services/{name}/proxy`: any request to a pod's port, paths and redirects rewritten as kube-apiserver does. */
import { failure, internalError } from '../../apimachinery/status.ts';
import type { UpgradeRequest } from '../extragroup.ts';
import type { Req } from '../http/exchange.ts';
import { withoutCredentials } from '../subresources/credentials.ts';
import type { Answer, Call } from '../types.ts';
import type { Core, Target } from '../verbs/core.ts';
import { forwardRequest, forwardUpgrade, type Backend } from './forward.ts';
import { LinkRewriter } from './links.ts';
import { locate } from './location.ts';

const hostOf = (req: Req): string => {
  const authority = req.headers[':authority'];
  return req.headers.host ?? (typeof authority === 'string' ? authority : '');
};

/** The path below which the pod's own paths appear. */
const prefixOf = (call: Call): string => (call.info.rest === '' ? call.info.path : call.info.path.slice(0, call.info.path.length - call.info.rest.length));

function queryOf(req: Req): string {
  const mark = (req.url ?? '').indexOf('?');
  return mark < 0 ? '' : (req.url ?? '').slice(mark);
}

/**
 * A redirect of the pod's as its client can follow it: below the proxy's own path. One to another host stays as it is.
 * `location` is the header's text, `own` the host and port the pod was asked at.
 */
export function rewriteLocation(location: string, prefix: string, own: readonly string[]): string {
  let url: URL;
  try {
    url = new URL(location, 'http://relative.invalid');
  } catch {
    // No URL: the client sees what the pod said.
    return location;
  }
  const isRelativePath = url.host === 'relative.invalid' && !location.startsWith('/');
  if (isRelativePath || (url.host !== 'relative.invalid' && !own.includes(url.host)) || url.pathname.startsWith(`${prefix}/`)) {
    return location;
  }
  return `${prefix}${url.pathname}${url.search}${url.hash}`;
}

function backendOf(core: Core, call: Call, target: Target, req: Req): Backend {
  const { secure, host, port } = locate(core, target);
  const prefix = prefixOf(call);
  const clientHost = hostOf(req);
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return {
    secure,
    // Pods make their own certificates; whoever needs to know them does not come this way.
    // A connection for each request: one that lay idle may be closed by the pod at any moment.
    options: { host, port, agent: false, ...(secure ? { rejectUnauthorized: false } : {}) },
    headers: { host: authority, 'x-forwarded-host': clientHost, 'x-forwarded-proto': 'https', 'x-forwarded-uri': call.info.path },
    unreachable: (error) => failure('ServiceUnavailable', `error trying to reach service: ${dialText(error, authority)}`),
    answered: (headers) => {
      const { location } = headers;
      const rewrite = (url: string): string => rewriteLocation(url, prefix, [authority, host, clientHost]);
      if (typeof location === 'string') {
        headers['location'] = rewrite(location);
      }
      return isPlainPage(headers) ? rewritingPage(headers, rewrite) : undefined;
    },
  };
}

/** Whether an answer is a page whose text can be read. */
const isPlainPage = (headers: Record<string, string | string[]>): boolean =>
  /^text\/html\b/i.test(String(headers['content-type'] ?? '')) && /^(?:identity)?$/i.test(String(headers['content-encoding'] ?? ''));

function rewritingPage(headers: Record<string, string | string[]>, rewrite: (url: string) => string): LinkRewriter {
  // It will have another length, which nobody knows yet.
  delete headers['content-length'];
  return new LinkRewriter(rewrite);
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused', EHOSTUNREACH: 'connect: no route to host', ENETUNREACH: 'connect: network is unreachable', ECONNRESET: 'EOF',
};

/** As Go, and so Kubernetes, words it. */
function dialText(error: Error, authority: string): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return code === 'ECONNRESET' ? 'EOF' : `dial tcp ${authority}: ${REASONS[code] ?? error.message}`;
}

/** A plain request: the pod writes the answer. Throws StatusErrors before that. */
export function proxyToPod(core: Core, call: Call, target: Target): Answer {
  const { http, info } = call;
  if (http === undefined) {
    throw internalError('only requests over HTTP can be passed on to a pod');
  }
  const backend = backendOf(core, call, target, http.req);
  const query = queryOf(http.req);
  if (info.rest === '') {
    // What the pod's pages link to is relative to its root.
    http.req.resume();
    return { type: 'raw', code: 301, headers: { location: `${info.path}/${query}` }, body: '' };
  }
  withoutCredentials(http.req.headers);
  if (/\btext\/html\b/i.test(http.req.headers.accept ?? '')) {
    // A browser follows the page's links: they have to be readable.
    delete http.req.headers['accept-encoding'];
  }
  forwardRequest(backend, `${info.rest}${query}`, http.req, http.res);
  return { type: 'taken' };
}

/** An upgrade of whatever protocol. Throws StatusErrors before the socket is taken. */
export function upgradeToPod(core: Core, call: Call, target: Target, request: UpgradeRequest): void {
  const backend = backendOf(core, call, target, request.req);
  withoutCredentials(request.req.headers);
  forwardUpgrade(backend, `${call.info.rest === '' ? '/' : call.info.rest}${queryOf(request.req)}`, request);
}
