import { fieldError, type FieldError } from '../../apimachinery/status.ts';

/** Conditions of flow schemas and priority levels: each has a type, and each type stands once. */
export function conditionErrors(field: string, conditions: readonly { type?: string }[] = []): FieldError[] {
  const seen = new Set<string>();
  return conditions.flatMap(({ type = '' }, index) => {
    const at = `${field}[${index}].type`;
    const errors = seen.has(type) ? [fieldError.duplicate(at, type)] : [];
    seen.add(type);
    return type === '' ? [...errors, fieldError.required(at, 'must not be empty')] : errors;
  });
}
