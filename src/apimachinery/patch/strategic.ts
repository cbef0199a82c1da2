/**
 * Strategic merge patch: a merge that knows which lists are keyed, and takes directives (`$patch`, `$retainKeys`,
 * `$deleteFromPrimitiveList/…`, `$setElementOrder/…`). Behaves as k8s.io/apimachinery/pkg/util/strategicpatch.
 */
import type { Json, JsonObject } from '../object.ts';
import { badRequest } from '../status.ts';
import type { Field, MessageType, TypeRef, TypeTable } from '../typetable.ts';
import { deepClone, isObject, setOwn } from '../values.ts';
import { cannotApply } from './errors.ts';
import { deduplicate, identity, inPatchOrder } from './order.ts';

const DIRECTIVE = '$patch';
const RETAIN_KEYS = '$retainKeys';
const DELETE_FROM_LIST = '$deleteFromPrimitiveList/';
const ELEMENT_ORDER = '$setElementOrder/';

const BAD_RETAIN_KEYS = 'invalid patch format of retainKeys';
const BAD_ELEMENT_ORDER = 'invalid patch format of setElementOrder list';
const BAD_PRIMITIVE_LIST = 'invalid patch format of primitive list';

const isJsonObject = (value: Json | undefined): value is JsonObject => isObject(value);
const own = (object: JsonObject, key: string): Json | undefined => (Object.hasOwn(object, key) ? object[key] : undefined);
const isDirective = (key: string): boolean =>
  key === DIRECTIVE || key === RETAIN_KEYS || key.startsWith(DELETE_FROM_LIST) || key.startsWith(ELEMENT_ORDER);

const badPatchType = (directive: Json, where: JsonObject): Error =>
  cannotApply(`unknown patch type ${JSON.stringify(directive)} in map ${JSON.stringify(where)}`);

/** What is known of a place in the document: of a struct its fields, of a map the type of its members. */
type Shape = { message: MessageType } | { of: TypeRef } | undefined;

interface Rules {
  strategy: string | undefined;
  mergeKey: string | undefined;
  shape: Shape;
}

class Merger {
  readonly #table: TypeTable;

  constructor(table: TypeTable) {
    this.#table = table;
  }

  shapeOf(type: TypeRef): Shape {
    switch (type.t) {
      case 'message': {
        const message = this.#table.get(type.name);
        return message === undefined ? undefined : { message };
      }
      case 'map': return { of: type.of };
      case 'list': return this.shapeOf(type.of);
      default: return undefined;
    }
  }

