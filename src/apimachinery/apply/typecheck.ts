/** Whether an applied configuration fits its shape, in Kubernetes' words. */
import { goSyntax, goText, goType } from '../gotext.ts';
import type { Json } from '../object.ts';
import { isObject } from '../values.ts';
import { memberShape } from './extract.ts';
import { ElementError, fieldKey, keyOfElement, pathText } from './pathelement.ts';
import type { Shape } from './shape.ts';

/** Errors that are named, and their characters: paths hold keys that come from outside. */
const MAX_ERRORS = 100;
const MAX_ERROR_CHARS = 64 * 1024;
/** Characters of a value that an error quotes. */
const MAX_QUOTED_CHARS = 1_000;

const quoted = (text: string): string => (text.length > MAX_QUOTED_CHARS ? `${text.slice(0, MAX_QUOTED_CHARS)}…` : text);

class Checker {
  readonly errors: string[] = [];
  readonly #path: string[] = [];

  #length = 0;

  #fail(why: string): void {
    if (this.errors.length < MAX_ERRORS && this.#length < MAX_ERROR_CHARS) {
      const text = `${pathText(this.#path)}: ${why}`;
      this.#length += text.length;
      this.errors.push(text);
    }
  }

  #scalar(value: Json, shape: Shape): void {
    switch (shape.scalar) {
      case 'string':
        if (typeof value !== 'string') {
          this.#fail(`expected string, got &value.valueUnstructured{Value:${quoted(goSyntax(value))}}`);
        }
        return;
      case 'numeric':
        if (typeof value !== 'number') {
          this.#fail(`expected numeric (int or float), got ${goType(value)}`);
        }
        return;
      case 'boolean':
        if (typeof value !== 'boolean') {
          this.#fail(`expected boolean, got &{${quoted(goText(value))}}`);
        }
        return;
      default:
        if (typeof value === 'object') {
          this.#fail(`expected any scalar, got &{${quoted(goText(value))}}`);
        }
    }
  }

  #list(value: Json, shape: Shape): void {
    if (!Array.isArray(value)) {
      this.#fail(`expected list, got &{${quoted(goText(value))}}`);
      return;
    }
    const granular = shape.type !== 'atomic';
    const seen = new Set<string>();
    for (const [position, element] of value.entries()) {
      let key = `i:${position}`;
      if (granular) {
        try {
          key = keyOfElement(element, shape);
        } catch (error) {
          if (!(error instanceof ElementError)) {
            throw error;
          }
          this.#fail(`element ${position}: ${error.message}`);
          return;
        }
        if (seen.has(key)) {
          this.#fail(`duplicate entries for key ${pathText([key])}`);
        }
        seen.add(key);
      }
      this.#below(key, element, shape.item);
    }
  }

  #map(value: Json, shape: Shape): void {
    if (!isObject(value)) {
      this.#fail(`expected map, got &{${quoted(goText(value))}}`);
      return;
    }
    const declares = shape.field !== undefined && shape.item === undefined;
    for (const name in value) {
      const below = shape.type === 'atomic' ? shape.field?.(name) ?? shape.item : memberShape(shape, name);
      if (below === undefined && declares) {
        this.#path.push(fieldKey(name));
        this.#fail('field not declared in schema');
        this.#path.pop();
        // As the real one: the rest of this map is looked at when the first is gone.
        return;
      }
      this.#below(fieldKey(name), value[name] ?? null, below);
    }
  }

  #below(key: string, value: Json, shape: Shape | undefined): void {
    if (shape === undefined) {
      return;
    }
    this.#path.push(key);
    this.check(value, shape);
    this.#path.pop();
  }

  check(value: Json, shape: Shape): void {
    if (value === null || shape.type === 'deduced') {
      return;
    }
    if (shape.type === 'scalar') {
      this.#scalar(value, shape);
    } else if (shape.type === 'set' || shape.type === 'associative' || shape.container === 'list') {
      this.#list(value, shape);
    } else if (shape.type !== 'atomic' || shape.container === 'map') {
      this.#map(value, shape);
    }
  }
}

/** Everything in `value` that does not fit: undeclared fields, wrong types, list elements given twice. `.spec.replicas: expected numeric (int or float), got string` */
export function typeErrors(value: Json, shape: Shape): string[] {
  const checker = new Checker();
  checker.check(value, shape);
  return checker.errors.sort();
}
