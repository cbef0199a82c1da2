/** Structural schemas: read, checked, and compiled to what a custom resource needs on every write. */
import { compileCopy, type Copy, type DecodeMetadata } from './decode.ts';
import { DecodeContext } from '../context.ts';
import { fieldError, type FieldError } from '../../status.ts';
import { ValidationContext } from './context.ts';
import { compileEvaluation, type EvaluateRules } from './evaluate.ts';
import { compileLists, type CheckLists } from './lists.ts';
import { compileValidate, type Validate } from './validate.ts';
import { child, keyed, placeText, type Place } from './path.ts';
import type { StructuralSchema } from './types.ts';

export { readSchema, type ReadSchema } from './read.ts';
export { checkStructural } from './structurality.ts';
export { checkRulesSteps } from './rules.ts';
export { shapeOfSchema } from './shape.ts';
export { rootPlace, child, keyed, placeText, type Place } from './path.ts';
export { ValidationContext, ValidationTooCostly } from './context.ts';
export type * from './types.ts';

export interface CompiledSchema {
  readonly schema: StructuralSchema;
  /** A copy without unknown fields, with defaults; unknown fields are named in the context. */
  copy: Copy;
  /** Everything wrong; with `old` only what changed. Throws ValidationTooCostly. */
  validate(value: unknown, old?: unknown): FieldError[];
}

/** Errors after which rules would stumble over what they may rely on. */
const BLOCKING: readonly FieldError['type'][] = ['FieldValueNotSupported', 'FieldValueRequired', 'FieldValueTooLong', 'FieldValueTooMany', 'FieldValueTypeInvalid'];
const isBlocking = ({ type }: FieldError): boolean => BLOCKING.includes(type);
const UNCHECKED = fieldError.invalid('<nil>', null,
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation');

/** Compiled lazily, place by place. `metadata` makes ObjectMeta canonical. */
export function compileSchema(schema: StructuralSchema, metadata: DecodeMetadata): CompiledSchema {
  let validate: Validate | undefined;
  let later: { lists: CheckLists | undefined; rules: EvaluateRules | undefined } | undefined;
  return {
    schema,
    copy: compileCopy(schema, metadata),
    validate(value, old): FieldError[] {
      validate ??= compileValidate(schema);
      later ??= { lists: compileLists(schema), rules: compileEvaluation(schema) };
      const context = new ValidationContext();
      validate(value, old === undefined ? undefined : { value: old }, context);
      const { lists, rules } = later;
      if (lists !== undefined) {
        const found = context.aside(() => lists(value, context));
        // Lists that were wrong before may stay so.
        if (found.length > 0 && (old === undefined || context.aside(() => lists(old, context)).length === 0)) {
          found.forEach((error) => context.add(error));
        }
      }
      return rules === undefined ? context.errors : [...context.errors, ...context.errors.some(isBlocking) ? [UNCHECKED] : rules(value, old)];
    },
  };
}

/** Defaults must be what the schema itself would make of them and allow. */
export function checkDefaults(schema: StructuralSchema, place: Place, metadata: DecodeMetadata): FieldError[] {
  const errors: FieldError[] = [];
  const visit = (one: StructuralSchema, at: Place): void => {
    if (one.default !== undefined) {
      errors.push(...defaultErrors(one, child(at, 'default'), metadata));
    }
    for (const [name, property] of one.properties ?? []) {
      visit(property, keyed(child(at, 'properties'), name));
    }
    if (one.items !== undefined) {
      visit(one.items, child(at, 'items'));
    }
    if (typeof one.additionalProperties === 'object') {
      visit(one.additionalProperties, child(at, 'additionalProperties'));
    }
  };
  visit(schema, place);
  return errors;
}

function defaultErrors(schema: StructuralSchema, at: Place, metadata: DecodeMetadata): FieldError[] {
  let value: unknown = schema.default;
  if (typeof value === 'object' && value !== null) {
    const unknown = new DecodeContext(true);
    // With the defaults of what stands in it, as objects get it.
    value = compileCopy(schema, metadata, schema.embeddedResource === true)(value, unknown);
    if (unknown.unknown.length > 0) {
      return [fieldError.invalid(placeText(at), schema.default, 'must not have unknown fields')];
    }
  }
  const context = new ValidationContext();
  context.enter(placeText(at));
  compileValidate(schema)(value, undefined, context);
  return context.errors;
}
