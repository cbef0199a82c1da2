/** Finds the type of every part of an expression and which overloads a call may mean. Messages are cel-go's. */
import type { BindExpr, CallExpr, Expr, IdentExpr, ListExpr, LoopExpr, MapExpr, OptMapExpr, SelectExpr, StructExpr } from './ast.ts';
import type { CelIssue } from './errors.ts';
import type { FunctionTable } from './functions.ts';
import type { Overload } from './overload.ts';
import { qualifiedName } from './parser.ts';
import {
  BOOL, BYTES, DOUBLE, DURATION, DYN, ERROR, INT, listOf, mapOf, NULL, optionalElement, optionalOf, STRING, TIMESTAMP, typeText, UINT,
  type CelType, type ObjectType,
} from './types.ts';
import { Types } from './unify.ts';
import { CelTypeValue, CelUint, type CelValue } from './values.ts';

/** Names of types that expressions may use as values. */
const TYPE_IDENTIFIERS: ReadonlyMap<string, { type: CelType; name: string }> = new Map([
  ['bool', BOOL], ['int', INT], ['uint', UINT], ['double', DOUBLE], ['string', STRING], ['bytes', BYTES],
  ['google.protobuf.Timestamp', TIMESTAMP], ['google.protobuf.Duration', DURATION], ['null_type', NULL],
  ['list', listOf(DYN)], ['map', mapOf(DYN, DYN)], ['type', { kind: 'type', of: DYN }],
].map(([name, type]) => [name, { name, type }] as [string, { type: CelType; name: string }]));

export interface Environment {
  readonly variables: Readonly<Record<string, CelType>>;
  readonly functions: FunctionTable;
  readonly structs: (name: string) => ObjectType | undefined;
}

/** What the checker found out; the planner and the estimate work from it. */
export interface Checked {
  readonly expr: Expr;
  readonly type: CelType;
  readonly types: ReadonlyMap<Expr, CelType>;
  /** The overloads a call may mean, by the types known; `namespaced` calls have no receiver though they are written with a dot. */
  readonly calls: ReadonlyMap<CallExpr, { readonly overloads: readonly Overload[]; readonly namespaced: boolean; readonly name: string }>;
  /** Names that stand for types. */
  readonly constants: ReadonlyMap<Expr, CelTypeValue>;
  /** Selections that are really a variable with dots in its name (`authorizer.requestResource`). */
  readonly dotted: ReadonlyMap<Expr, string>;
  readonly structs: ReadonlyMap<StructExpr, ObjectType>;
  readonly issues: readonly CelIssue[];
}

function constType(value: CelValue): CelType {
  switch (typeof value) {
    case 'bigint': return INT;
    case 'number': return DOUBLE;
    case 'string': return STRING;
    case 'boolean': return BOOL;
    default: return value === null ? NULL : value instanceof CelUint ? UINT : BYTES;
  }
}

const KEY_KINDS: ReadonlySet<CelType['kind']> = new Set(['bool', 'int', 'uint', 'double', 'string', 'dyn', 'var', 'error']);

interface Scope { readonly name: string; readonly type: CelType; readonly outer: Scope | undefined }

class Checker {
  readonly issues: CelIssue[] = [];
  readonly types = new Map<Expr, CelType>();
  readonly calls = new Map<CallExpr, { overloads: readonly Overload[]; namespaced: boolean; name: string }>();
  readonly constants = new Map<Expr, CelTypeValue>();
  readonly dotted = new Map<Expr, string>();
  readonly structs = new Map<StructExpr, ObjectType>();
  readonly #unifier = new Types();
  readonly #env: Environment;

  constructor(env: Environment) {
    this.#env = env;
  }

