/** `/openapi/v2`: one Swagger 2.0 document of everything that is served. */
import type { JsonObject } from '../../apimachinery/object.ts';
import type { AnyKind } from '../../kinds/kind.ts';
import type { Registry } from '../../kinds/registry.ts';
import { parameterType, pathItem, pathsOf, patchTypes, queryParameters, successCodes, type Operation } from './operations.ts';
import { Schemas } from './schemas.ts';
import { finish, type Steps } from './steps.ts';

const PRODUCES = ['application/json', 'application/yaml'];

const query = (name: string): JsonObject => ({ name, in: 'query', type: parameterType(name), uniqueItems: true });

function body(operation: Operation, kind: AnyKind, schemas: Schemas): JsonObject[] {
  switch (operation.body) {
    case undefined: return [];
    case 'patch': return [{ name: 'body', in: 'body', required: true, schema: schemas.ref('meta/v1.Patch') }];
    case 'delete': return [{ name: 'body', in: 'body', schema: schemas.ref('meta/v1.DeleteOptions') }];
    default: return [{ name: 'body', in: 'body', required: true, schema: schemas.ref(operation.body) }];
  }
}

function answerSchema(operation: Operation, kind: AnyKind, schemas: Schemas): JsonObject {
  switch (operation.answer) {
    case 'list': return schemas.listRef(kind);
    case 'text': return { type: 'string' };
    default: return schemas.ref(operation.answer);
  }
}

function operationOf(operation: Operation, kind: AnyKind, schemas: Schemas): JsonObject {
  const answer: JsonObject = { description: 'OK', schema: answerSchema(operation, kind, schemas) };
  const { group, version, kind: name } = operation.gvk;
  return {
    operationId: operation.operationId,
    consumes: operation.action === 'patch' ? patchTypes(kind) : ['*/*'],
    produces: PRODUCES,
    parameters: [...body(operation, kind, schemas), ...queryParameters(operation).map(query)],
    responses: { ...Object.fromEntries(successCodes(operation).map((code) => [code, answer])), 401: { description: 'Unauthorized' } },
    'x-kubernetes-action': operation.action,
    'x-kubernetes-group-version-kind': { group, kind: name, version },
  };
}

const pathParameter = (name: string): JsonObject => ({ name, in: 'path', required: true, type: 'string', uniqueItems: true });

/** The whole document, kind by kind. Large: serialise it and let it go. */
export function* openApiV2Steps(registry: Registry): Steps<JsonObject> {
  const schemas = new Schemas(registry, 'v2');
  const paths: JsonObject = {};
  for (const kind of registry.list()) {
    for (const entry of pathsOf(kind)) {
      paths[entry.path] = pathItem(entry, (operation) => operationOf(operation, kind, schemas), pathParameter);
    }
    yield;
  }
  return {
    swagger: '2.0', info: { title: 'Kubernetes', version: 'v1.36' }, paths, definitions: schemas.definitions(),
    securityDefinitions: { BearerToken: { description: 'Bearer Token authentication', type: 'apiKey', name: 'authorization', in: 'header' } },
    security: [{ BearerToken: [] }],
  };
}

export const openApiV2 = (registry: Registry): JsonObject => finish(openApiV2Steps(registry));
