/** JSON values as Go's fmt writes what the API server's decoders made of them: some of its messages quote them so. */
import type { Json } from './object.ts';
import { isObject } from './values.ts';

/** `%v`: `map[a:1 b:[x y]]` */
export function goText(value: Json): string {
  if (Array.isArray(value)) {
    return `[${value.map(goText).join(' ')}]`;
  }
  if (isObject(value)) {
    return `map[${Object.keys(value).sort().map((name) => `${name}:${goText(value[name] ?? null)}`).join(' ')}]`;
  }
  return value === null ? '<nil>' : String(value);
}

/** `%T`: `int64`, `map[string]interface {}` */
export function goType(value: Json): string {
  switch (typeof value) {
    case 'string': return 'string';
    case 'boolean': return 'bool';
    case 'number': return Number.isInteger(value) ? 'int64' : 'float64';
    default: return Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}';
  }
}

/** `%#v` */
export function goSyntax(value: Json): string {
  if (typeof value === 'object' && value !== null) {
    const inside = Array.isArray(value) ? value.map(goSyntax) : Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${goSyntax(value[name] ?? null)}`);
    return `${goType(value)}{${inside.join(', ')}}`;
  }
  return value === null ? 'interface {}(nil)' : JSON.stringify(value);
}
