/** For tests: the rules of a kind as a table, one line for each way to be wrong with the exact words of the refusal. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json, JsonObject } from '../apimachinery/object.ts';
import { deepClone } from '../apimachinery/values.ts';
import type { AnyKind } from './kind.ts';
import { create, set, texts, update } from './testing.ts';

/** The long words of name rules, so that tables can be read. */
export const SUBDOMAIN = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric "
  + "character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
export const LABEL = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character "
  + "(e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
export const LABEL_1035 = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric "
  + "character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
export const QUALIFIED = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or "
  + "'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

/** A member of the object (`spec.ports.0.port`), the value that makes it wrong (undefined removes it), and everything that is then said. */
export type Wrong = readonly [path: string, value: Json | undefined, ...errors: string[]];

export interface RuleTable {
  /** A valid object without apiVersion and kind. */
  readonly base: JsonObject;
  /** Of new objects. */
  readonly create?: readonly Wrong[];
  /** Of updates of the base. */
  readonly update?: readonly Wrong[];
  /** Of updates through `/status`. */
  readonly status?: readonly Wrong[];
}

function changed(base: JsonObject, path: string, value: Json | undefined): JsonObject {
  const object = deepClone(base);
  set(object, path, value);
  return object;
}

/** Declares the tests of a table. */
export function testRules(kind: AnyKind, table: RuleTable): void {
  void test(`${kind.kind} of ${kind.group || 'core'} ${kind.version}`, () => {
    assert.deepEqual(create(kind, table.base).errors, [], 'the base is valid');
    for (const [path, value, ...errors] of table.create ?? []) {
      assert.deepEqual(create(kind, changed(table.base, path, value)).errors, errors, `create: ${path} = ${JSON.stringify(value)}`);
    }
    for (const [path, value, ...errors] of table.update ?? []) {
      const old = create(kind, table.base).object;
      assert.deepEqual(update(kind, old, (object) => { set(object, path, value); }).errors, errors, `update: ${path} = ${JSON.stringify(value)}`);
    }
    for (const [path, value, ...errors] of table.status ?? []) {
      const old = create(kind, table.base).object;
      const object = deepClone(old);
      set(object, path, value);
      assert.deepEqual(texts(kind.rules.validateStatus?.(object, old) ?? []), errors, `status: ${path} = ${JSON.stringify(value)}`);
    }
  });
}
