/**
 * Reads `openAPIV3Schema` (JSON) into a structural schema: what has a wrong type or is not supported is named, descriptions are left
 * behind. Structurality is the business of structurality.ts, which sees what was read here. Words are Kubernetes'
 * (k8s.io/apiextensions-apiserver).
 */
import type { Json, JsonObject } from '../../object.ts';
import { fieldError, type FieldError } from '../../status.ts';
import { isObject } from '../../values.ts';
import { MAX_RULES, MAX_SCHEMA_DEPTH, MAX_SCHEMA_ERRORS, MAX_SCHEMA_NODES } from './limits.ts';
import { child, keyed, placeText, type Place } from './path.ts';
import type { SchemaType, StructuralSchema, ValidationRule } from './types.ts';

/** A schema as it is being made: the same names, not yet read-only; what structurality forbids below junctors is noted. */
export type Draft = { -readonly [K in keyof StructuralSchema]: StructuralSchema[K] };

const TYPES: readonly string[] = ['object', 'array', 'string', 'integer', 'number', 'boolean'] satisfies SchemaType[];
const isType = (text: string): text is SchemaType => TYPES.includes(text);
const REASONS = ['FieldValueInvalid', 'FieldValueForbidden', 'FieldValueRequired', 'FieldValueDuplicate'] as const;

/** Stops reading: the schema is beyond a limit. */
class TooBig extends Error { override name = 'TooBig'; }

export interface ReadSchema {
  schema: StructuralSchema;
  errors: FieldError[];
  /** Whether any place has a default, and whether any has rules. */
  hasRules: boolean;
}

type Nested = 'allOf' | 'anyOf' | 'oneOf';
const NUMBERS = ['maximum', 'minimum', 'maxLength', 'minLength', 'maxItems', 'minItems', 'multipleOf', 'maxProperties', 'minProperties'] as const;
const FLAGS = ['exclusiveMaximum', 'exclusiveMinimum', 'uniqueItems', 'nullable'] as const;
const EXTENSION_FLAGS = {
  'x-kubernetes-preserve-unknown-fields': 'preserveUnknownFields', 'x-kubernetes-embedded-resource': 'embeddedResource', 'x-kubernetes-int-or-string': 'intOrString',
} as const;
const INTEGERS = new Set<string>(['maxLength', 'minLength', 'maxItems', 'minItems', 'maxProperties', 'minProperties']);
/** Keywords of JSON schema that Kubernetes does not take, with what counts as being there. */
const UNSUPPORTED = ['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'] as const;
const isEmpty = (value: Json): boolean => value === '' || (isObject(value) && Object.keys(value).length === 0);

class Reader {
  readonly errors: FieldError[] = [];
  hasRules = false;
  #nodes = 0;

