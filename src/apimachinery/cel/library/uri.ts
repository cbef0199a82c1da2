/** URLs as Go's net/url reads request URIs. */

export interface Url {
  /** As it was given. */
  readonly text: string;
  readonly scheme: string;
  /** With the port, IPv6 addresses in brackets. */
  readonly host: string;
  /** Percent-encoded where it must be. */
  readonly escapedPath: string;
  readonly query: string;
}

/** The text is no URL; the message is Go's. */
export class UrlError extends Error { override name = 'UrlError'; }

/** Longer texts are refused. */
const MAX_URL_LENGTH = 64 * 1024;

function schemeOf(text: string): { scheme: string; rest: string } {
  const match = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text);
  if (match !== null) {
    return { scheme: (match[1] ?? '').toLowerCase(), rest: text.slice(match[0].length) };
  }
  if (text.startsWith(':')) {
    throw new UrlError('missing protocol scheme');
  }
  return { scheme: '', rest: text };
}

/** The first escape in a text that is none. */
function checkEscapes(text: string): void {
  const wrong = /%(?![0-9A-Fa-f]{2})[^]{0,2}/.exec(text)?.[0];
  if (wrong !== undefined) {
    throw new UrlError(`invalid URL escape ${JSON.stringify(wrong)}`);
  }
}

function checkPort(port: string): void {
  if (!/^(?::\d*)?$/.test(port)) {
    throw new UrlError(`invalid port ${JSON.stringify(port)} after host`);
  }
}

/** Checks the host with its port, userinfo already gone. */
function checkHost(host: string): void {
  if (host.startsWith('[')) {
    const end = host.lastIndexOf(']');
    if (end < 0) {
      throw new UrlError("missing ']' in host");
    }
    checkPort(host.slice(end + 1));
    return;
  }
  const colon = host.lastIndexOf(':');
  checkPort(colon < 0 ? '' : host.slice(colon));
  const wrong = /[\s"<>\\^`{|}]/.exec(host)?.[0];
  if (wrong !== undefined) {
    throw new UrlError(`invalid character ${JSON.stringify(wrong)} in host name`);
  }
  checkEscapes(host);
}

function authorityOf(rest: string): { host: string; path: string } {
  const end = rest.indexOf('/', 2);
  const authority = rest.slice(2, end < 0 ? undefined : end);
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  if (authority.includes('@') && !/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(authority.slice(0, authority.lastIndexOf('@')))) {
    throw new UrlError('net/url: invalid userinfo');
  }
  checkHost(host);
  return { host, path: end < 0 ? '' : rest.slice(end) };
}

const ENCODED_PATH = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/[\]]|%[0-9A-Fa-f]{2})*$/;

/** Decodes and encodes again what is not encoded as Go would have it. */
function escapePath(path: string): string {
  if (ENCODED_PATH.test(path)) {
    return path;
  }
  const bytes = Buffer.from(path.replace(/%([0-9A-Fa-f]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16))), 'utf8');
  return [...bytes].map((byte) => {
    const char = String.fromCharCode(byte);
    return /[A-Za-z0-9\-._~$&+,/:;=@]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');
}

/** Reads an absolute URI or an absolute path. Throws UrlError. */
export function parseRequestUri(text: string): Url {
  // eslint-disable-next-line no-control-regex -- control characters are just what is looked for
  if (/[\u0000-\u001f\u007f]/.test(text)) {
    throw new UrlError('net/url: invalid control character in URL');
  }
  if (text === '' || text.length > MAX_URL_LENGTH) {
    throw new UrlError(text === '' ? 'empty url' : 'url too long');
  }
  const { scheme, rest } = schemeOf(text);
  const mark = rest.indexOf('?');
  const [before, query] = mark < 0 ? [rest, ''] : [rest.slice(0, mark), rest.slice(mark + 1)];
  if (!before.startsWith('/')) {
    if (scheme === '') {
      throw new UrlError('invalid URI for request');
    }
    return { text, scheme, host: '', escapedPath: '', query };
  }
  const { host, path } = scheme !== '' && before.startsWith('//') ? authorityOf(before) : { host: '', path: before };
  checkEscapes(path);
  return { text, scheme, host, escapedPath: escapePath(path), query };
}

export function hostname({ host }: Url): string {
  if (host.startsWith('[')) {
    return host.slice(1, host.lastIndexOf(']'));
  }
  const colon = host.lastIndexOf(':');
  return colon < 0 ? host : host.slice(0, colon);
}

export function port({ host }: Url): string {
  const match = /:(\d*)$/.exec(host.startsWith('[') ? host.slice(host.lastIndexOf(']')) : host);
  return match?.[1] ?? '';
}

function decodeComponent(text: string): string | undefined {
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) {
    return undefined;
  }
  const bytes: number[] = [];
  for (const [part] of text.replaceAll('+', ' ').matchAll(/%[0-9A-Fa-f]{2}|[^%]+/g)) {
    bytes.push(...(part.startsWith('%') ? [Number.parseInt(part.slice(1), 16)] : Buffer.from(part)));
  }
  return Buffer.from(bytes).toString('utf8');
}

/** Parameters with their values; pairs that cannot be decoded are left out. */
export function queryParameters({ query }: Url): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const pair of query.split('&')) {
    const equals = pair.indexOf('=');
    const key = decodeComponent(equals < 0 ? pair : pair.slice(0, equals));
    const value = decodeComponent(equals < 0 ? '' : pair.slice(equals + 1));
    if (pair !== '' && !pair.includes(';') && key !== undefined && value !== undefined) {
      const values = found.get(key);
      if (values === undefined) {
        found.set(key, [value]);
      } else {
        values.push(value);
      }
    }
  }
  return found;
}
