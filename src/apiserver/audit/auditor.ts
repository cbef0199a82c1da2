/** Tells of requests as audit.k8s.io/v1 Events, stage by stage. Costs nothing where there is no policy. */
import { randomUUID } from 'node:crypto';
import { parseBody } from '../../apimachinery/json.ts';
import { formatMicroTime, parseApiVersion, type JsonObject } from '../../apimachinery/object.ts';
import { decodeProtobuf, decodeProtobufEnvelope } from '../../apimachinery/protobuf/decode.ts';
import { StatusError, type Status } from '../../apimachinery/status.ts';
import { isObject } from '../../apimachinery/values.ts';
import type { Registry } from '../../kinds/registry.ts';
import { JSON_ACCEPT } from '../http/negotiate.ts';
import { listValue } from '../http/render.ts';
import type { Answer, Body, Call, HttpExchange, RequestInfo, User } from '../types.ts';
import { PageNotFound } from '../verbs/core.ts';
import { JSON_TYPE, mediaTypeOf, PROTOBUF_TYPE, YAML_TYPE } from '../verbs/mediatype.ts';
import type { AuditPolicy, Stage, Telling } from './policy.ts';

/** Takes one event as a line, its end included. */
export interface AuditSink {
  write(line: string): void;
}

const NOBODY: User = { name: '', groups: [] };
/** Whatever the policy says, what these send and receive is never told: `group/resource[/subresource]`. */
const SECRETIVE: ReadonlySet<string> = new Set(['/secrets', '/serviceaccounts/token', 'authentication.k8s.io/tokenreviews']);
const VIEW = { accept: JSON_ACCEPT, includeObject: 'Metadata', pretty: false } as const;

const wholeName = ({ group, resource, subresource }: RequestInfo): string => `${group}/${resource}${subresource === '' ? '' : `/${subresource}`}`;

function userInfo({ name, uid, groups, extra }: User): JsonObject {
  return {
    username: name, ...(uid === undefined ? {} : { uid }), groups: [...groups],
    ...(extra === undefined ? {} : { extra: Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]])) }),
  };
}

/** Who it came from: the peer first, as what proxies say of others cannot be trusted. */
const sourceOf = ({ http }: Call): string => http?.req.socket.remoteAddress?.replace(/^::ffff:/, '') ?? '127.0.0.1';

function objectRef(info: RequestInfo, object: unknown): JsonObject | undefined {
  if (!info.isResource) {
    return undefined;
  }
  const metadata = isObject(object) && isObject(object['metadata']) ? object['metadata'] : {};
  const member = (name: string, value: unknown): JsonObject => (typeof value === 'string' && value !== '' ? { [name]: value } : {});
  return {
    resource: info.resource, ...member('namespace', info.namespace), ...member('name', info.name === '' ? metadata['name'] : info.name),
    ...member('uid', metadata['uid']), ...member('apiGroup', info.group), apiVersion: info.version, ...member('resourceVersion', metadata['resourceVersion']),
    ...member('subresource', info.subresource),
  };
}

function withoutManagedFields(value: unknown): unknown {
  if (!isObject(value)) {
    return value;
  }
  const { metadata, items } = value;
  return {
    ...value,
    ...(isObject(metadata) && 'managedFields' in metadata ? { metadata: { ...metadata, managedFields: undefined } } : {}),
    ...(Array.isArray(items) ? { items: items.map(withoutManagedFields) } : {}),
  };
}

/** Codes of answers whose messages say what is wrong with a body, and with it what stands in it. */
const QUOTING: ReadonlySet<unknown> = new Set([400, 422]);

function withoutQuotes(status: JsonObject): JsonObject {
  const { message: _message, ...rest } = status;
  return QUOTING.has(status['code']) ? rest : status;
}

/** One request on its way. */
class Trail {
  readonly #sink: AuditSink;
  readonly #telling: Telling;
  readonly #event: JsonObject;
  readonly #bodies: boolean;
  /** Neither bodies nor what refusals quote of them may be told. */
  readonly #secretive: boolean;
  readonly #annotations: JsonObject = {};
  #completed = false;

