/** Our table of types and paths against what a real Kubernetes 1.36 publishes, where that document is at hand. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { isObject } from '../../apimachinery/values.ts';
import { loadRegistry } from '../../kinds/registry.ts';
import { pathsOf } from './operations.ts';
import { openApiV2 } from './v2.ts';
import { definitionName, Schemas } from './schemas.ts';

const FILE = new URL('../../../../shared/data/openapi/swagger-1.36.json.gz', import.meta.url);
const absent = { skip: !existsSync(FILE) };

/** What a comparison looks at; descriptions and defaults of references apart. */
const COMPARED = ['type', 'format', '$ref', 'items', 'additionalProperties', 'x-kubernetes-list-type', 'x-kubernetes-list-map-keys', 'x-kubernetes-map-type',
  'x-kubernetes-patch-merge-key', 'x-kubernetes-patch-strategy'];

const swagger = (): unknown => JSON.parse(gunzipSync(readFileSync(FILE)).toString());
const member = (object: unknown, name: string): unknown => (isObject(object) ? object[name] : undefined);
const words = (value: unknown): string[] => (Array.isArray(value) ? value.map(String).sort() : []);

function essence(schema: unknown): unknown {
  if (!isObject(schema)) {
    return schema;
  }
  return Object.fromEntries(COMPARED.filter((name) => schema[name] !== undefined && schema[name] !== 'granular').map((name) =>
    [name, name === 'items' || name === 'additionalProperties' ? essence(schema[name]) : schema[name]]));
}

/** Differences in the fields of one type. */
function compareFields(name: string, ours: unknown, theirs: unknown): string[] {
  const [mine, other] = [member(ours, 'properties') ?? {}, member(theirs, 'properties') ?? {}];
  assert.ok(isObject(mine) && isObject(other));
  return [...new Set([...Object.keys(mine), ...Object.keys(other)])].flatMap((field) => {
    const [a, b] = [JSON.stringify(essence(mine[field])), JSON.stringify(essence(other[field]))];
    // Any JSON at all: Kubernetes names these types, we do not.
    return a === b || JSON.stringify(mine[field])?.includes('x-kubernetes-preserve-unknown-fields') ? [] : [`${name}.${field}: ${a} instead of ${b}`];
  });
}

const isPreview = (name: string): boolean => /v\d+(?:alpha|beta)\d+/.test(name);

/** Types that are no part of a stored object: answers of documents, and unions that Kubernetes names for Go's sake. */
const UNNAMED = [
  ...['APIGroup', 'APIGroupList', 'APIResource', 'APIResourceList', 'APIVersions', 'GroupVersionForDiscovery', 'ServerAddressByClientCIDR', 'WatchEvent']
    .map((name) => `io.k8s.apimachinery.pkg.apis.meta.v1.${name}`),
  ...['JSON', 'JSONSchemaPropsOrArray', 'JSONSchemaPropsOrBool', 'JSONSchemaPropsOrStringArray']
    .map((name) => `io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.${name}`),
  'io.k8s.apimachinery.pkg.version.Info',
];

test('every GA type of Kubernetes 1.36 is published', absent, () => {
  const published = openApiV2(loadRegistry())['definitions'];
  const theirs = member(swagger(), 'definitions');
  assert.ok(isObject(published) && isObject(theirs));
  const missing = Object.keys(theirs).filter((name) => !isPreview(name) && !Object.hasOwn(published, name));
  assert.deepEqual(missing.sort(), [...UNNAMED].sort());
});

/** Documents that are not resources, and watches by their deprecated paths, which are served but not described. */
const isUndescribed = (path: string): boolean => path.endsWith('/') || path.includes('/watch/') || path === '/logs/{logpath}';

test('every GA path and method of Kubernetes 1.36 is published, with its action and kind', absent, () => {
  const ours = openApiV2(loadRegistry())['paths'];
  const theirs = member(swagger(), 'paths');
  assert.ok(isObject(ours) && isObject(theirs));
  const missing = Object.entries(theirs).filter(([path]) => !isPreview(path) && !isUndescribed(path)).flatMap(([path, item]) =>
    (isObject(item) ? Object.entries(item) : []).filter(([method]) => method !== 'parameters').flatMap(([method, operation]) => {
      const mine = member(ours[path], method);
      const facts = (one: unknown): string => JSON.stringify([member(one, 'x-kubernetes-action'), member(member(one, 'x-kubernetes-group-version-kind'), 'kind')]);
      return facts(mine) === facts(operation) ? [] : [`${method} ${path}: ${facts(mine)} instead of ${facts(operation)}`];
    }));
  assert.deepEqual(missing, []);
});

test('every GA field has words for `kubectl explain`', absent, () => {
  const ours = openApiV2(loadRegistry())['definitions'];
  const theirs = member(swagger(), 'definitions');
  assert.ok(isObject(ours) && isObject(theirs));
  const silent = Object.entries(theirs).filter(([name]) => !isPreview(name) && Object.hasOwn(ours, name)).flatMap(([name, type]) => {
    const [fields, mine] = [member(type, 'properties'), member(ours[name], 'properties')];
    return (isObject(fields) ? Object.entries(fields) : []).filter(([field, schema]) =>
      typeof member(schema, 'description') === 'string' && typeof member(member(mine, field), 'description') !== 'string').map(([field]) => `${name}.${field}`);
  });
  assert.deepEqual(silent, []);
});

test('every served type has the fields, required fields, types and merge rules of Kubernetes 1.36', absent, () => {
  const definitions = member(swagger(), 'definitions');
  const registry = loadRegistry();
  const schemas = new Schemas(registry, 'v2');
  for (const kind of registry.list()) {
    if (kind.origin === 'builtin') {
      schemas.ref(kind.type);
    }
  }
  const differences = Object.entries(schemas.definitions()).flatMap(([name, schema]) => {
    const theirs = member(definitions, name);
    if (theirs === undefined) {
      return [`${name}: unknown to Kubernetes`];
    }
    const same = JSON.stringify(words(member(schema, 'required'))) === JSON.stringify(words(member(theirs, 'required')));
    return [...(same ? [] : [`${name}: required fields differ`]), ...compareFields(name, schema, theirs)];
  });
  assert.deepEqual(differences, []);
});

test('paths and methods of built-in kinds are those of Kubernetes 1.36', absent, () => {
  const paths = member(swagger(), 'paths');
  const unknown = loadRegistry().list().filter(({ origin }) => origin === 'builtin').flatMap((kind) =>
    pathsOf(kind).flatMap(({ path, operations }) => operations.filter(({ method, gvk }) => {
      const operation = member(member(paths, path), method);
      return member(member(operation, 'x-kubernetes-group-version-kind'), 'kind') !== gvk.kind;
    }).map(({ method }) => `${method} ${path}`)));
  assert.deepEqual(unknown, []);
});

test('message names are those of Kubernetes', () => {
  assert.equal(definitionName('core/v1.Pod'), 'io.k8s.api.core.v1.Pod');
  assert.equal(definitionName('meta/v1.ObjectMeta'), 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta');
});
