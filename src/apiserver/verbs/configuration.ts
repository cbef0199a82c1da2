/** The body of an application: read, and checked as far as that needs no object. */
import type { Shape } from '../../apimachinery/apply/shape.ts';
import { typeErrors } from '../../apimachinery/apply/typecheck.ts';
import { MAX_JSON_DEPTH } from '../../apimachinery/json.ts';
import { apiVersionOf, parseApiVersion, type Json, type JsonObject } from '../../apimachinery/object.ts';
import { badRequest, isStatusError } from '../../apimachinery/status.ts';
import { isObject } from '../../apimachinery/values.ts';
import { parseYaml } from '../../apimachinery/yaml.ts';
import type { Body } from '../types.ts';
import { BIG_BODY_BYTES, MAX_WARNING_CHARS } from '../limits.ts';
import { APPLY_PATCH } from './mediatype.ts';
import type { FieldValidation } from './options.ts';
import { parsedBody } from './parsedbody.ts';

export interface Configuration {
  /** As it was sent. */
  readonly document: JsonObject;
  /** What strict eyes find: keys given twice. Empty when nothing is. */
  readonly problem: string;
}

const decodingError = (why: string): Error => badRequest(`error decoding YAML: ${why}`);

interface Parsed {
  value: Json;
  duplicates: readonly string[];
}

function parsed(bytes: Buffer): Parsed {
  try {
    const { value, duplicates } = parsedBody(bytes, APPLY_PATCH);
    if (duplicates.length === 0 || bytes.length > BIG_BODY_BYTES) {
      // Of long ones this has been done already.
      return { value, duplicates };
    }
    // JSON is read once more as YAML when a key is given twice: for the line, in Kubernetes' words.
    const text = bytes.toString('utf8');
    return { value, duplicates: text.trimStart().startsWith('{') ? parseYaml(text, MAX_JSON_DEPTH).duplicates : duplicates };
  } catch (error) {
    if (isStatusError(error, 'BadRequest')) {
      throw Object.assign(decodingError(error.message.replace(/^error decoding request body: /, '')), { cause: error });
    }
    throw error;
  }
}

/** Throws BadRequest for what is no YAML or JSON object. An empty body is an empty configuration. */
export function readConfiguration(body: Body): Configuration {
  const { value, duplicates } = body.kind === 'none' ? { value: {}, duplicates: [] }
    // In-process callers hand over JSON values.
    : body.kind === 'value' ? { value: body.value as Json, duplicates: [] } : parsed(body.bytes);
  const document = value ?? {};
  if (!isObject(document)) {
    const found = Array.isArray(document) ? 'array' : typeof document === 'boolean' ? 'bool' : typeof document;
    throw decodingError(`error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${found} into Go value of type map[string]interface {}`);
  }
  return { document, problem: duplicates.length === 0 ? '' : `error converting YAML to JSON: ${duplicates.join(', ')}` };
}

/** What a configuration is for. */
export interface ConfigurationType {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly shape: Shape;
}

const textAt = (document: JsonObject, name: string): string => {
  const value = document[name];
  return typeof value === 'string' ? value : '';
};

/** `metadata` of a document, empty when it is none. */
export const metadataOf = (document: JsonObject): JsonObject => {
  const { metadata } = document;
  return isObject(metadata) ? metadata : {};
};

/** Throws BadRequest for another kind or version, managedFields, and fields that the kind does not have or that are of another type. */
export function checkConfiguration({ document }: Configuration, expected: ConfigurationType): void {
  const apiVersion = textAt(document, 'apiVersion');
  const kind = textAt(document, 'kind');
  const { group, version } = parseApiVersion(apiVersion);
  const shown = `${group}/${version}, Kind=${kind}`;
  const wanted = apiVersionOf(expected);
  if (apiVersion !== wanted) {
    throw badRequest(`Incorrect version specified in apply patch. Specified patch version: ${apiVersion}, expected: ${wanted}`);
  }
  if (kind !== expected.kind) {
    throw badRequest(`invalid object type: ${shown}`);
  }
  const metadata = metadataOf(document);
  if ((metadata['managedFields'] ?? null) !== null) {
    throw badRequest('metadata.managedFields must be nil');
  }
  const errors = typeErrors(document, expected.shape);
  if (errors.length > 0) {
    const texts = errors.length === 1 ? errors.join('') : ['errors:', ...errors.map((one) => `  ${one}`)].join('\n');
    throw badRequest(`failed to create typed patch object (${textAt(metadata, 'namespace')}/${textAt(metadata, 'name')}; ${shown}): ${texts}`);
  }
}

/** Makes good on fieldValidation for keys given twice. Unknown fields are never passed over: see checkConfiguration. */
export function reportDuplicates({ problem }: Configuration, validation: FieldValidation, warnings: string[]): void {
  if (problem === '' || validation === 'ignore') {
    return;
  }
  if (validation === 'strict') {
    throw badRequest(`error strict decoding YAML: ${problem}`);
  }
  warnings.push(problem.slice(0, MAX_WARNING_CHARS));
}
