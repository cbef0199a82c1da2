/** Discovery and OpenAPI: documents made from the registry once, then served from memory with their hashes. */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Json, JsonObject } from '../../apimachinery/object.ts';
import type { AnyKind } from '../../kinds/kind.ts';
import type { Registry } from '../../kinds/registry.ts';
import { apiGroup, apiGroupDiscoveryList, apiGroupList, apiResourceList, apiVersions } from '../discovery/index.ts';
import { GZIP_THRESHOLD_BYTES } from '../limits.ts';
import { groupVersionPath } from '../openapi/operations.ts';
import type { Steps } from '../openapi/index.ts';
import { Pace, paced } from '../pace.ts';
import type { Answer, Call } from '../types.ts';
import { openApiPaths, openApiV2Bytes, openApiV3Text } from './openapidocs.ts';

const zip = promisify<string | Uint8Array, { level: number }, Buffer>(gzip);

export interface Document {
  readonly body: string | Uint8Array;
  readonly etag: string;
}

const YEAR_MS = 365 * 86_400_000;
const OPENAPI_V2_PROTOBUF = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

const hashOf = (body: string | Uint8Array): string => createHash('sha512').update(body).digest('hex').toUpperCase();

const documentOf = (body: string | Uint8Array): Document => ({ body, etag: hashOf(body) });

/** `g=apidiscovery.k8s.io;v=…;as=APIGroupDiscoveryList` among the accepted types. */
function aggregatedVersion(accept: string | undefined): 'v2' | 'v2beta1' | undefined {
  for (const clause of (accept ?? '').split(',')) {
    const parts = clause.split(';').map((part) => part.trim());
    if (parts.includes('as=APIGroupDiscoveryList') && parts.includes('g=apidiscovery.k8s.io')) {
      const version = parts.find((part) => part === 'v=v2' || part === 'v=v2beta1');
      if (version !== undefined) {
        return version === 'v=v2' ? 'v2' : 'v2beta1';
      }
    }
    if (parts[0] === 'application/json' && parts.length === 1) {
      return undefined;
    }
  }
  return undefined;
}

interface Request {
  path: string;
  query: URLSearchParams;
  accept: string | undefined;
  ifNoneMatch: string | undefined;
}

const textOf = (header: string | string[] | undefined): string | undefined => (Array.isArray(header) ? header.join(',') : header);

