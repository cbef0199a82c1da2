/**
 * Schemas of custom resources as they are published: what the definition says, with Kubernetes' own apiVersion, kind and metadata. Swagger
 * 2.0 has no words for junctors, nulls and rules; there they are left out, as kube-apiserver does, so that kubectl does not refuse too much.
 */
import type { Json, JsonObject } from '../../apimachinery/object.ts';
import { isObject } from '../../apimachinery/values.ts';

const UNSAID_IN_V2 = new Set(['allOf', 'anyOf', 'oneOf', 'not', 'nullable', 'default', 'x-kubernetes-validations', 'example', 'externalDocs', '$schema', 'id']);

function reducedProperties(value: Json): JsonObject {
  return isObject(value) ? Object.fromEntries(Object.entries(value).map(([name, one]) => [name, reduced(one)])) : {};
}

/** A schema in the words of Swagger 2.0. */
function reduced(value: Json): Json {
  if (!isObject(value)) {
    return value;
  }
  // kubectl would refuse nulls and fields that it does not know here: better say nothing of what stands below.
  const isVague = value['nullable'] === true || value['x-kubernetes-preserve-unknown-fields'] === true;
  const result: JsonObject = {};
  for (const [name, one] of Object.entries(value)) {
    if (UNSAID_IN_V2.has(name) || (isVague && ['type', 'items', 'properties', 'additionalProperties', 'required'].includes(name))) {
      continue;
    }
    if (name === 'properties') {
      result[name] = reducedProperties(one);
    } else if (name === 'items' || name === 'additionalProperties') {
      result[name] = reduced(one);
    } else {
      result[name] = one;
    }
  }
  return result;
}

/** `own`: the properties apiVersion, kind and metadata of every object. */
export function customSchema(schema: JsonObject, dialect: 'v2' | 'v3', own: JsonObject): JsonObject {
  const shown = dialect === 'v2' ? reduced(schema) : schema;
  const { properties, ...rest } = isObject(shown) ? shown : {};
  return { ...rest, type: 'object', properties: { ...(isObject(properties) ? properties : {}), ...own } };
}
