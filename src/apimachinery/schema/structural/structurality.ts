/**
 * Whether a schema is structural: every place has a type, junctors only restrict what stands outside of them, metadata is left alone.
 * Rules and words are Kubernetes' (k8s.io/apiextensions-apiserver/pkg/apiserver/schema).
 */
import { fieldError, type FieldError } from '../../status.ts';
import { child, keyed, placeText, type Place } from './path.ts';
import { checkPattern } from './pattern.ts';
import type { StructuralSchema } from './types.ts';

type Level = 'root' | 'item' | 'field';

const only = (schema: StructuralSchema | undefined, type: string): boolean => schema?.type === type && Object.keys(schema).length === 1;

/** `anyOf: [{type: integer}, {type: string}]`, which int-or-string may repeat. */
const isIntOrString = (anyOf: readonly StructuralSchema[] | undefined): boolean => anyOf?.length === 2 && only(anyOf[0], 'integer') && only(anyOf[1], 'string');

const EMPTY_TYPE: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root', item: 'must not be empty for specified array items', field: 'must not be empty for specified object fields',
};

class Checker {
  readonly errors: FieldError[] = [];

  #required(place: Place, name: string, why: string): void {
    this.errors.push(fieldError.required(placeText(child(place, name)), why));
  }

  #invalid(place: Place, name: string, value: unknown, why: string): void {
    this.errors.push(fieldError.invalid(placeText(child(place, name)), value, why));
  }

  #forbidden(place: Place, name: string, why: string): void {
    this.errors.push(fieldError.forbidden(placeText(child(place, name)), why));
  }

  structural(schema: StructuralSchema, level: Level, place: Place): void {
    if (schema.type === 'array' && schema.items === undefined) {
      this.#required(place, 'items', 'must be specified');
    }
    if (schema.items !== undefined) {
      this.structural(schema.items, 'item', child(place, 'items'));
    }
    const properties = child(place, 'properties');
    for (const [name, one] of schema.properties ?? []) {
      this.structural(one, 'field', keyed(properties, name));
    }
    if (schema.additionalProperties !== undefined) {
      if (level === 'root') {
        this.#forbidden(place, 'additionalProperties', 'must not be used at the root');
      }
      if (typeof schema.additionalProperties === 'object') {
        this.structural(schema.additionalProperties, 'field', child(place, 'additionalProperties'));
      }
    }
    this.#extensions(schema, place);
    this.#validations(schema, place, isIntOrString(schema.anyOf), isIntOrString(schema.allOf?.[0]?.anyOf));
    this.#type(schema, level, place);
    this.#metadata(schema, level, place);
    this.#complete(schema, schema, place, place);
  }

  #extensions(schema: StructuralSchema, place: Place): void {
    if (schema.intOrString === true && schema.preserveUnknownFields === true) {
      this.#invalid(place, 'x-kubernetes-preserve-unknown-fields', true, 'must be false if x-kubernetes-int-or-string is true');
    }
    if (schema.intOrString === true && schema.embeddedResource === true) {
      this.#invalid(place, 'x-kubernetes-embedded-resource', true, 'must be false if x-kubernetes-int-or-string is true');
    }
    if (schema.intOrString === true && schema.type !== undefined) {
      this.#invalid(place, 'type', schema.type, 'must be empty if x-kubernetes-int-or-string is true');
    }
    if (schema.embeddedResource === true) {
      if (schema.additionalProperties !== undefined) {
        this.#forbidden(place, 'additionalProperties', 'must not be used if x-kubernetes-embedded-resource is set');
      }
      if (schema.preserveUnknownFields !== true && schema.properties === undefined) {
        this.#required(place, 'properties', 'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields');
      }
    }
    this.#lists(schema, place);
  }

  #lists(schema: StructuralSchema, place: Place): void {
    const { listType, listMapKeys, mapType, type } = schema;
    const mustBe = (wanted: string, extension: string): void => {
      const why = `must be ${wanted} if ${extension} is specified`;
      if (type === undefined) { this.#required(place, 'type', why); } else if (type !== wanted) { this.#invalid(place, 'type', type, why); }
    };
    if (listType !== undefined) {
      mustBe('array', 'x-kubernetes-list-type');
    }
    if (mapType !== undefined) {
      mustBe('object', 'x-kubernetes-map-type');
    }
    if (listMapKeys !== undefined && listType !== 'map') {
      const why = 'must be map if x-kubernetes-list-map-keys is non-empty';
      if (listType === undefined) { this.#required(place, 'x-kubernetes-list-type', why); } else { this.#invalid(place, 'x-kubernetes-list-type', listType, why); }
    }
    if (listType === 'map') {
      this.#listMap(schema, place);
    } else if (listType === 'set') {
      this.#listSet(schema.items, child(place, 'items'));
    }
  }

  #listMap({ items, listMapKeys = [] }: StructuralSchema, place: Place): void {
    if (listMapKeys.length === 0) {
      this.#required(place, 'x-kubernetes-list-map-keys', 'must not be empty if x-kubernetes-list-type is map');
    }
    if (items === undefined) {
      this.#required(place, 'items', 'must have a schema if x-kubernetes-list-type is map');
      return;
    }
    const below = child(place, 'items');
    if (items.type !== 'object') {
      this.#invalid(below, 'type', items.type ?? '', "must be object if parent array's x-kubernetes-list-type is map");
    }
    if (items.nullable === true) {
      this.#forbidden(below, 'nullable', 'cannot be nullable when x-kubernetes-list-type is map');
    }
    if (new Set(listMapKeys).size !== listMapKeys.length) {
      this.#invalid(place, 'x-kubernetes-list-map-keys', listMapKeys, 'must not contain duplicate entries');
    }
    for (const name of listMapKeys) {
      const property = items.properties?.get(name);
      if (property === undefined) {
        this.#invalid(place, 'x-kubernetes-list-map-keys', listMapKeys, 'entries must all be names of item properties');
      } else {
        this.#listMapKey(property, items.required?.includes(name) === true, keyed(child(below, 'properties'), name));
      }
    }
  }

  #listMapKey(property: StructuralSchema, isRequired: boolean, where: Place): void {
    if (property.type === undefined || property.type === 'object' || property.type === 'array') {
      this.#invalid(where, 'type', property.type ?? '', "must be a scalar type if parent array's x-kubernetes-list-type is map");
    }
    if (property.nullable === true) {
      this.#forbidden(where, 'nullable', 'cannot be nullable when x-kubernetes-list-type is map');
    }
    if (property.default === undefined && !isRequired) {
      this.#required(where, 'default', 'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property');
    }
  }

  #listSet(items: StructuralSchema | undefined, place: Place): void {
    if (items?.nullable === true) {
      this.#forbidden(place, 'nullable', 'cannot be nullable when x-kubernetes-list-type is set');
    }
    if (items?.type === 'object' && items.mapType !== 'atomic') {
      this.#invalid(place, 'x-kubernetes-map-type', items.mapType ?? null, 'must be atomic as item of a list with x-kubernetes-list-type=set');
    }
    if (items?.type === 'array' && items.listType !== 'atomic') {
      this.#invalid(place, 'x-kubernetes-list-type', items.listType ?? null, 'must be atomic as item of a list with x-kubernetes-list-type=set');
    }
  }

  #type(schema: StructuralSchema, level: Level, place: Place): void {
    const { type } = schema;
    if (schema.embeddedResource === true && type !== 'object') {
      const why = 'must be object if x-kubernetes-embedded-resource is true';
      if (type === undefined) { this.#required(place, 'type', why); } else { this.#invalid(place, 'type', type, why); }
    } else if (type === undefined && schema.intOrString !== true && schema.preserveUnknownFields !== true) {
      this.#required(place, 'type', EMPTY_TYPE[level]);
    }
    if (level === 'root' && type !== undefined && type !== 'object') {
      this.#invalid(place, 'type', type, 'must be object at the root');
    }
  }

  #metadata(schema: StructuralSchema, level: Level, place: Place): void {
    if (level !== 'root' && schema.embeddedResource !== true) {
      return;
    }
    const where = child(place, 'properties');
    for (const name of ['kind', 'apiVersion']) {
      const property = schema.properties?.get(name);
      if (property !== undefined && property.type !== 'string') {
        this.#invalid(keyed(where, name), 'type', property.type ?? '', 'must be string');
      }
    }
    const metadata = schema.properties?.get('metadata');
    if (metadata !== undefined) {
      this.#metadataItself(metadata, level, where);
    }
  }

  #metadataItself(metadata: StructuralSchema, level: Level, where: Place): void {
    if (metadata.type !== 'object') {
      this.#invalid(keyed(where, 'metadata'), 'type', metadata.type ?? '', 'must be object');
    }
    const foreign = Object.keys(metadata).some((name) => !['type', 'properties', 'default', 'required'].includes(name));
    const names = [...metadata.properties?.keys() ?? []];
    if (level === 'root' && (foreign || names.some((name) => name !== 'name' && name !== 'generateName'))) {
      this.errors.push(fieldError.forbidden(placeText(keyed(where, 'metadata')),
        'must not specify anything other than name and generateName, but metadata is implicitly specified'));
    }
  }

  /** Everything that stands below a junctor must only validate. `skipAnyOf` and `skipFirst`: the two forms of int-or-string. */
  #validations(schema: StructuralSchema, place: Place, skipAnyOf: boolean, skipFirst: boolean): void {
    if (!skipAnyOf) {
      schema.anyOf?.forEach((one, index) => this.#nested(one, keyed(child(place, 'anyOf'), index), false));
    }
    schema.allOf?.forEach((one, index) => this.#nested(one, keyed(child(place, 'allOf'), index), skipFirst && index === 0));
    schema.oneOf?.forEach((one, index) => this.#nested(one, keyed(child(place, 'oneOf'), index), false));
    if (schema.not !== undefined) {
      this.#nested(schema.not, child(place, 'not'), false);
    }
    const wrong = schema.pattern === undefined ? undefined : checkPattern(schema.pattern);
    if (wrong !== undefined) {
      this.#invalid(place, 'pattern', schema.pattern, wrong);
    }
  }

  #nested(schema: StructuralSchema, place: Place, skipAnyOf: boolean): void {
    this.#validations(schema, place, skipAnyOf, false);
    if (schema.items !== undefined) {
      this.#nested(schema.items, child(place, 'items'), false);
    }
    for (const [name, one] of schema.properties ?? []) {
      this.#nested(one, keyed(child(place, 'properties'), name), false);
    }
    const forbidden: readonly (readonly [string, unknown, string])[] = [
      ['type', schema.type, 'empty'], ['additionalProperties', schema.additionalProperties, 'undefined'], ['default', schema.default, 'undefined'],
      ['nullable', schema.nullable, 'false'], ['x-kubernetes-preserve-unknown-fields', schema.preserveUnknownFields, 'false'],
      ['x-kubernetes-embedded-resource', schema.embeddedResource, 'false'], ['x-kubernetes-int-or-string', schema.intOrString, 'false'],
      ['x-kubernetes-list-map-keys', schema.listMapKeys, 'empty'], ['x-kubernetes-list-type', schema.listType, 'undefined'],
      ['x-kubernetes-map-type', schema.mapType, 'undefined'], ['x-kubernetes-validations', schema.validations, 'empty'],
    ];
    for (const [name, value, wanted] of forbidden) {
      if (value !== undefined) {
        this.#forbidden(place, name, `must be ${wanted} to be structural`);
      }
    }
    if (schema.properties?.has('metadata') === true) {
      this.errors.push(fieldError.forbidden(placeText(keyed(child(place, 'properties'), 'metadata')), 'must not be specified in a nested context'));
    }
  }

  /** Fields and items that a junctor names must be specified outside of it too. */
  #complete(schema: StructuralSchema, validation: StructuralSchema, place: Place, below: Place): void {
    for (const name of ['allOf', 'anyOf', 'oneOf'] as const) {
      validation[name]?.forEach((one, index) => this.#completeNested(schema, one, place, keyed(child(below, name), index)));
    }
    if (validation.not !== undefined) {
      this.#completeNested(schema, validation.not, place, child(below, 'not'));
    }
  }

  #completeNested(schema: StructuralSchema, validation: StructuralSchema, place: Place, below: Place): void {
    this.#complete(schema, validation, place, below);
    if (validation.items !== undefined) {
      const [here, there] = [child(place, 'items'), child(below, 'items')];
      if (schema.items === undefined) {
        this.errors.push(fieldError.required(placeText(here), `because it is defined in ${placeText(there)}`));
      } else {
        this.#completeNested(schema.items, validation.items, here, there);
      }
    }
    for (const [name, one] of validation.properties ?? []) {
      const [here, there] = [keyed(child(place, 'properties'), name), keyed(child(below, 'properties'), name)];
      const property = schema.properties?.get(name);
      if (property === undefined) {
        this.errors.push(fieldError.required(placeText(here), `because it is defined in ${placeText(there)}`));
      } else {
        this.#completeNested(property, one, here, there);
      }
    }
  }
}

/** Everything that keeps a schema from being structural, in the order of the texts. */
export function checkStructural(schema: StructuralSchema, place: Place): FieldError[] {
  const checker = new Checker();
  checker.structural(schema, 'root', place);
  const text = ({ field, detail }: FieldError): string => `${field}: ${detail}`;
  return checker.errors.sort((a, b) => (text(a) < text(b) ? -1 : 1));
}