  run(expr: Expr): Checked {
    const type = this.check(expr, undefined);
    for (const [node, found] of this.types) {
      this.types.set(node, this.#unifier.final(found));
    }
    const { types, calls, constants, dotted, structs, issues } = this;
    return { expr, type: this.#unifier.final(type), types, calls, constants, dotted, structs, issues };
  }

  #report(at: number, message: string): CelType {
    this.issues.push({ offset: at, message });
    return ERROR;
  }

  #text(type: CelType): string {
    return typeText(this.#unifier.final(type));
  }

  check(expr: Expr, scope: Scope | undefined): CelType {
    const type = this.#typeOf(expr, scope);
    this.types.set(expr, type);
    return type;
  }

  #typeOf(expr: Expr, scope: Scope | undefined): CelType {
    switch (expr.kind) {
      case 'const': return constType(expr.value);
      case 'ident': return this.#ident(expr, scope);
      case 'select': return this.#select(expr, scope);
      case 'call': return this.#call(expr, scope);
      case 'list': return this.#list(expr, scope);
      case 'map': return this.#map(expr, scope);
      case 'struct': return this.#struct(expr, scope);
      case 'loop': return this.#loop(expr, scope);
      case 'bind': return this.#bind(expr, scope);
      case 'optmap': return this.#optMap(expr, scope);
      default: return ERROR;
    }
  }

  #lookup(name: string, scope: Scope | undefined): CelType | undefined {
    for (let at = scope; at !== undefined; at = at.outer) {
      if (at.name === name) {
        return at.type;
      }
    }
    return Object.hasOwn(this.#env.variables, name) ? this.#env.variables[name] : undefined;
  }

  #constant(expr: Expr, name: string): CelType | undefined {
    const known = TYPE_IDENTIFIERS.get(name);
    const type: CelType | undefined = known?.type ?? (this.#env.functions.typeNames.has(name) ? { kind: 'opaque', name, params: [] } : undefined);
    if (type === undefined) {
      return undefined;
    }
    this.constants.set(expr, new CelTypeValue(name));
    return { kind: 'type', of: type };
  }