  #fail(error: FieldError): void {
    if (this.errors.length < MAX_SCHEMA_ERRORS) {
      this.errors.push(error);
    }
  }

  #wrong(place: Place, name: string, value: Json, type: string): undefined {
    this.#fail(fieldError.invalid(placeText(child(place, name)), value, `must be ${type}`));
    return undefined;
  }

  /** `nested`: below allOf, anyOf, oneOf or not, where only validations may stand. */
  read(value: Json | undefined, place: Place, depth: number, nested = false): StructuralSchema {
    this.#nodes += 1;
    if (this.#nodes > MAX_SCHEMA_NODES) {
      this.#fail(fieldError.invalid(placeText(place), '', `the schema has more than ${MAX_SCHEMA_NODES} places (MAX_SCHEMA_NODES)`));
      throw new TooBig();
    }
    if (depth > MAX_SCHEMA_DEPTH) {
      this.#fail(fieldError.invalid(placeText(place), '', `schemas are nested more than ${MAX_SCHEMA_DEPTH} deep (MAX_SCHEMA_DEPTH)`));
      throw new TooBig();
    }
    const schema: Draft = {};
    if (!isObject(value)) {
      this.#fail(fieldError.invalid(placeText(place), value ?? null, 'must be a schema object'));
      return schema;
    }
    this.#plain(schema, value, place);
    this.#extensions(schema, value, place);
    this.#rules(schema, value, place);
    if (nested) {
      this.#undescribed(value, place);
    }
    this.#below(schema, value, place, depth, nested);
    return schema;
  }

  #plain(schema: Draft, value: JsonObject, place: Place): void {
    this.#type(schema, value['type'], place);
    for (const name of ['format', 'pattern'] as const) {
      const text = value[name];
      if (text !== undefined && text !== null && text !== '') {
        if (typeof text === 'string') { schema[name] = text; } else { this.#wrong(place, name, text, 'a string'); }
      }
    }
    this.#numbers(schema, value, place);
    this.#lists(schema, value, place);
    this.#unsupported(value, place);
    if (value['default'] !== undefined && value['default'] !== null) {
      schema.default = value['default'];
    }
  }

  #numbers(schema: Draft, value: JsonObject, place: Place): void {
    for (const name of NUMBERS) {
      const number = value[name];
      if (number === undefined || number === null) {
        continue;
      }
      const isWhole = INTEGERS.has(name);
      if (typeof number === 'number' && (!isWhole || Number.isSafeInteger(number))) {
        schema[name] = number;
      } else {
        this.#wrong(place, name, number, isWhole ? 'an integer' : 'a number');
      }
    }
    for (const name of FLAGS) {
      if (this.#flag(value, name, place)) {
        schema[name] = true;
      }
    }
  }

  #flag(value: JsonObject, name: string, place: Place): boolean {
    const flag = value[name];
    if (flag !== undefined && flag !== null && typeof flag !== 'boolean') {
      this.#wrong(place, name, flag, 'a boolean');
    }
    return flag === true;
  }

  #type(schema: Draft, type: Json | undefined, place: Place): void {
    if (type === undefined || type === null || type === '') {
      return;
    }
    if (typeof type !== 'string') {
      this.#wrong(place, 'type', type, 'a string');
    } else if (type === 'null') {
      this.#fail(fieldError.forbidden(placeText(child(place, 'type')), 'type cannot be set to null, use nullable as an alternative'));
    } else if (isType(type)) {
      schema.type = type;
    } else {
      this.#fail(fieldError.notSupported(placeText(child(place, 'type')), type, [...TYPES].sort()));
    }
  }

  #lists(schema: Draft, value: JsonObject, place: Place): void {
    const required = this.#texts(value['required'], 'required', place);
    if (required !== undefined && required.length > 0) {
      schema.required = required;
    }
    const values = value['enum'];
    if (values !== undefined && values !== null) {
      if (Array.isArray(values)) {
        if (values.length > 0) {
          schema.enum = values;
        }
      } else {
        this.#wrong(place, 'enum', values, 'a list');
      }
    }
    if (schema.uniqueItems === true) {
      this.#fail(fieldError.forbidden(placeText(child(place, 'uniqueItems')), 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic'));
    }
  }

  #texts(value: Json | undefined, name: string, place: Place): string[] | undefined {
    if (value === undefined || value === null) {
      return undefined;
    }
    if (!Array.isArray(value) || !value.every((one) => typeof one === 'string')) {
      return this.#wrong(place, name, value, 'a list of strings');
    }
    return value;
  }

  #unsupported(value: JsonObject, place: Place): void {
    for (const name of UNSUPPORTED) {
      const given = value[name];
      if (given !== undefined && given !== null && !isEmpty(given)) {
        this.#fail(fieldError.forbidden(placeText(child(place, name)), `${name} is not supported`));
      }
    }
  }

  #undescribed(value: JsonObject, place: Place): void {
    for (const name of ['title', 'description', 'externalDocs'] as const) {
      const given = value[name];
      if (given !== undefined && given !== null && given !== '') {
        this.#fail(fieldError.forbidden(placeText(child(place, name)), `must be ${name === 'externalDocs' ? 'undefined' : 'empty'} to be structural`));
      }
    }
  }

  #extensions(schema: Draft, value: JsonObject, place: Place): void {
    for (const [name, member] of Object.entries(EXTENSION_FLAGS)) {
      if (this.#flag(value, name, place)) {
        schema[member] = true;
      } else if (name === 'x-kubernetes-preserve-unknown-fields' && value[name] === false) {
        this.#fail(fieldError.invalid(placeText(child(place, name)), false, 'must be true or undefined'));
      }
    }
    const listType = value['x-kubernetes-list-type'];
    if (typeof listType === 'string') {
      if (listType === 'atomic' || listType === 'set' || listType === 'map') { schema.listType = listType; } else {
        this.#fail(fieldError.notSupported(placeText(child(place, 'x-kubernetes-list-type')), listType, ['atomic', 'map', 'set']));
      }
    }
    const mapType = value['x-kubernetes-map-type'];
    if (typeof mapType === 'string') {
      if (mapType === 'atomic' || mapType === 'granular') { schema.mapType = mapType; } else {
        this.#fail(fieldError.notSupported(placeText(child(place, 'x-kubernetes-map-type')), mapType, ['atomic', 'granular']));
      }
    }
    const keys = this.#texts(value['x-kubernetes-list-map-keys'], 'x-kubernetes-list-map-keys', place);
    if (keys !== undefined && keys.length > 0) {
      schema.listMapKeys = keys;
    }
  }

  #rules(schema: Draft, value: JsonObject, place: Place): void {
    const rules = value['x-kubernetes-validations'];
    if (!Array.isArray(rules) || rules.length === 0) {
      return;
    }
    if (rules.length > MAX_RULES) {
      this.#fail(fieldError.tooMany(placeText(child(place, 'x-kubernetes-validations')), rules.length, MAX_RULES));
      return;
    }
    const list = child(place, 'x-kubernetes-validations');
    schema.validations = rules.map((rule, index) => this.#rule(rule, keyed(list, index)));
    this.hasRules = true;
  }

  #rule(value: Json, place: Place): ValidationRule {
    const given = isObject(value) ? value : {};
    const text = (name: string): string | undefined => {
      const member = given[name];
      return typeof member === 'string' && member !== '' ? member : undefined;
    };
    const [rule, message, messageExpression, fieldPath] = [text('rule'), text('message'), text('messageExpression'), text('fieldPath')];
    const reason = REASONS.find((one) => one === given['reason']);
    if (given['reason'] !== undefined && given['reason'] !== '' && reason === undefined) {
      this.#fail(fieldError.notSupported(placeText(child(place, 'reason')), given['reason'], [...REASONS].sort()));
    }
    if (rule === undefined || rule.trim() === '') {
      this.#fail(fieldError.required(placeText(child(place, 'rule')), 'rule is not specified'));
    }
    this.#message(given, message, rule ?? '', place);
    return {
      rule: rule ?? '', ...(message === undefined ? {} : { message }), ...(messageExpression === undefined ? {} : { messageExpression }),
      ...(reason === undefined ? {} : { reason }), ...(fieldPath === undefined ? {} : { fieldPath }), ...(given['optionalOldSelf'] === true ? { optionalOldSelf: true } : {}),
    };
  }

  #message(given: JsonObject, message: string | undefined, rule: string, place: Place): void {
    const where = placeText(child(place, 'message'));
    if (message !== undefined && message.trim() === '') {
      this.#fail(fieldError.invalid(where, message, 'message must be non-empty if specified'));
    } else if (message?.trim().includes('\n') === true) {
      this.#fail(fieldError.invalid(where, message, 'message must not contain line breaks'));
    } else if (rule.trim().includes('\n') && message === undefined) {
      this.#fail(fieldError.required(where, 'message must be specified if rule contains line breaks'));
    }
    const expression = given['messageExpression'];
    if (typeof expression === 'string' && expression !== '' && expression.trim() === '') {
      this.#fail(fieldError.required(placeText(child(place, 'messageExpression')), 'messageExpression must be non-empty if specified'));
    }
  }

  #below(schema: Draft, value: JsonObject, place: Place, depth: number, nested: boolean): void {
    const properties = value['properties'];
    if (isObject(properties)) {
      const read = new Map<string, StructuralSchema>();
      const where = child(place, 'properties');
      for (const [name, one] of Object.entries(properties)) {
        read.set(name, this.read(one, keyed(where, name), depth + 1, nested));
      }
      if (read.size > 0) {
        schema.properties = read;
      }
    } else if (properties !== undefined && properties !== null) {
      this.#wrong(place, 'properties', properties, 'an object');
    }
    this.#additional(schema, value['additionalProperties'], place, depth, nested);
    this.#items(schema, value['items'], place, depth, nested);
    for (const name of ['allOf', 'anyOf', 'oneOf'] as const) {
      this.#junctor(schema, name, value[name], place, depth);
    }
    if (value['not'] !== undefined && value['not'] !== null) {
      schema.not = this.read(value['not'], child(place, 'not'), depth + 1, true);
    }
  }

  #additional(schema: Draft, additional: Json | undefined, place: Place, depth: number, nested: boolean): void {
    if (additional === undefined || additional === null) {
      return;
    }
    const where = child(place, 'additionalProperties');
    if (schema.properties !== undefined && additional !== true) {
      this.#fail(fieldError.forbidden(placeText(where), 'additionalProperties and properties are mutual exclusive'));
    }
    if (additional === false) {
      this.#fail(fieldError.forbidden(placeText(where), 'additionalProperties cannot be set to false'));
    }
    schema.additionalProperties = typeof additional === 'boolean' ? additional : this.read(additional, where, depth + 1, nested);
  }

  #items(schema: Draft, items: Json | undefined, place: Place, depth: number, nested: boolean): void {
    if (Array.isArray(items)) {
      this.#fail(fieldError.forbidden(placeText(child(place, 'items')), 'items must be a schema object and not an array'));
    } else if (items !== undefined && items !== null) {
      schema.items = this.read(items, child(place, 'items'), depth + 1, nested);
    }
  }

  #junctor(schema: Draft, name: Nested, value: Json | undefined, place: Place, depth: number): void {
    if (value === undefined || value === null) {
      return;
    }
    if (!Array.isArray(value)) {
      this.#wrong(place, name, value, 'a list of schemas');
    } else if (value.length > 0) {
      const where = child(place, name);
      schema[name] = value.map((one, index) => this.read(one, keyed(where, index), depth + 1, true));
    }
  }
}

/** Reads the whole schema; what is wrong with its form is in `errors`, and the schema then good for nothing else. */
export function readSchema(value: Json | undefined, place: Place): ReadSchema {
  const reader = new Reader();
  let schema: StructuralSchema = {};
  try {
    schema = reader.read(value, place, 1);
  } catch (error) {
    if (!(error instanceof TooBig)) {
      throw error;
    }
  }
  return { schema, errors: reader.errors, hasRules: reader.hasRules };
}
