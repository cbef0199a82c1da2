/** allOf, anyOf, oneOf and not. */
import { fieldError, type FieldError } from '../../status.ts';
import type { ValidationContext } from './context.ts';
import type { StructuralSchema } from './types.ts';
import type { Validate } from './validate.ts';

/** The validator has no place for errors of a junctor: they stand at the root. */
const junctorError = (message: string): FieldError => fieldError.invalid('<nil>', '', message);

interface Junctors {
  readonly anyOf: readonly Validate[];
  readonly oneOf: readonly Validate[];
  readonly allOf: readonly Validate[];
  readonly not: Validate | undefined;
}

/** The least bad of the alternatives: that with the fewest errors. */
function best(found: readonly FieldError[][]): FieldError[] {
  return found.reduce((least, one) => (one.length < least.length ? one : least), found[0] ?? []);
}

function addAll(context: ValidationContext, errors: readonly FieldError[]): void {
  for (const error of errors) {
    context.add(error);
  }
}

function checkAny(alternatives: readonly Validate[], value: unknown, context: ValidationContext): void {
  const found: FieldError[][] = [];
  for (const validate of alternatives) {
    const errors = context.aside(() => validate(value, undefined, context));
    if (errors.length === 0) {
      return;
    }
    found.push(errors);
  }
  context.add(junctorError(`"${context.path()}" must validate at least one schema (anyOf)`));
  addAll(context, best(found));
}

function checkOne(alternatives: readonly Validate[], value: unknown, context: ValidationContext): void {
  const found = alternatives.map((validate) => context.aside(() => validate(value, undefined, context)));
  const valid = found.filter((errors) => errors.length === 0).length;
  if (valid === 1) {
    return;
  }
  context.add(junctorError(`"${context.path()}" must validate one and only one schema (oneOf). ${valid === 0 ? 'Found none valid' : `Found ${valid} valid alternatives`}`));
  if (valid === 0) {
    addAll(context, best(found));
  }
}

function checkAll(schemas: readonly Validate[], value: unknown, context: ValidationContext): void {
  const found = schemas.map((validate) => context.aside(() => validate(value, undefined, context)));
  const failed = found.filter((errors) => errors.length > 0);
  if (failed.length > 0) {
    failed.forEach((errors) => addAll(context, errors));
    context.add(junctorError(`"${context.path()}" must validate all the schemas (allOf)${failed.length === schemas.length ? '. None validated' : ''}`));
  }
}

/** Undefined when the schema has none of them. Nothing below is compared with old values. */
export function compileJunctors(schema: StructuralSchema, compile: (schema: StructuralSchema) => Validate): Validate | undefined {
  const { anyOf = [], oneOf = [], allOf = [], not } = schema;
  if (anyOf.length + oneOf.length + allOf.length === 0 && not === undefined) {
    return undefined;
  }
  const junctors: Junctors = { anyOf: anyOf.map(compile), oneOf: oneOf.map(compile), allOf: allOf.map(compile), not: not === undefined ? undefined : compile(not) };
  return (value, _old, context) => {
    if (junctors.anyOf.length > 0) {
      checkAny(junctors.anyOf, value, context);
    }
    if (junctors.oneOf.length > 0) {
      checkOne(junctors.oneOf, value, context);
    }
    if (junctors.allOf.length > 0) {
      checkAll(junctors.allOf, value, context);
    }
    if (junctors.not !== undefined && context.aside(() => junctors.not?.(value, undefined, context)).length === 0) {
      context.add(junctorError(`"${context.path()}" must not validate the schema (not)`));
    }
  };
}