  #ident(expr: IdentExpr, scope: Scope | undefined): CelType {
    return this.#lookup(expr.name, scope) ?? this.#constant(expr, expr.name)
      ?? this.#report(expr.at, `undeclared reference to '${expr.name}' (in container '')`);
  }

  /** True for a chain of names whose first is no variable: it can only name a type or a library. */
  #isPath(expr: Expr, scope: Scope | undefined): boolean {
    return expr.kind === 'ident' ? this.#lookup(expr.name, scope) === undefined : expr.kind === 'select' && this.#isPath(expr.operand, scope);
  }

  #select(expr: SelectExpr, scope: Scope | undefined): CelType {
    const path = qualifiedName(expr);
    const constant = path !== undefined && this.#isPath(expr, scope) ? this.#constant(expr, path) : undefined;
    if (constant !== undefined) {
      return constant;
    }
    const variable = path === undefined || expr.test || !Object.hasOwn(this.#env.variables, path) ? undefined : this.#env.variables[path];
    if (path !== undefined && variable !== undefined) {
      this.dotted.set(expr, path);
      return variable;
    }
    const operand = this.#unifier.resolve(this.check(expr.operand, scope));
    const held = optionalElement(operand);
    const found = this.#fieldType(expr, this.#unifier.resolve(held ?? operand));
    if (expr.test) {
      return BOOL;
    }
    return (expr.optional || held !== undefined) && found.kind !== 'error' && optionalElement(found) === undefined ? optionalOf(found) : found;
  }

  #fieldType(expr: SelectExpr, operand: CelType): CelType {
    switch (operand.kind) {
      case 'object': {
        const field = operand.field(expr.field);
        return field === undefined ? operand.open === true ? DYN : this.#report(expr.at, `undefined field '${expr.field}'`) : field.type;
      }
      case 'map': return this.#unifier.assignable(operand.key, STRING) ? operand.value
        : this.#report(expr.at, `type '${this.#text(operand)}' does not support field selection`);
      case 'dyn': case 'error': return operand;
      case 'var': return DYN;
      default: return this.#report(expr.at, `type '${this.#text(operand)}' does not support field selection`);
    }
  }

  #call(expr: CallExpr, scope: Scope | undefined): CelType {
    const { target, fn, args } = expr;
    const prefix = target === undefined ? undefined : qualifiedName(target);
    const namespaced = prefix !== undefined && target !== undefined && this.#isPath(target, scope) && this.#env.functions.find(`${prefix}.${fn}`).length > 0;
    const name = namespaced ? `${prefix}.${fn}` : fn;
    const operands = target === undefined || namespaced ? args : [target, ...args];
    const types = operands.map((one) => this.check(one, scope));
    const member = target !== undefined && !namespaced;
    const declared = this.#env.functions.find(name);
    if (declared.length === 0) {
      return this.#report(expr.at, `undeclared reference to '${name}' (in container '')`);
    }
    return this.#resolve(expr, { name, member, namespaced, declared }, types);
  }

  #resolve(expr: CallExpr, fn: { name: string; member: boolean; namespaced: boolean; declared: readonly Overload[] }, types: readonly CelType[]): CelType {
    const overloads: Overload[] = [];
    let result: CelType | undefined;
    for (const one of fn.declared) {
      if (one.member !== fn.member) {
        continue;
      }
      const names = new Map<string, CelType>();
      const params = one.params.map((param) => this.#unifier.instantiate(param, names));
      if (this.#unifier.allAssignable(params, types)) {
        overloads.push(one);
        const found = this.#unifier.final(this.#unifier.instantiate(one.result, names));
        const shown = this.#unifier.instantiate(one.result, names);
        result = result === undefined ? shown : this.#text(result) === typeText(found) ? result : DYN;
      }
    }
    if (result === undefined) {
      return this.#mismatch(expr, fn, types);
    }
    this.calls.set(expr, { overloads, namespaced: fn.namespaced, name: fn.name });
    return result;
  }

  #mismatch(expr: CallExpr, fn: { name: string; member: boolean }, types: readonly CelType[]): CelType {
    if (types.some((type) => this.#unifier.resolve(type).kind === 'error')) {
      return ERROR;
    }
    const texts = types.map((type) => this.#text(type));
    const signature = fn.member ? `${texts[0] ?? ''}.(${texts.slice(1).join(', ')})` : `(${texts.join(', ')})`;
    return this.#report(expr.at, `found no matching overload for '${fn.name}' applied to '${signature}'`);
  }

  /** The type of an entry that may be optional: what it holds. */
  #entry(value: Expr, optional: boolean, scope: Scope | undefined): CelType {
    const type = this.check(value, scope);
    if (!optional) {
      return type;
    }
    const resolved = this.#unifier.resolve(type);
    const held = optionalElement(resolved);
    return held ?? (resolved.kind === 'dyn' || resolved.kind === 'error' ? resolved : this.#report(value.at, `expected type 'optional_type(dyn)' but found '${this.#text(type)}'`));
  }

  /** Kubernetes wants literals of one type only. */
  #joined(before: CelType | undefined, type: CelType, at: number): CelType {
    if (before === undefined) {
      return type;
    }
    const joined = this.#unifier.join(before, type);
    const [a, b] = [this.#unifier.resolve(before), this.#unifier.resolve(type)];
    if (joined.kind === 'dyn' && a.kind !== 'dyn' && b.kind !== 'dyn' && a.kind !== 'error' && b.kind !== 'error') {
      return this.#report(at, `expected type '${this.#text(before)}' but found '${this.#text(type)}'`);
    }
    return joined;
  }

  #list(expr: ListExpr, scope: Scope | undefined): CelType {
    let element: CelType | undefined;
    for (const { value, optional } of expr.items) {
      element = this.#joined(element, this.#entry(value, optional, scope), value.at);
    }
    return listOf(element ?? this.#unifier.fresh());
  }

  /** Keys of other types could never be found again; and types that grow on both sides would double with each level. */
  #key(expr: Expr, scope: Scope | undefined): CelType {
    const type = this.#unifier.resolve(this.check(expr, scope));
    return KEY_KINDS.has(type.kind) ? type : this.#report(expr.at, 'unsupported key type');
  }

  #map(expr: MapExpr, scope: Scope | undefined): CelType {
    let key: CelType | undefined;
    let value: CelType | undefined;
    for (const entry of expr.entries) {
      key = this.#joined(key, this.#key(entry.key, scope), entry.key.at);
      value = this.#joined(value, this.#entry(entry.value, entry.optional, scope), entry.value.at);
    }
    return mapOf(key ?? this.#unifier.fresh(), value ?? this.#unifier.fresh());
  }

  #struct(expr: StructExpr, scope: Scope | undefined): CelType {
    const type = this.#env.structs(expr.type);
    if (type === undefined) {
      return this.#report(expr.at, `undeclared reference to '${expr.type}' (in container '')`);
    }
    this.structs.set(expr, type);
    for (const { at, name, value, optional } of expr.fields) {
      const given = this.#entry(value, optional, scope);
      const field = type.field(name);
      if (field === undefined) {
        this.#report(at, `undefined field '${name}'`);
      } else if (!this.#unifier.assignable(field.type, given)) {
        this.#report(at, `expected type of field '${name}' is '${this.#text(field.type)}' but provided type is '${this.#text(given)}'`);
      }
    }
    return type;
  }

  #rangeTypes(expr: LoopExpr, range: CelType): readonly [CelType, CelType] {
    const two = expr.variables.length === 2;
    switch (range.kind) {
      case 'list': return two ? [INT, range.element] : [range.element, range.element];
      case 'map': return [range.key, range.value];
      case 'dyn': case 'error': case 'var': return [DYN, DYN];
      default: {
        const error = this.#report(expr.range.at, `expression of type '${this.#text(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`);
        return [error, error];
      }
    }
  }

  #mustBeBool(expr: Expr | undefined, scope: Scope): void {
    if (expr !== undefined) {
      const type = this.check(expr, scope);
      if (!this.#unifier.assignable(BOOL, type)) {
        this.#report(expr.at, `expected type 'bool' but found '${this.#text(type)}'`);
      }
    }
  }

  #loop(expr: LoopExpr, outer: Scope | undefined): CelType {
    const range = this.#unifier.resolve(this.check(expr.range, outer));
    const [first, second] = this.#rangeTypes(expr, range);
    let scope: Scope = { name: expr.variables[0], type: first, outer };
    if (expr.variables[1] !== undefined) {
      scope = { name: expr.variables[1], type: second, outer: scope };
    }
    this.#mustBeBool(expr.filter, scope);
    switch (expr.macro) {
      case 'filter': return listOf(first);
      case 'map': return listOf(expr.body === undefined ? DYN : this.check(expr.body, scope));
      case 'transformMap': return mapOf(range.kind === 'list' ? INT : first, expr.body === undefined ? DYN : this.check(expr.body, scope));
      case 'transformMapEntry': return this.#mapEntry(expr, scope);
      default:
        this.#mustBeBool(expr.body, scope);
        return BOOL;
    }
  }

  #mapEntry(expr: LoopExpr, scope: Scope): CelType {
    const type = expr.body === undefined ? DYN : this.#unifier.resolve(this.check(expr.body, scope));
    return type.kind === 'map' || type.kind === 'error' ? type : type.kind === 'dyn' ? mapOf(DYN, DYN)
      : this.#report(expr.at, `found no matching overload for 'cel.@mapInsert' applied to '(map(dyn, dyn), ${this.#text(type)})'`);
  }

  #bind(expr: BindExpr, outer: Scope | undefined): CelType {
    const type = this.check(expr.value, outer);
    return this.check(expr.body, { name: expr.name, type, outer });
  }

  #optMap(expr: OptMapExpr, outer: Scope | undefined): CelType {
    const target = this.#unifier.resolve(this.check(expr.target, outer));
    const held = optionalElement(target) ?? (target.kind === 'dyn' || target.kind === 'error' ? target
      : this.#report(expr.at, `found no matching overload for 'hasValue' applied to '${this.#text(target)}.()'`));
    const body = this.#unifier.resolve(this.check(expr.body, { name: expr.name, type: held, outer }));
    if (!expr.flat) {
      return optionalOf(body);
    }
    return optionalElement(body) !== undefined || body.kind === 'dyn' || body.kind === 'error' ? body
      : this.#report(expr.at, `found no matching overload for '_?_:_' applied to '(bool, ${this.#text(body)}, optional_type(dyn))'`);
  }
}

/** Types of an expression in an environment. Never throws: what is wrong stands in `issues`. */
export const checkExpression = (expr: Expr, env: Environment): Checked => new Checker(env).run(expr);
