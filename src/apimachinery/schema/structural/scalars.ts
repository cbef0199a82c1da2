/** Checks of strings, numbers and closed sets of values. */
import { fieldError, type FieldError } from '../../status.ts';
import { deepEqual } from '../../values.ts';
import { formatCheck } from './formats.ts';
import { patternOf } from './pattern.ts';
import type { StructuralSchema } from './types.ts';
import type { Validate } from './validate.ts';

const MAX_INT32 = 2 ** 31 - 1;

/** What is wrong with one string or number; the place is what the message names. */
type Check<T> = (value: T, place: string) => FieldError | undefined;

const plural = (count: number): string => String(count);

/** Characters, not UTF-16 units. */
function charactersOf(text: string): number {
  let count = text.length;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit >= 0xd800 && unit <= 0xdbff) {
      count -= 1;
    }
  }
  return count;
}

function stringChecks({ maxLength, minLength, pattern, format }: StructuralSchema): Check<string>[] {
  const checks: Check<string>[] = [];
  if (maxLength !== undefined) {
    checks.push((value, place) => (value.length > maxLength && charactersOf(value) > maxLength ? fieldError.tooLong(place, maxLength) : undefined));
  }
  if (minLength !== undefined) {
    checks.push((value, place) => (charactersOf(value) < minLength
      ? fieldError.invalid(place, value, `${place} in body should be at least ${plural(minLength)} chars long`) : undefined));
  }
  if (pattern !== undefined) {
    const compiled = patternOf(pattern);
    checks.push((value, place) => (compiled.test(value) ? undefined : fieldError.invalid(place, value, `${place} in body should match '${pattern}'`)));
  }
  const hasFormat = format === undefined ? undefined : formatCheck(format);
  if (hasFormat !== undefined) {
    checks.push((value, place) => (hasFormat(value) ? undefined
      : fieldError.invalid(place, value, `${place} in body must be of type ${format ?? ''}: ${JSON.stringify(value)}`)));
  }
  return checks;
}

/** Whether a number is a whole multiple of another, as exactly as decimal numbers allow. */
function isMultiple(value: number, of: number): boolean {
  const ratio = value / of;
  return Number.isInteger(ratio) || Math.abs(ratio - Math.round(ratio)) < Number.EPSILON * Math.abs(ratio);
}

function numberChecks(schema: StructuralSchema): Check<number>[] {
  const { maximum, minimum, multipleOf, format, type } = schema;
  const checks: Check<number>[] = [];
  if (multipleOf !== undefined) {
    checks.push((value, place) => (isMultiple(value, multipleOf) ? undefined
      : fieldError.invalid(place, value, `${place} in body should be a multiple of ${multipleOf}`)));
  }
  if (maximum !== undefined) {
    const beyond = schema.exclusiveMaximum === true;
    checks.push((value, place) => (value < maximum || (value === maximum && !beyond) ? undefined
      : fieldError.invalid(place, value, `${place} in body should be less than ${beyond ? '' : 'or equal to '}${maximum}`)));
  }
  if (minimum !== undefined) {
    const beyond = schema.exclusiveMinimum === true;
    checks.push((value, place) => (value > minimum || (value === minimum && !beyond) ? undefined
      : fieldError.invalid(place, value, `${place} in body should be greater than ${beyond ? '' : 'or equal to '}${minimum}`)));
  }
  if (type === 'integer') {
    // Beyond 2^53 the value has already lost digits.
    checks.push((value, place) => (Number.isSafeInteger(value) || !Number.isInteger(value) ? undefined
      : fieldError.invalid(place, value, `${place} in body is beyond the integers that this server keeps exactly (2^53)`)));
  }
  if (type === 'integer' && format === 'int32') {
    checks.push((value, place) => (value >= -MAX_INT32 - 1 && value <= MAX_INT32 ? undefined
      : fieldError.invalid('<nil>', '', `Checked value must be of type integer with format int32 in ${place}`)));
  }
  return checks;
}

const enumText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

function enumCheck(values: StructuralSchema['enum']): Validate | undefined {
  if (values === undefined) {
    return undefined;
  }
  const plain = new Set(values.filter((value) => typeof value !== 'object'));
  const rest = values.filter((value) => typeof value === 'object');
  return (value, _old, context) => {
    const isKnown = typeof value === 'object' ? rest.some((one) => deepEqual(one, value)) : plain.has(Object(value) === value ? '' : asPlain(value));
    if (!isKnown) {
      context.add(fieldError.notSupported(context.path(), value, values.map(enumText)));
    }
  };
}

/** A value that is no object, as a set of such values holds it. */
function asPlain(value: unknown): string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : '';
}

/** Undefined when the schema asks nothing of scalars. */
export function compileScalars(schema: StructuralSchema): Validate | undefined {
  const strings = stringChecks(schema);
  const numbers = numberChecks(schema);
  const oneOf = enumCheck(schema.enum);
  if (strings.length === 0 && numbers.length === 0 && oneOf === undefined) {
    return undefined;
  }
  return (value, old, context) => {
    if (typeof value === 'string') {
      for (const check of strings) {
        report(check, value);
      }
    } else if (typeof value === 'number') {
      for (const check of numbers) {
        report(check, value);
      }
    }
    oneOf?.(value, old, context);

    function report<T>(check: Check<T>, checked: T): void {
      // The place is asked for twice only where something is wrong.
      if (check(checked, '') !== undefined) {
        const error = check(checked, context.path());
        if (error !== undefined) {
          context.add(error);
        }
      }
    }
  };
}
