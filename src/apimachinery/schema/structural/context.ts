/** Where a validation is, what it found, and what it has cost. */
import type { FieldError } from '../../status.ts';
import { MAX_SCHEMA_ERRORS, MAX_VALIDATION_STEPS } from './limits.ts';

/** The validation was given up: the object and the schema together are too much work. */
export class ValidationTooCostly extends Error { override name = 'ValidationTooCostly'; }

export class ValidationContext {
  errors: FieldError[] = [];
  readonly #path: (string | number)[] = [];
  #steps = 0;

  enter(segment: string | number): void {
    this.#path.push(segment);
  }

  leave(): void {
    this.#path.pop();
  }

  /** Counts one value against one place of the schema. Throws ValidationTooCostly. */
  step(): void {
    this.#steps += 1;
    if (this.#steps > MAX_VALIDATION_STEPS) {
      throw new ValidationTooCostly(`validating the object takes more than ${MAX_VALIDATION_STEPS} steps (MAX_VALIDATION_STEPS)`);
    }
  }

  /** The current place, or a member of it: `spec.list[0].name`. Empty at the root. */
  path(name = ''): string {
    let text = '';
    for (const segment of name === '' ? this.#path : [...this.#path, name]) {
      text += typeof segment === 'number' ? `[${segment}]` : text === '' ? segment : `.${segment}`;
    }
    return text;
  }

  add(error: FieldError): void {
    if (this.errors.length < MAX_SCHEMA_ERRORS) {
      this.errors.push(error);
    }
  }

  /** What `check` finds, apart from the rest. */
  aside(check: () => void): FieldError[] {
    const before = this.errors;
    this.errors = [];
    try {
      check();
      return this.errors;
    } finally {
      this.errors = before;
    }
  }
}
