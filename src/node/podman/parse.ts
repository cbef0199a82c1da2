/** Reading JSON from outside: every field is checked, missing ones get Go's zero value. */
import { PodmanAnswerError } from './errors.ts';

export type Fields = { readonly [key: string]: unknown };

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function fieldsOf(value: unknown, what: string): Fields {
  if (!isFields(value)) {
    throw new PodmanAnswerError(`${what} is not an object`);
  }
  return value;
}

/** An object field; empty when absent. */
export function childOf(fields: Fields, key: string): Fields {
  const value = fields[key];
  return isFields(value) ? value : {};
}

export function textOf(fields: Fields, key: string): string {
  const value = fields[key];
  return typeof value === 'string' ? value : '';
}

export function requiredText(fields: Fields, key: string, what: string): string {
  const value = textOf(fields, key);
  if (value === '') {
    throw new PodmanAnswerError(`${what} without ${key}`);
  }
  return value;
}

export function numberOf(fields: Fields, key: string): number {
  const value = fields[key];
  return typeof value === 'number' ? value : 0;
}

export function booleanOf(fields: Fields, key: string): boolean {
  return fields[key] === true;
}

export function textsOf(fields: Fields, key: string): string[] {
  const value = fields[key];
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

export function mapOf(fields: Fields, key: string): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(childOf(fields, key))) {
    if (typeof value === 'string') {
      result[name] = value;
    }
  }
  return result;
}

export function listOf(value: unknown, what: string): unknown[] {
  if (value === null) {
    return [];
  }
  if (!Array.isArray(value)) {
    throw new PodmanAnswerError(`${what} is not a list`);
  }
  return value;
}

/** A Go time; undefined for its zero value, which Podman writes for "never". */
export function timeOf(fields: Fields, key: string): Date | undefined {
  const text = textOf(fields, key);
  const time = new Date(text);
  return text === '' || Number.isNaN(time.getTime()) || time.getUTCFullYear() < 1970 ? undefined : time;
}