  constructor(sink: AuditSink, telling: Telling, call: Call) {
    this.#sink = sink;
    this.#telling = telling;
    this.#secretive = SECRETIVE.has(wholeName(call.info)) || (call.info.group === '' && call.info.resource === 'secrets');
    this.#bodies = telling.level !== 'Metadata' && !this.#secretive;
    const { actor = call.user } = call;
    const query = call.query.size === 0 ? '' : `?${call.query.toString()}`;
    this.#event = {
      kind: 'Event', apiVersion: 'audit.k8s.io/v1', level: this.#bodies ? telling.level : 'Metadata', auditID: randomUUID(), stage: '',
      requestURI: call.http?.req.url ?? `${call.info.path}${query}`, verb: call.verb, user: userInfo(actor),
      ...(call.actor === undefined ? {} : { impersonatedUser: userInfo(call.user) }),
      sourceIPs: [sourceOf(call)], userAgent: call.http?.req.headers['user-agent'] ?? 'telar', requestReceivedTimestamp: formatMicroTime(),
    };
    const ref = objectRef(call.info, undefined);
    if (ref !== undefined) {
      this.#event['objectRef'] = ref;
    }
  }

  get wantsBodies(): boolean {
    return this.#bodies;
  }

  annotate(key: string, value: string): void {
    this.#annotations[key] ??= value;
  }

  request(info: RequestInfo, object: unknown): void {
    const ref = objectRef(info, object);
    if (ref !== undefined) {
      this.#event['objectRef'] = ref;
    }
    if (this.#bodies && object !== undefined) {
      this.#event['requestObject'] = this.#shown(object);
    }
  }

  /** The name of a new object, where the path has none and the body was not read. */
  named(object: unknown): void {
    const ref = this.#event['objectRef'];
    const metadata = isObject(object) ? object['metadata'] : undefined;
    if (isObject(ref) && ref['name'] === undefined && isObject(metadata) && typeof metadata['name'] === 'string') {
      ref['name'] = metadata['name'];
    }
  }

  #shown(object: unknown): JsonObject[string] {
    // Bodies and answers are JSON values that nobody changes.
    return (this.#telling.omitManagedFields ? withoutManagedFields(object) : object) as JsonObject[string];
  }

  stage(stage: Stage, more: JsonObject = {}): void {
    if (!this.#telling.omitStages.has(stage)) {
      const annotations = Object.keys(this.#annotations).length === 0 ? {} : { annotations: this.#annotations };
      this.#sink.write(`${JSON.stringify({ ...this.#event, ...more, stage, stageTimestamp: formatMicroTime(), ...annotations })}\n`);
    }
  }

  /** A long answer has begun. */
  started(code: number): void {
    this.stage('ResponseStarted', { responseStatus: { metadata: {}, code } });
  }

  completed(responseStatus: JsonObject, object?: unknown): void {
    if (this.#completed) {
      return;
    }
    this.#completed = true;
    const shown = this.#bodies && this.#telling.level === 'RequestResponse' && object !== undefined ? { responseObject: this.#shown(object) } : {};
    this.stage('ResponseComplete', { responseStatus: this.#secretive ? withoutQuotes(responseStatus) : responseStatus, ...shown });
  }
}

/** What becomes of a stream; told as it happens. */
export interface StreamTrail {
  readonly annotate: (key: string, value: string) => void;
  readonly started: () => void;
  readonly ended: () => void;
  readonly failed: (error: unknown) => void;
}

const succeeded = (code: number): JsonObject => ({ metadata: {}, code });

function failed(error: unknown): { responseStatus: JsonObject; object?: Status } {
  if (error instanceof StatusError) {
    const { status: { message = '', reason = '' }, code } = error;
    return { responseStatus: { metadata: {}, status: 'Failure', message, reason, code }, object: error.status };
  }
  const code = error instanceof PageNotFound ? 404 : 500;
  return { responseStatus: { metadata: {}, status: 'Failure', message: code === 404 ? '404 page not found' : 'internal error', code } };
}

function objectOf(answer: Answer): unknown {
  switch (answer.type) {
    case 'stored': return answer.stored.object;
    case 'object': return answer.object;
    case 'list': return listValue(answer.kind, answer.items, answer.meta, VIEW);
    default: return undefined;
  }
}

export class Auditor {
  readonly #policy: AuditPolicy;
  readonly #sink: AuditSink;
  readonly #registry: Registry;

  constructor(policy: AuditPolicy, sink: AuditSink, registry: Registry) {
    this.#policy = policy;
    this.#sink = sink;
    this.#registry = registry;
  }

  /** Runs a request and tells of it. */
  around(call: Call, run: (call: Call) => Answer | Promise<Answer>): Answer | Promise<Answer> {
    const telling = this.#policy.tellingOf(call.actor ?? call.user, call.verb, call.info);
    return telling === undefined ? run(call) : this.#told(call, telling, run);
  }

  async #told(call: Call, telling: Telling, run: (call: Call) => Answer | Promise<Answer>): Promise<Answer> {
    const trail = new Trail(this.#sink, telling, call);
    trail.stage('RequestReceived');
    if (call.body.kind !== 'none' && trail.wantsBodies) {
      trail.request(call.info, this.#bodyOf(call.body));
    }
    let answer: Answer;
    try {
      answer = await run({ ...call, annotate: (key, value) => trail.annotate(key, value) });
    } catch (error) {
      const { responseStatus, object } = failed(error);
      trail.completed(responseStatus, object);
      throw error;
    }
    if (answer.type === 'watch' || answer.type === 'taken') {
      trail.started(200);
      call.http?.res.once('close', () => trail.completed(succeeded(200)));
      return answer;
    }
    if (call.verb === 'create' && (answer.type === 'stored' || answer.type === 'object')) {
      trail.named(objectOf(answer));
    }
    trail.completed(succeeded('code' in answer ? answer.code : 200), trail.wantsBodies ? objectOf(answer) : undefined);
    return answer;
  }

  /** A request whose author is not known, or may not act as who they say. */
  turnedAway(request: Pick<Call, 'method' | 'verb' | 'info' | 'query'> & { http: HttpExchange }, error: unknown): void {
    const telling = this.#policy.tellingOf(NOBODY, request.verb, request.info);
    if (telling !== undefined) {
      const call: Call = { ...request, user: NOBODY, accept: JSON_ACCEPT, body: { kind: 'none' }, warnings: [] };
      new Trail(this.#sink, telling, call).completed(failed(error).responseStatus);
    }
  }

  /** A stream that is about to be upgraded. Undefined when nothing is told of it. */
  stream(call: Call): StreamTrail | undefined {
    const telling = this.#policy.tellingOf(call.actor ?? call.user, call.verb, call.info);
    if (telling === undefined) {
      return undefined;
    }
    const trail = new Trail(this.#sink, telling, call);
    trail.stage('RequestReceived');
    return {
      annotate: (key, value) => { trail.annotate(key, value); },
      started: () => { trail.started(101); },
      ended: () => { trail.completed(succeeded(101)); },
      failed: (error) => { trail.completed(failed(error).responseStatus); },
    };
  }

  /** The body as JSON; undefined for one that cannot be read, which the request itself will be told. */
  #bodyOf(body: Body): unknown {
    if (body.kind !== 'bytes') {
      return body.kind === 'value' ? body.value : undefined;
    }
    const mediaType = mediaTypeOf(body);
    try {
      if (mediaType === PROTOBUF_TYPE) {
        const { apiVersion, kind: name, raw } = decodeProtobufEnvelope(body.bytes);
        const { group, version } = parseApiVersion(apiVersion);
        const kind = this.#registry.byKind(group, version, name);
        return kind === undefined ? undefined : { kind: name, apiVersion, ...decodeProtobuf(raw, this.#registry.types, kind.type) };
      }
      return parseBody(body.bytes, mediaType.endsWith('yaml') ? YAML_TYPE : JSON_TYPE).value;
    } catch (error) {
      if (error instanceof StatusError) {
        return undefined;
      }
      throw error;
    }
  }
}
