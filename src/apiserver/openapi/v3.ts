/** `/openapi/v3/…`: one OpenAPI 3.0 document for each group-version. */
import { createHash } from 'node:crypto';
import type { JsonObject } from '../../apimachinery/object.ts';
import type { AnyKind } from '../../kinds/kind.ts';
import type { Registry } from '../../kinds/registry.ts';
import { groupVersions } from '../discovery/index.ts';
import { groupVersionPath, parameterType, pathItem, pathsOf, patchTypes, queryParameters, successCodes, type Operation } from './operations.ts';
import { Schemas } from './schemas.ts';

const query = (name: string): JsonObject => ({ name, in: 'query', schema: { type: parameterType(name), uniqueItems: true } });

function content(types: readonly string[], schema: JsonObject): JsonObject {
  return { content: Object.fromEntries(types.map((type) => [type, { schema }])) };
}

function requestBody(operation: Operation, kind: AnyKind, schemas: Schemas): JsonObject {
  switch (operation.body) {
    case undefined: return {};
    case 'patch': return { requestBody: { ...content(patchTypes(kind), schemas.ref('meta/v1.Patch')), required: true } };
    case 'delete': return { requestBody: content(['*/*'], schemas.ref('meta/v1.DeleteOptions')) };
    default: return { requestBody: { ...content(['*/*'], schemas.ref(operation.body)), required: true } };
  }
}

function answer(operation: Operation, kind: AnyKind, schemas: Schemas): JsonObject {
  switch (operation.answer) {
    case 'list': return content(['application/json'], schemas.listRef(kind));
    case 'text': return content(['text/plain'], { type: 'string' });
    default: return content(['application/json'], schemas.ref(operation.answer));
  }
}

function operationOf(operation: Operation, kind: AnyKind, schemas: Schemas): JsonObject {
  const success = { description: 'OK', ...answer(operation, kind, schemas) };
  const { group, version, kind: name } = operation.gvk;
  return {
    operationId: operation.operationId,
    parameters: queryParameters(operation).map(query),
    ...requestBody(operation, kind, schemas),
    responses: {
      ...Object.fromEntries(successCodes(operation).map((code) => [code, success])),
      401: { description: 'Unauthorized' },
    },
    'x-kubernetes-action': operation.action,
    'x-kubernetes-group-version-kind': { group, kind: name, version },
  };
}

const pathParameter = (name: string): JsonObject => ({ name, in: 'path', required: true, schema: { type: 'string', uniqueItems: true } });

/** Paths under `/openapi/v3/` that have a document: `api/v1`, `apis/apps/v1`… */
export function openApiV3Paths(registry: Registry): string[] {
  return [...groupVersions(registry)].flatMap(([group, versions]) => versions.map((version) => groupVersionPath(group, version)));
}

/** The document of one group-version, e.g. `apis/apps/v1`; undefined where there is none. Large: serialise it and let it go. */
export function openApiV3(registry: Registry, path: string): JsonObject | undefined {
  const kinds = registry.list().filter(({ group, version }) => groupVersionPath(group, version) === path);
  const isRemote = registry.remote.some(({ group, version }) => groupVersionPath(group, version) === path);
  if (isRemote || (kinds.length === 0 && !openApiV3Paths(registry).includes(path))) {
    return undefined;
  }
  const schemas = new Schemas(registry, 'v3');
  const paths: JsonObject = {};
  for (const kind of kinds) {
    for (const entry of pathsOf(kind)) {
      paths[entry.path] = pathItem(entry, (operation) => operationOf(operation, kind, schemas), pathParameter);
    }
  }
  return {
    openapi: '3.0.0', info: { title: 'Kubernetes', version: 'v1.36' }, paths,
    components: {
      schemas: schemas.definitions(),
      securitySchemes: { BearerToken: { type: 'apiKey', description: 'Bearer Token authentication', name: 'authorization', in: 'header' } },
    },
  };
}

/** The hash under which clients keep a document for good. */
export const openApiV3Hash = (document: string | Uint8Array): string => createHash('sha512').update(document).digest('hex').toUpperCase();

/** `/openapi/v3`: where the documents are. Makes each of them once for its hash. */
export function openApiV3Index(registry: Registry): JsonObject {
  const paths: JsonObject = {};
  for (const path of openApiV3Paths(registry)) {
    paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${openApiV3Hash(JSON.stringify(openApiV3(registry, path)))}` };
  }
  return { paths };
}
