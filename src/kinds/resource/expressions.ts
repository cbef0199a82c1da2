/** CEL expressions that choose devices: what they see is one device. */
import { compile } from '../../apimachinery/cel/compile.ts';
import { CelCompileError } from '../../apimachinery/cel/errors.ts';
import { BOOL, DYN, mapOf, objectType, STRING } from '../../apimachinery/cel/types.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';

/** Attributes and capacities by domain, then by name. */
const DEVICE = objectType('kubernetes.DRADevice', {
  driver: STRING, attributes: mapOf(STRING, mapOf(STRING, DYN)), capacity: mapOf(STRING, mapOf(STRING, DYN)), allowMultipleAllocations: BOOL,
});

export function deviceExpressionErrors(field: string, expression: string): FieldError[] {
  try {
    compile(expression, { variables: { device: DEVICE }, expected: [BOOL] });
    return [];
  } catch (error) {
    if (error instanceof CelCompileError) {
      const placed = error.issues.every(({ offset }) => offset >= 0);
      return [fieldError.invalid(field, expression, placed ? `compilation failed: ${error.message}` : error.message)];
    }
    throw error;
  }
}
