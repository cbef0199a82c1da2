/** What can be done to a kind, path by path, before it is put in either dialect. */
import type { GroupVersionKind, Json, JsonObject } from '../../apimachinery/object.ts';
import type { AnyKind, SubresourceInfo, Verb } from '../../kinds/kind.ts';

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete' | 'options' | 'head';

export interface Operation {
  method: Method;
  /** `x-kubernetes-action` */
  action: 'get' | 'list' | 'post' | 'put' | 'patch' | 'delete' | 'deletecollection' | 'connect';
  operationId: string;
  gvk: GroupVersionKind;
  /** Message of the body; `patch` and `delete` stand for what those verbs take. */
  body?: string;
  /** Message of the answer; `list` for the kind's list, `text` for plain text. */
  answer: string;
}

export interface PathEntry {
  path: string;
  parameters: readonly ('namespace' | 'name' | 'path')[];
  operations: Operation[];
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** `rbac.authorization.k8s.io/v1` → `RbacAuthorizationV1`. */
function groupWord({ group, version }: AnyKind): string {
  const words = group === '' ? ['core'] : group.replace(/\.k8s\.io$/, '').split(/[.-]/);
  return words.map(capital).join('') + capital(version);
}

export const groupVersionPath = (group: string, version: string): string => (group === '' ? `api/${version}` : `apis/${group}/${version}`);

const gvkOf = ({ group, version, kind }: AnyKind): GroupVersionKind => ({ group, version, kind });

function collection(kind: AnyKind, word: string, verbs: ReadonlySet<Verb>): Operation[] {
  const common = { gvk: gvkOf(kind) };
  const operations: Operation[] = [];
  if (verbs.has('list')) {
    operations.push({ ...common, method: 'get', action: 'list', operationId: `list${word}`, answer: 'list' });
  }
  if (verbs.has('create')) {
    operations.push({ ...common, method: 'post', action: 'post', operationId: `create${word}`, body: kind.type, answer: kind.type });
  }
  if (verbs.has('deletecollection')) {
    operations.push({
      ...common, method: 'delete', action: 'deletecollection', operationId: `deleteCollection${word}`, body: 'delete', answer: 'meta/v1.Status',
    });
  }
  return operations;
}

interface Item {
  gvk: GroupVersionKind;
  message: string;
  word: string;
}

function item({ gvk, message, word }: Item, verbs: ReadonlySet<Verb>): Operation[] {
  const operations: Operation[] = [];
  if (verbs.has('get')) {
    operations.push({ gvk, method: 'get', action: 'get', operationId: `read${word}`, answer: message });
  }
  if (verbs.has('update')) {
    operations.push({ gvk, method: 'put', action: 'put', operationId: `replace${word}`, body: message, answer: message });
  }
  if (verbs.has('delete')) {
    operations.push({ gvk, method: 'delete', action: 'delete', operationId: `delete${word}`, body: 'delete', answer: 'meta/v1.Status' });
  }
  if (verbs.has('patch')) {
    operations.push({ gvk, method: 'patch', action: 'patch', operationId: `patch${word}`, body: 'patch', answer: message });
  }
  return operations;
}

const ALL: ReadonlySet<Verb> = new Set(['create', 'get', 'list', 'watch', 'update', 'patch', 'delete', 'deletecollection']);
const STATUS: ReadonlySet<Verb> = new Set(['get', 'update', 'patch']);
const BODIES: Readonly<Record<string, string>> = {
  Binding: 'core/v1.Binding', Eviction: 'policy/v1.Eviction', TokenRequest: 'authentication/v1.TokenRequest',
};

interface Sub {
  kind: AnyKind;
  name: string;
  info: SubresourceInfo;
  gvk: GroupVersionKind;
}

/** What is handed on to a node, a pod or a service, and how each method is called. */
const PROXY_METHODS: Readonly<Record<Method, string>> = {
  get: 'Get', put: 'Put', post: 'Post', delete: 'Delete', options: 'Options', head: 'Head', patch: 'Patch',
};

const isMethod = (name: string): name is Method => Object.hasOwn(PROXY_METHODS, name);

const connect = (gvk: GroupVersionKind, id: string, methods: readonly Method[]): Operation[] => methods.map((method) => (
  { gvk, method, action: 'connect', operationId: `connect${PROXY_METHODS[method]}${id}`, answer: 'text' }));

/** A subresource that takes a body of its own kind, or the object itself, or streams. */
function subresource({ kind, name, info, gvk }: Sub, word: string): Operation[] {
  const id = `${word}${capital(name)}`;
  const body = BODIES[info.kind];
  if (body !== undefined) {
    return [{ gvk, method: 'post', action: 'post', operationId: `create${id}`, body, answer: body }];
  }
  if (info.verbs.includes('update') && info.kind === kind.kind) {
    return item({ gvk, message: kind.type, word: id }, new Set(info.verbs));
  }
  if (info.kind === kind.kind) {
    return [{ gvk, method: 'get', action: 'get', operationId: `read${id}`, answer: 'text' }];
  }
  return connect(gvk, id, name === 'proxy' ? Object.keys(PROXY_METHODS).filter(isMethod) : ['get', 'post']);
}

function subresources(kind: AnyKind, path: string, parameters: PathEntry['parameters'], word: string): PathEntry[] {
  const entries: PathEntry[] = [];
  if (kind.status === true) {
    entries.push({ path: `${path}/status`, parameters, operations: item({ gvk: gvkOf(kind), message: kind.type, word: `${word}Status` }, STATUS) });
  }
  if (kind.scale !== undefined) {
    const gvk = { group: 'autoscaling', version: 'v1', kind: 'Scale' };
    entries.push({ path: `${path}/scale`, parameters, operations: item({ gvk, message: 'autoscaling/v1.Scale', word: `${word}Scale` }, STATUS) });
  }
  for (const [name, info] of Object.entries(kind.subresources ?? {})) {
    const gvk = { group: info.group ?? kind.group, version: info.version ?? kind.version, kind: info.kind };
    entries.push({ path: `${path}/${name}`, parameters, operations: subresource({ kind, name, info, gvk }, word) });
    if (name === 'proxy') {
      entries.push({ path: `${path}/${name}/{path}`, parameters: [...parameters, 'path'], operations: subresource({ kind, name, info, gvk }, `${word}Path`) });
    }
  }
  return entries;
}

/** Every path under which a kind and its subresources are served. */
export function pathsOf(kind: AnyKind): PathEntry[] {
  const verbs = kind.verbs === undefined ? ALL : new Set(kind.verbs);
  const base = `/${groupVersionPath(kind.group, kind.version)}`;
  const group = groupWord(kind);
  const word = `${group}${kind.namespaced ? 'Namespaced' : ''}${kind.kind}`;
  const parent = kind.namespaced ? `${base}/namespaces/{namespace}/${kind.plural}` : `${base}/${kind.plural}`;
  const inNamespace = kind.namespaced ? ['namespace'] as const : [];
  const ofOne = [...inNamespace, 'name'] as const;
  const entries: PathEntry[] = [
    { path: parent, parameters: inNamespace, operations: collection(kind, word, verbs) },
    { path: `${parent}/{name}`, parameters: ofOne, operations: item({ gvk: gvkOf(kind), message: kind.type, word }, verbs) },
    ...subresources(kind, `${parent}/{name}`, ofOne, word),
  ];
  if (kind.namespaced && verbs.has('list')) {
    entries.push({
      path: `${base}/${kind.plural}`, parameters: [],
      operations: [{ gvk: gvkOf(kind), method: 'get', action: 'list', operationId: `list${group}${kind.kind}ForAllNamespaces`, answer: 'list' }],
    });
  }
  return entries.filter(({ operations }) => operations.length > 0);
}

/** Media types of a PATCH: custom resources have no strategic merge. */
export const patchTypes = (kind: AnyKind): string[] => [
  'application/json-patch+json', 'application/merge-patch+json', ...(kind.origin === 'builtin' ? ['application/strategic-merge-patch+json'] : []),
  'application/apply-patch+yaml',
];

/** Codes of success: what is stored, what is made by the way, what goes on after the answer. */
export function successCodes({ action }: Operation): string[] {
  switch (action) {
    case 'post': return ['200', '201', '202'];
    case 'put': case 'patch': return ['200', '201'];
    case 'delete': return ['200', '202'];
    default: return ['200'];
  }
}

/** Query parameters of an operation, beside those of the path. */
export function queryParameters({ action }: Operation): string[] {
  switch (action) {
    case 'post': case 'put': return ['dryRun', 'fieldManager', 'fieldValidation'];
    case 'patch': return ['dryRun', 'fieldManager', 'fieldValidation', 'force'];
    case 'delete': return ['dryRun', 'gracePeriodSeconds', 'propagationPolicy'];
    case 'list': case 'deletecollection':
      return ['allowWatchBookmarks', 'continue', 'fieldSelector', 'labelSelector', 'limit', 'resourceVersion', 'resourceVersionMatch',
        'sendInitialEvents', 'timeoutSeconds', 'watch'];
    default: return [];
  }
}

const INTEGERS = new Set(['limit', 'timeoutSeconds', 'gracePeriodSeconds']);
const BOOLEANS = new Set(['allowWatchBookmarks', 'sendInitialEvents', 'watch', 'force']);

export function parameterType(name: string): 'integer' | 'boolean' | 'string' {
  return INTEGERS.has(name) ? 'integer' : BOOLEANS.has(name) ? 'boolean' : 'string';
}

/** What is said of one path: its operations as the version of OpenAPI writes them, and the parameters that stand in it. */
export function pathItem(entry: PathEntry, writeOperation: (operation: Operation) => JsonObject, pathParameter: (name: string) => JsonObject): JsonObject {
  const item: JsonObject = {};
  for (const operation of entry.operations) {
    item[operation.method] = writeOperation(operation);
  }
  const parameters: Json[] = entry.parameters.map(pathParameter);
  return parameters.length === 0 ? item : { ...item, parameters };
}
