/**
 * The Swagger document in the protobuf form of gnostic's openapi.v2.Document, which kubectl asks for. Field numbers
 * are those of gnostic's OpenAPIv2.proto; only what our documents hold is written.
 */
import type { Json, JsonObject } from '../../apimachinery/object.ts';
import { isObject } from '../../apimachinery/values.ts';
import { finish, type Steps } from './steps.ts';
import { WireWriter } from './wire.ts';

const METHODS: Readonly<Record<string, number>> = { get: 2, put: 3, post: 4, delete: 5, options: 6, head: 7, patch: 8 };

type Fill = (writer: WireWriter) => void;

const objectOf = (value: Json | undefined): JsonObject => (isObject(value) ? value : {});
const listOf = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : []);
const textOf = (value: Json | undefined): string | undefined => (typeof value === 'string' ? value : undefined);

/** JSON is YAML: extensions travel as text. */
const any = (value: Json): Fill => (writer) => { writer.string(2, JSON.stringify(value)); };

function extensions(writer: WireWriter, number: number, object: JsonObject): void {
  for (const [name, value] of Object.entries(object)) {
    if (name.startsWith('x-')) {
      writer.message(number, (named) => { named.string(1, name).message(2, any(value)); });
    }
  }
}

const named = (name: string, value: Fill): Fill => (writer) => { writer.string(1, name).message(2, value); };

/** The rarer members of a schema. */
function schemaDetails(writer: WireWriter, object: JsonObject): void {
  if (object['default'] !== undefined) {
    writer.message(5, any(object['default']));
  }
  for (const name of listOf(object['required'])) {
    writer.string(19, textOf(name));
  }
  for (const value of listOf(object['enum'])) {
    writer.message(20, any(value));
  }
  extensions(writer, 31, object);
}

const schema = (value: Json | undefined): Fill => (writer) => {
  const object = objectOf(value);
  writer.string(1, textOf(object['$ref'])).string(2, textOf(object['format'])).string(4, textOf(object['description']));
  if (object['additionalProperties'] !== undefined) {
    writer.message(21, (item) => { item.message(1, schema(object['additionalProperties'])); });
  }
  if (object['type'] !== undefined) {
    writer.message(22, (item) => { item.string(1, textOf(object['type'])); });
  }
  if (object['items'] !== undefined) {
    writer.message(23, (item) => { item.message(1, schema(object['items'])); });
  }
  if (object['properties'] !== undefined) {
    writer.message(25, (properties) => {
      for (const [name, property] of Object.entries(objectOf(object['properties']))) {
        properties.message(1, named(name, schema(property)));
      }
    });
  }
  schemaDetails(writer, object);
};

const bodyParameter = (parameter: JsonObject): Fill => (writer) => {
  writer.string(2, textOf(parameter['name'])).string(3, 'body').bool(4, parameter['required'] === true).message(5, schema(parameter['schema']));
};

const queryParameter = (parameter: JsonObject): Fill => (writer) => {
  writer.bool(1, parameter['required'] === true).string(2, 'query').string(4, textOf(parameter['name'])).string(6, textOf(parameter['type']));
};

const pathParameter = (parameter: JsonObject): Fill => (writer) => {
  writer.bool(1, true).string(2, 'path').string(4, textOf(parameter['name'])).string(5, textOf(parameter['type']));
};

/** ParametersItem → Parameter → body, or one of the places of the others. */
const parameterItem = (value: Json): Fill => (item) => {
  const parameter = objectOf(value);
  item.message(1, (one) => {
    if (parameter['in'] === 'body') {
      one.message(1, bodyParameter(parameter));
    } else {
      one.message(2, (other) => {
        if (parameter['in'] === 'query') {
          other.message(3, queryParameter(parameter));
        } else {
          other.message(4, pathParameter(parameter));
        }
      });
    }
  });
};

const response = (value: Json): Fill => (writer) => {
  const object = objectOf(value);
  writer.message(1, (one) => {
    one.string(1, textOf(object['description']));
    if (object['schema'] !== undefined) {
      one.message(2, (item) => { item.message(1, schema(object['schema'])); });
    }
  });
};

const operation = (value: Json): Fill => (writer) => {
  const object = objectOf(value);
  writer.string(5, textOf(object['operationId']));
  for (const type of listOf(object['produces'])) {
    writer.string(6, textOf(type));
  }
  for (const type of listOf(object['consumes'])) {
    writer.string(7, textOf(type));
  }
  for (const parameter of listOf(object['parameters'])) {
    writer.message(8, parameterItem(parameter));
  }
  writer.message(9, (responses) => {
    for (const [code, one] of Object.entries(objectOf(object['responses']))) {
      responses.message(1, named(code, response(one)));
    }
  });
  extensions(writer, 13, object);
};

const pathItem = (value: Json): Fill => (writer) => {
  const object = objectOf(value);
  for (const [method, number] of Object.entries(METHODS)) {
    if (object[method] !== undefined) {
      writer.message(number, operation(object[method]));
    }
  }
  for (const parameter of listOf(object['parameters'])) {
    writer.message(9, parameterItem(parameter));
  }
};

/**
 * The bytes of `application/com.github.proto-openapi.spec.v2.v1.0+protobuf` for a document of `openApiV2`: yields after every piece, since all of
 * them together take a while.
 */
export function* openApiV2ProtobufSteps(document: JsonObject): Steps<Uint8Array> {
  const paths = new WireWriter();
  for (const [path, item] of Object.entries(objectOf(document['paths']))) {
    paths.message(2, named(path, pathItem(item)));
    yield;
  }
  const definitions = new WireWriter();
  for (const [name, definition] of Object.entries(objectOf(document['definitions']))) {
    definitions.message(1, named(name, schema(definition)));
    yield;
  }
  const info = objectOf(document['info']);
  return new WireWriter().string(1, textOf(document['swagger']))
    .message(2, (inner) => { inner.string(1, textOf(info['title'])).string(2, textOf(info['version'])); })
    .bytes(8, paths.finish()).bytes(9, definitions.finish()).finish();
}

/** The same at once. */
export const openApiV2Protobuf = (document: JsonObject): Uint8Array => finish(openApiV2ProtobufSteps(document));