  #rules(shape: Shape, key: string): Rules {
    if (shape === undefined) {
      return { strategy: undefined, mergeKey: undefined, shape: undefined };
    }
    if ('of' in shape) {
      return { strategy: undefined, mergeKey: undefined, shape: this.shapeOf(shape.of) };
    }
    const field: Field | undefined = shape.message.fields.get(key);
    const strategy = field?.patchStrategy?.split(',').find((one) => one !== 'retainKeys');
    return { strategy, mergeKey: field?.patchMergeKey, shape: field === undefined ? undefined : this.shapeOf(field.type) };
  }

  /** Merges two objects into a new one. */
  mergeObjects(original: JsonObject, patch: JsonObject, shape: Shape): JsonObject {
    const directive = own(patch, DIRECTIVE);
    if (directive !== undefined) {
      switch (directive) {
        case 'replace': return withoutNulls(withoutDirective(patch));
        case 'delete': return {};
        default: throw badPatchType(directive, patch);
      }
    }
    const result = retained(original, patch);
    const ordered = this.#applyElementOrders(result, patch, shape);
    for (const [key, value] of Object.entries(patch)) {
      if (key.startsWith(DELETE_FROM_LIST)) {
        removeFromList(result, key.slice(DELETE_FROM_LIST.length), value);
      }
    }
    for (const [key, value] of Object.entries(patch)) {
      if (isDirective(key) || ordered.has(key)) {
        continue;
      }
      if (value === null) {
        Reflect.deleteProperty(result, key);
      } else {
        this.#mergeMember(result, key, value, this.#rules(shape, key));
      }
    }
    return result;
  }

  #mergeMember(result: JsonObject, key: string, value: Json, rules: Rules): void {
    const existing = own(result, key);
    if (isJsonObject(existing) && isJsonObject(value)) {
      setOwn(result, key, rules.strategy === 'replace' ? withoutNulls(withoutDirective(value)) : this.mergeObjects(existing, value, rules.shape));
      return;
    }
    if (Array.isArray(existing) && Array.isArray(value)) {
      setOwn(result, key, this.#mergeLists(existing, value, rules));
      return;
    }
    const taken = withoutDirectives(value);
    if (taken === undefined) {
      Reflect.deleteProperty(result, key);
    } else {
      setOwn(result, key, withoutNullMembers(taken));
    }
  }

  #mergeLists(original: Json[], patch: Json[], rules: Rules): Json[] {
    if (rules.strategy !== 'merge') {
      return patch.map((element) => withoutDirectives(element)).filter((element) => element !== undefined);
    }
    const kinds = new Set([...original, ...patch].map((element) => (Array.isArray(element) ? 'list' : isJsonObject(element) ? 'object' : 'scalar')));
    if (kinds.has('list')) {
      throw cannotApply('lists of lists are not supported');
    }
    if (kinds.size === 0) {
      return original;
    }
    if (kinds.size > 1) {
      throw cannotApply('list element types are not identical: list contains both objects and scalars');
    }
    if (kinds.has('scalar')) {
      return inPatchOrder(deduplicate([...original, ...patch]), patch, original, undefined);
    }
    return this.#mergeKeyedLists(original.filter(isJsonObject), patch.filter(isJsonObject), rules);
  }

  #mergeKeyedLists(original: JsonObject[], patch: JsonObject[], { mergeKey, shape }: Rules): Json[] {
    if (mergeKey === undefined) {
      throw cannotApply('cannot merge lists without merge key');
    }
    const { kept, changes, replace } = applyElementDirectives(original, patch, mergeKey);
    if (replace) {
      return changes;
    }
    const merged = [...kept];
    const places = new Map(kept.map((element, index): [string, number] => [identity(element, mergeKey), index]).reverse());
    for (const change of changes) {
      keyOf(change, mergeKey);
      const id = identity(change, mergeKey);
      const index = places.get(id) ?? merged.length;
      const existing = merged[index];
      merged[index] = existing === undefined ? withoutNulls(change) : this.mergeObjects(existing, change, shape);
      places.set(id, index);
    }
    return inPatchOrder(merged, changes, kept, mergeKey);
  }

  /** `$setElementOrder/x`: merges the list `x` and puts it in the given order. Returns the members thereby done. */
  #applyElementOrders(result: JsonObject, patch: JsonObject, shape: Shape): Set<string> {
    const done = new Set<string>();
    for (const [directive, order] of Object.entries(patch)) {
      if (!directive.startsWith(ELEMENT_ORDER)) {
        continue;
      }
      const key = directive.slice(ELEMENT_ORDER.length);
      const [existing, change] = [own(result, key), own(patch, key)];
      if (!Array.isArray(order) || !isListOrNothing(existing) || !isListOrNothing(change) || change === null) {
        throw badRequest(BAD_ELEMENT_ORDER);
      }
      const rules = this.#rules(shape, key);
      const list = this.#orderedList(existing ?? undefined, change, rules);
      if (list === undefined) {
        continue;
      }
      checkOrder(change ?? [], order, rules.mergeKey);
      setOwn(result, key, inPatchOrder(list, order, existing ?? [], rules.mergeKey));
      done.add(key);
    }
    return done;
  }

  #orderedList(existing: Json[] | undefined, change: Json[] | undefined, rules: Rules): Json[] | undefined {
    if (change === undefined) {
      return existing;
    }
    return existing === undefined
      ? change.map((element) => withoutDirectives(element)).filter((element) => element !== undefined).map(withoutNullMembers)
      : this.#mergeLists(existing, change, rules);
  }
}

const isListOrNothing = (value: Json | undefined): value is Json[] | null | undefined => Array.isArray(value) || value === null || value === undefined;

function keyOf(element: JsonObject, mergeKey: string): Json {
  const key = own(element, mergeKey);
  if (key === undefined) {
    throw cannotApply(`map: ${JSON.stringify(element)} does not contain declared merge key: ${mergeKey}`);
  }
  return key;
}