const gone = (request: Request, document: Document): boolean =>
  (request.ifNoneMatch ?? '').split(',').some((tag) => tag.trim().replace(/^W\//, '') === `"${document.etag}"`);

function conditional(request: Request, document: Document, headers: Record<string, string>): Answer {
  const all = { ...headers, etag: `"${document.etag}"` };
  return gone(request, document) ? { type: 'raw', code: 304, headers: all, body: '' } : { type: 'raw', code: 200, headers: all, body: document.body };
}

const V3 = 'v3 ';

const kindsAt = (registry: Registry, path: string): AnyKind[] => registry.list().filter(({ group, version }) => groupVersionPath(group, version) === path);

/** Of a document that another server has. */
const remoteHash = (registry: Registry, path: string): string | undefined =>
  registry.remote.find(({ group, version }) => groupVersionPath(group, version) === path)?.openApiHash;

const sameKinds = (a: readonly AnyKind[], b: readonly AnyKind[]): boolean => a.length === b.length && a.every((kind, index) => kind === b[index]);

export class Documents {
  readonly #registry: Registry;
  readonly #made = new Map<string, Document>();
  readonly #underWay = new Map<string, Promise<Document>>();
  readonly #zipped = new WeakMap<Document, Promise<Buffer>>();
  readonly #serverAddress: () => string;
  /** Kinds of the group-version that an OpenAPI v3 document was made of, by the document's key. */
  readonly #madeOf = new Map<string, readonly AnyKind[]>();
  #generation: number;

  constructor(registry: Registry, serverAddress: () => string) {
    this.#registry = registry;
    this.#serverAddress = serverAddress;
    this.#generation = registry.generation;
  }

  /** What was made of other kinds than there are now is forgotten; group-versions whose kinds are the same keep their OpenAPI. */
  #keepUp(): void {
    if (this.#generation === this.#registry.generation) {
      return;
    }
    this.#generation = this.#registry.generation;
    for (const key of this.#made.keys()) {
      const kinds = this.#madeOf.get(key);
      if (kinds === undefined || !sameKinds(kinds, kindsAt(this.#registry, key.slice(V3.length)))) {
        this.#made.delete(key);
        this.#madeOf.delete(key);
      }
    }
  }

  #document(key: string, make: () => string | Uint8Array): Document;
  #document(key: string, make: () => string | Uint8Array | undefined): Document | undefined;
  #document(key: string, make: () => string | Uint8Array | undefined): Document | undefined {
    const found = this.#made.get(key);
    if (found !== undefined) {
      return found;
    }
    const body = make();
    if (body === undefined) {
      return undefined;
    }
    const made = documentOf(body);
    this.#made.set(key, made);
    return made;
  }

  #json(key: string, make: () => Json | JsonObject | undefined): Document | undefined {
    return this.#document(key, () => {
      const value = make();
      return value === undefined ? undefined : JSON.stringify(value);
    });
  }

  /** Undefined for a path that is none of ours. */
  answer(call: Call): Answer | Promise<Answer> | undefined {
    this.#keepUp();
    const headers = call.http?.req.headers ?? {};
    const request: Request = {
      path: call.info.path.replace(/\/$/, ''), query: call.query, accept: textOf(headers.accept), ifNoneMatch: textOf(headers['if-none-match']),
    };
    const answer = this.#discovery(request) ?? this.#openApi(request);
    const encoding = textOf(headers['accept-encoding']);
    return answer instanceof Promise ? answer.then((made) => this.#compressed(made, encoding)) : answer === undefined ? undefined : this.#compressed(answer, encoding);
  }

  /** Documents are big and never change: compressed once. */
  #compressed(answer: Answer, acceptEncoding: string | undefined): Answer | Promise<Answer> {
    if (answer.type !== 'raw' || answer.body.length <= GZIP_THRESHOLD_BYTES || !/\bgzip\b/.test(acceptEncoding ?? '')) {
      return answer;
    }
    const document = [...this.#made.values()].find((one) => one.body === answer.body);
    if (document === undefined) {
      return answer;
    }
    const zipped = this.#zipped.get(document) ?? zip(document.body, { level: 6 });
    this.#zipped.set(document, zipped);
    const headers = { ...answer.headers, 'content-encoding': 'gzip', vary: answer.headers['vary'] ?? 'Accept-Encoding' };
    return zipped.then((body) => ({ ...answer, headers, body }));
  }

  #discovery(request: Request): Answer | undefined {
    const { path } = request;
    if (path === '/api' || path === '/apis') {
      return this.#root(request, path === '/api' ? 'api' : 'apis');
    }
    const [, root, first, second, ...rest] = path.split('/');
    if (rest.length > 0 || (root !== 'api' && root !== 'apis') || first === undefined) {
      return undefined;
    }
    const document = this.#json(path, () => {
      if (root === 'api') {
        return second === undefined ? apiResourceList(this.#registry, '', first) : undefined;
      }
      return second === undefined ? apiGroup(this.#registry, first) : apiResourceList(this.#registry, first, second);
    });
    return document === undefined ? undefined : conditional(request, document, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
  }

  #root(request: Request, root: 'api' | 'apis'): Answer | undefined {
    const version = aggregatedVersion(request.accept);
    if (version === undefined) {
      const plain = this.#json(root, () => (root === 'api' ? apiVersions(this.#serverAddress()) : apiGroupList(this.#registry)));
      return plain === undefined ? undefined : conditional(request, plain, { 'content-type': 'application/json', 'cache-control': 'no-cache, private', vary: 'Accept' });
    }
    const document = this.#json(`${root} ${version}`, () => apiGroupDiscoveryList(this.#registry, root, version));
    return document === undefined ? undefined : conditional(request, document, {
      'content-type': `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`, 'cache-control': 'public', vary: 'Accept',
    });
  }

  #openApi(request: Request): Answer | Promise<Answer> | undefined {
    const { path } = request;
    if (path === '/openapi/v2') {
      return this.#openApiV2(request);
    }
    if (path === '/openapi/v3') {
      return this.#openApiV3Index(request);
    }
    return path.startsWith('/openapi/v3/') ? this.#openApiV3Answer(request, path.slice('/openapi/v3/'.length)) : undefined;
  }

  #openApiV3(path: string): Document | undefined {
    const key = V3 + path;
    if (!this.#made.has(key)) {
      this.#madeOf.set(key, kindsAt(this.#registry, path));
    }
    return this.#document(key, () => openApiV3Text(this.#registry, path));
  }

  /** The index names the hash of every document, so that all of them must be made: not in one go, big ones take a while. */
  async #openApiV3Index(request: Request): Promise<Answer> {
    const { path } = request;
    const pace = new Pace();
    for (const one of this.#made.has(path) ? [] : openApiPaths(this.#registry)) {
      this.#openApiV3(one);
      if (pace.due) {
        await pace.rest();
      }
    }
    this.#keepUp();
    const index = this.#document(path, () => JSON.stringify({
      paths: Object.fromEntries(openApiPaths(this.#registry).flatMap((one) => {
        const hash = this.#openApiV3(one)?.etag ?? remoteHash(this.#registry, one);
        return hash === undefined ? [] : [[one, { serverRelativeURL: `/openapi/v3/${one}?hash=${hash}` }]];
      })),
    }));
    // Go's ServeMux would say text/plain of a document without a media type of its own; clients rely on neither.
    return conditional(request, index, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache, private' });
  }

  #openApiV3Answer(request: Request, path: string): Answer | undefined {
    const document = openApiPaths(this.#registry).includes(path) ? this.#openApiV3(path) : undefined;
    const hash = request.query.get('hash') ?? '';
    if (document === undefined) {
      return undefined;
    }
    if (hash !== '' && hash !== document.etag) {
      return { type: 'raw', code: 301, headers: { location: `/openapi/v3/${path}?hash=${document.etag}`, 'content-type': 'text/html; charset=utf-8' }, body: '' };
    }
    return conditional(request, document, {
      'content-type': 'application/json', vary: 'Accept',
      ...(hash === '' ? { 'cache-control': 'no-cache, private' }
        : { 'cache-control': 'public, immutable', expires: new Date(Date.now() + YEAR_MS).toUTCString() }),
    });
  }

  async #openApiV2(request: Request): Promise<Answer> {
    const binary = /application\/com\.github\.proto-openapi\.spec\.v2[@.]v1\.0\+protobuf/.test(request.accept ?? '');
    const key = binary ? 'v2 protobuf' : 'v2 json';
    const document = this.#made.get(key) ?? await this.#inTurns(key, () => openApiV2Bytes(this.#registry, binary));
    return conditional(request, document, {
      'content-type': binary ? OPENAPI_V2_PROTOBUF : 'application/json', vary: 'Accept', 'cache-control': 'no-cache, private',
    });
  }

  /** Makes a document with pauses, once for all who wait for it; it is kept unless the kinds have changed meanwhile. */
  #inTurns(key: string, make: () => Steps<string | Uint8Array>): Promise<Document> {
    const { generation } = this.#registry;
    const place = `${key} ${generation}`;
    const begun = this.#underWay.get(place);
    if (begun !== undefined) {
      return begun;
    }
    const made = paced(make()).then((body) => {
      const document = documentOf(body);
      if (generation === this.#registry.generation) {
        this.#made.set(key, document);
      }
      return document;
    }).finally(() => this.#underWay.delete(place));
    this.#underWay.set(place, made);
    return made;
  }
}
