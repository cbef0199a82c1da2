/** JSON Patch (RFC 6902), failing as the API server's library does. */
import type { Json, JsonObject } from '../object.ts';
import { badRequest } from '../status.ts';
import { deepClone, deepEqual, isObject, setOwn } from '../values.ts';
import { cannotApply } from './errors.ts';

/** Characters that all `copy` operations of one patch may add: without a limit a short patch doubles a document over and over. */
export const MAX_COPIED_CHARACTERS = 3 * 1024 * 1024;

type Container = Json[] | JsonObject;

interface Operation {
  op: string;
  path: string;
  from: string | undefined;
  value: Json | undefined;
}

const isJsonObject = (value: Json | undefined): value is JsonObject => isObject(value);
const isContainer = (value: Json | undefined): value is Container => Array.isArray(value) || isJsonObject(value);

const unescapeSegment = (segment: string): string => segment.replaceAll('~1', '/').replaceAll('~0', '~');

function readOperations(operations: Json): Operation[] {
  if (!Array.isArray(operations)) {
    const type = isJsonObject(operations) ? 'object' : operations === null ? 'null' : typeof operations;
    throw badRequest(`json: cannot unmarshal ${type} into Go value of type jsonpatch.Patch`);
  }
  return operations.map((operation) => {
    if (!isJsonObject(operation)) {
      throw badRequest(`json: cannot unmarshal ${Array.isArray(operation) ? 'array' : typeof operation} into Go value of type jsonpatch.Operation`);
    }
    const { op, path, from } = operation;
    if (typeof op !== 'string') {
      throw cannotApply('Unexpected kind: unknown');
    }
    if (typeof path !== 'string') {
      throw cannotApply(`${op} operation failed to decode path: missing value`);
    }
    return {
      op, path, from: typeof from === 'string' ? from : undefined,
      value: Object.hasOwn(operation, 'value') ? operation['value'] ?? null : undefined,
    };
  });
}

/** The index a segment means in an array; `-` is its end when `end` allows that. */
function indexOf(segment: string, length: number, end: boolean): number | undefined {
  if (segment === '-') {
    return end ? length : undefined;
  }
  if (!/^-?[0-9]{1,15}$/.test(segment)) {
    return undefined;
  }
  // Negative indexes count from the end, as in the API server.
  const index = Number(segment) < 0 ? Number(segment) + length + (end ? 1 : 0) : Number(segment);
  return index >= 0 && (index < length || (end && index === length)) ? index : undefined;
}

function member(container: Container, segment: string): Json | undefined {
  if (Array.isArray(container)) {
    const index = indexOf(segment, container.length, false);
    return index === undefined ? undefined : container[index];
  }
  return Object.hasOwn(container, segment) ? container[segment] : undefined;
}

class Patching {
  readonly #document: Json;
  #copied = 0;

  constructor(document: Json) {
    this.#document = deepClone(document);
  }

  get document(): Json {
    return this.#document;
  }

  /** The container a path's last segment is in, and that segment. */
  #find(path: string, op: string): { container: Container; segment: string } {
    const segments = path.split('/').map(unescapeSegment);
    const segment = segments.pop() ?? '';
    let container: Json | undefined = segments.length === 0 ? undefined : this.#document;
    for (const step of segments.slice(1)) {
      container = isContainer(container) ? member(container, step) : undefined;
    }
    if (!isContainer(container) || (segments[0] ?? '') !== '') {
      throw cannotApply(`${op} operation does not apply: doc is missing path: ${JSON.stringify(path)}: missing value`);
    }
    return { container, segment };
  }

  /** What is at a path; an absent member of an object is undefined, an index that a list does not have an error. */
  #get(path: string, op: string): Json | undefined {
    const { container, segment } = this.#find(path, op);
    const value = member(container, segment);
    if (value === undefined && Array.isArray(container)) {
      throw cannotApply(`error in ${op} for path: '${path}': Unable to access invalid index: ${segment}: invalid index referenced`);
    }
    return value;
  }

  #add(path: string, value: Json, op: string): void {
    const { container, segment } = this.#find(path, op);
    if (!Array.isArray(container)) {
      setOwn(container, segment, value);
      return;
    }
    const index = indexOf(segment, container.length, true);
    if (index === undefined) {
      throw cannotApply(`${op} operation does not apply: error in add for path: '${path}': Unable to access invalid index: ${segment}: invalid index referenced`);
    }
    container.splice(index, 0, value);
  }

  #remove(path: string, op: string): void {
    const { container, segment } = this.#find(path, op);
    const index = Array.isArray(container) ? indexOf(segment, container.length, false) : undefined;
    if (Array.isArray(container) && index !== undefined) {
      container.splice(index, 1);
    } else if (!Array.isArray(container) && Object.hasOwn(container, segment)) {
      Reflect.deleteProperty(container, segment);
    } else {
      throw cannotApply(`${op} operation does not apply: doc is missing key: ${path}: missing value`);
    }
  }

  /** Of an absent member of an object too, as the API server's library has it. */
  #replace(path: string, value: Json): void {
    this.#get(path, 'replace');
    const { container, segment } = this.#find(path, 'replace');
    if (Array.isArray(container)) {
      container[indexOf(segment, container.length, false) ?? 0] = value;
    } else {
      setOwn(container, segment, value);
    }
  }

  #test(path: string, expected: Json): void {
    // The root itself may be tested; an absent member equals null.
    const actual = path === '' ? this.#document : this.#get(path, 'test');
    if (!deepEqual(actual ?? null, expected)) {
      throw cannotApply(`testing value ${path} failed: test failed`);
    }
  }

  #copy(from: string, path: string): void {
    const value = this.#get(from, 'copy') ?? null;
    this.#copied += JSON.stringify(value).length;
    if (this.#copied > MAX_COPIED_CHARACTERS) {
      throw cannotApply(`Unable to complete the copy, the accumulated size increase of copy is ${this.#copied}, exceeding the limit ${MAX_COPIED_CHARACTERS}`);
    }
    this.#add(path, deepClone(value), 'copy');
  }

  #move(from: string, path: string): void {
    const value = this.#get(from, 'move') ?? null;
    this.#remove(from, 'move');
    this.#add(path, value, 'move');
  }

  apply({ op, path, from, value }: Operation): void {
    switch (op) {
      case 'add': this.#add(path, deepClone(given(op, value)), op); return;
      case 'remove': this.#remove(path, op); return;
      case 'replace': this.#replace(path, deepClone(given(op, value))); return;
      case 'test': this.#test(path, value ?? null); return;
      case 'move': this.#move(given(op, from), path); return;
      case 'copy': this.#copy(given(op, from), path); return;
      default: throw cannotApply(`Unexpected kind: ${op}`);
    }
  }
}

function given<T>(op: string, value: T | undefined): T {
  if (value === undefined) {
    throw cannotApply(`${op} operation lacks a member: missing value`);
  }
  return value;
}

/** The patched document; `document` is not changed. Throws StatusErrors: 400 for no patch at all, 422 for one that does not apply. */
export function applyJsonPatch(document: Json, operations: Json): Json {
  const patching = new Patching(document);
  for (const operation of readOperations(operations)) {
    patching.apply(operation);
  }
  return patching.document;
}
