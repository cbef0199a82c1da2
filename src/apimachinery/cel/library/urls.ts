/** Kubernetes' URL library. */
import { fail, noSuchOverload } from '../errors.ts';
import { overload, text, traversal, type Overload, type Run } from '../overload.ts';
import { ArrayList, CelOpaque, EntryMap, keyText, type CelValue } from '../values.ts';
import { hostname, parseRequestUri, port, queryParameters, UrlError, type Url } from './uri.ts';

export class CelUrl extends CelOpaque {
  readonly typeName = 'kubernetes.URL';
  readonly url: Url;
  constructor(url: Url) {
    super();
    this.url = url;
  }

  equals(other: CelOpaque): boolean {
    return other instanceof CelUrl && other.url.text === this.url.text;
  }
}

function parsed(value: CelValue | undefined): CelUrl | string {
  const source = text(value);
  try {
    return new CelUrl(parseRequestUri(source));
  } catch (error) {
    if (error instanceof UrlError) {
      return `URL parse error during conversion from string: parse ${JSON.stringify(source)}: ${error.message}`;
    }
    throw error;
  }
}

const url: Run = ([value]) => {
  const result = parsed(value);
  return typeof result === 'string' ? fail(result) : result;
};

const part = (get: (url: Url) => CelValue): Run => ([value]) => (value instanceof CelUrl ? get(value.url) : noSuchOverload());

function query(of: Url): CelValue {
  return new EntryMap(new Map([...queryParameters(of)].map(([key, values]) => [keyText(key) ?? '', [key, new ArrayList(values)] as const])));
}

export const urls: readonly Overload[] = [
  overload('url', '(string): kubernetes.URL', url, traversal),
  overload('isURL', '(string): bool', ([value]) => typeof parsed(value) !== 'string', traversal),
  overload('getScheme', 'kubernetes.URL.(): string', part(({ scheme }) => scheme)),
  overload('getHost', 'kubernetes.URL.(): string', part(({ host }) => host)),
  overload('getHostname', 'kubernetes.URL.(): string', part(hostname)),
  overload('getPort', 'kubernetes.URL.(): string', part(port)),
  overload('getEscapedPath', 'kubernetes.URL.(): string', part(({ escapedPath }) => escapedPath)),
  overload('getQuery', 'kubernetes.URL.(): map<string, list<string>>', part(query), ([value]) => Math.max(1, Math.ceil((value instanceof CelUrl ? value.url.query.length : 0) / 100))),
  overload('string', '(kubernetes.URL): string', part((of) => of.text)),
];
