/** The schemas of a definition: where they stand in error texts, and what is wrong with them. */
import { child, checkDefaults, checkRulesSteps, checkStructural, readSchema, rootPlace, type Place } from '../../apimachinery/schema/structural/index.ts';
import type { Json } from '../../apimachinery/object.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from '../generated/apiextensions.ts';

/** A schema as the JSON it is: the type table knows the members of its outermost level only. */
export const schemaOf = (version: CustomResourceDefinitionVersion): Json | undefined => {
  const schema = version.schema?.openAPIV3Schema;
  // Decoded JSON; the generated interface only lacks the index signature.
  return schema === undefined ? undefined : { ...schema } as { [key: string]: Json };
};

/** Whether Kubernetes sees a member of all versions as one: alike in each, as with one version only. */
export function isShared(versions: readonly CustomResourceDefinitionVersion[], name: keyof CustomResourceDefinitionVersion): boolean {
  return versions.every((version) => deepEqual(version[name], versions[0]?.[name]));
}

/** Where errors find a schema: Kubernetes lifts what all versions share to the top of the spec. */
function placeOf(versions: readonly CustomResourceDefinitionVersion[], index: number): Place {
  const spec = child(rootPlace('spec'), isShared(versions, 'schema') ? 'validation' : `versions[${index}].schema`);
  return child(spec, 'openAPIV3Schema');
}

const unchanged = (version: CustomResourceDefinitionVersion, old: CustomResourceDefinition | undefined): boolean =>
  old?.spec.versions.some((one) => one.name === version.name && deepEqual(one.schema, version.schema)) === true;

function* schemaSteps(schema: Json, place: Place): Steps {
  const read = readSchema(schema, place);
  if (read.errors.length > 0) {
    return read.errors;
  }
  yield;
  const structural = checkStructural(read.schema, place);
  if (structural.length > 0) {
    return structural;
  }
  yield;
  const defaults = checkDefaults(read.schema, place, (value) => value);
  yield;
  return defaults.length > 0 || !read.hasRules ? defaults : yield* checkRulesSteps(read.schema, place);
}

type Steps = Generator<undefined, FieldError[], undefined>;

/** What is wrong with the schemas of a definition; those that an update does not touch are left alone. In steps: the largest take a while. */
export function* validateSchemas(definition: CustomResourceDefinition, old?: CustomResourceDefinition): Steps {
  const { versions } = definition.spec;
  const shared = isShared(versions, 'schema');
  const errors: FieldError[] = [];
  for (const [index, version] of versions.entries()) {
    if ((shared && index > 0) || unchanged(version, old)) {
      continue;
    }
    const schema = schemaOf(version);
    if (schema === undefined) {
      errors.push(fieldError.required(`spec.versions[${index}].schema.openAPIV3Schema`, 'schemas are required'));
    } else {
      errors.push(...yield* schemaSteps(schema, placeOf(versions, index)));
    }
    yield;
  }
  return errors;
}
