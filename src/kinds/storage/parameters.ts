/** What storage classes and volume attribute classes hand to a driver, and the name of the driver. */
import { validateQualifiedName } from '../../apimachinery/names.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { requiredText } from '../checks.ts';

const MAX_BYTES = 256 * 1024;
const MAX_COUNT = 512;

/** A driver's qualified name, in any case. */
export const provisionerErrors = (field: string, value: string | undefined): FieldError[] =>
  (value === undefined || value === '' ? requiredText(field, value)
    : validateQualifiedName(value.toLowerCase()).map((why) => fieldError.invalid(field, value, why)));

/** Named limits on number and total size; `mayBeEmpty` says whether a class may have none at all. */
export function parameterErrors(field: string, parameters: Readonly<Record<string, string>> | undefined, mayBeEmpty: boolean): FieldError[] {
  const entries = Object.entries(parameters ?? {});
  if (entries.length > MAX_COUNT) {
    return [fieldError.tooLong(field, MAX_COUNT)];
  }
  const errors = entries.filter(([key]) => key === '').map(([key]) => fieldError.invalid(field, key, 'field can not be empty.'));
  const size = entries.reduce((total, [key, value]) => total + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  if (size > MAX_BYTES) {
    errors.push(fieldError.tooLong(field, MAX_BYTES));
  }
  if (!mayBeEmpty && entries.length === 0) {
    errors.push(fieldError.required(field, 'must contain at least one key/value pair'));
  }
  return errors;
}