/** Takes `$patch` elements out of a keyed list's patch: deletions are done, `replace` says that the patch is the list. */
function applyElementDirectives(original: JsonObject[], patch: JsonObject[], mergeKey: string): { kept: JsonObject[]; changes: JsonObject[]; replace: boolean } {
  const deleted = new Set<string>();
  let replace = false;
  const changes: JsonObject[] = [];
  for (const element of patch) {
    const directive = own(element, DIRECTIVE);
    switch (directive) {
      case undefined: changes.push(element); break;
      case 'delete':
        keyOf(element, mergeKey);
        deleted.add(identity(element, mergeKey));
        break;
      case 'replace': replace = true; break;
      case 'merge': throw cannotApply('merging lists cannot yet be specified in the patch');
      default: throw badPatchType(directive, element);
    }
  }
  const kept = deleted.size === 0 ? original : original.filter((one) => !deleted.has(identity(one, mergeKey)));
  return { kept, changes: replace ? changes.map(withoutNulls) : changes, replace };
}

/** A copy of `original` with only what `$retainKeys` lists, when the patch has it. */
function retained(original: JsonObject, patch: JsonObject): JsonObject {
  const keep = own(patch, RETAIN_KEYS);
  if (keep === undefined) {
    return { ...original };
  }
  if (!Array.isArray(keep)) {
    throw badRequest(BAD_RETAIN_KEYS);
  }
  for (const [key, value] of Object.entries(patch)) {
    if (value !== null && !isDirective(key) && !keep.includes(key)) {
      throw badRequest(BAD_RETAIN_KEYS);
    }
  }
  return Object.fromEntries(Object.entries(original).filter(([key]) => keep.includes(key)));
}

function removeFromList(result: JsonObject, key: string, values: Json): void {
  const existing = own(result, key);
  if (!Array.isArray(values)) {
    throw badRequest(BAD_PRIMITIVE_LIST);
  }
  if (Array.isArray(existing)) {
    const gone = new Set(values.map((value) => identity(value, undefined)));
    setOwn(result, key, existing.filter((element) => !gone.has(identity(element, undefined))));
  }
}

/** The patch's elements must come in the order the directive gives. */
function checkOrder(change: Json[], order: Json[], mergeKey: string | undefined): void {
  const elements = change.filter((element) => !isJsonObject(element) || own(element, DIRECTIVE) !== 'delete');
  let [next, at] = [0, 0];
  while (next < elements.length && at < order.length) {
    const element = elements[next] ?? null;
    if (isJsonObject(element) && own(element, DIRECTIVE) !== undefined) {
      next += 1;
      continue;
    }
    if (mergeKey !== undefined && isJsonObject(element)) {
      keyOf(element, mergeKey);
    }
    if (identity(element, mergeKey) === identity(order[at] ?? null, mergeKey)) {
      next += 1;
    }
    at += 1;
  }
  if (next < elements.length && order.length > 0) {
    throw badRequest(`The order in patch list:\n${JSON.stringify(change)}\n doesn't match ${ELEMENT_ORDER} list:\n${JSON.stringify(order)}\n`);
  }
}

const withoutDirective = (patch: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(patch).filter(([key]) => key !== DIRECTIVE));

/** What a patch adds where nothing was, without directives; undefined for an object that is one (it has nothing to act on). */
function withoutDirectives(value: Json): Json | undefined {
  if (Array.isArray(value)) {
    return value.map(withoutDirectives).filter((element) => element !== undefined);
  }
  if (!isJsonObject(value)) {
    return value;
  }
  if (own(value, DIRECTIVE) !== undefined) {
    return undefined;
  }
  const kept: JsonObject = {};
  for (const [key, member] of Object.entries(value)) {
    const taken = isDirective(key) ? undefined : withoutDirectives(member);
    if (taken !== undefined) {
      setOwn(kept, key, taken);
    }
  }
  return kept;
}

function withoutNullMembers(value: Json): Json {
  if (Array.isArray(value)) {
    return value.map(withoutNullMembers);
  }
  return isJsonObject(value) ? withoutNulls(value) : value;
}

function withoutNulls(value: JsonObject): JsonObject {
  const kept: JsonObject = {};
  for (const [key, member] of Object.entries(value)) {
    if (member !== null) {
      setOwn(kept, key, withoutNullMembers(member));
    }
  }
  return kept;
}

/**
 * The patched document, of the message named `message`; neither argument is changed, and nothing of the result is shared with
 * them. Throws StatusErrors: 400 for a malformed patch, 422 for one that cannot be applied.
 */
export function applyStrategicPatch(document: JsonObject, patch: JsonObject, table: TypeTable, message: string): JsonObject {
  const merger = new Merger(table);
  return deepClone(merger.mergeObjects(document, patch, merger.shapeOf({ t: 'message', name: message })));
}
