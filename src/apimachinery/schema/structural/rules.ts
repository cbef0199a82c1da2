/**
 * `x-kubernetes-validations`: CEL rules of a schema, compiled and checked when it is defined, evaluated on every write with a budget for the
 * whole object. Semantics and words are Kubernetes' (k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel): transition rules need an
 * old value, and rules about values that did not change are not held against an update.
 */
import {
  BOOL, CelCompileError, celTypeOfSchema, compile, optionalOf, STATIC_COST_LIMIT, STATIC_CRD_COST_LIMIT, STRING,
  type CelProgram, type CelType,
} from '../../cel/index.ts';
import { fieldError, type FieldError } from '../../status.ts';
import { MAX_SCHEMA_ERRORS } from './limits.ts';
import { child, keyed, placeText, type Place } from './path.ts';
import { simpleSteps } from '../../jsonpath.ts';
import type { StructuralSchema, ValidationRule } from './types.ts';

export interface CompiledRule {
  readonly rule: ValidationRule;
  /** The type of the values the rule is about. */
  readonly self: CelType;
  readonly program: CelProgram;
  readonly message: CelProgram | undefined;
  readonly usesOldSelf: boolean;
  /** Steps below the rule's place that errors name. */
  readonly fieldSteps: readonly string[];
}

/** The rules of one place; a rule that does not compile is an error, kept with it. */
export interface PlaceRules {
  readonly rules: readonly (CompiledRule | CelCompileError)[];
}

function compileRule(rule: ValidationRule, self: CelType): CompiledRule | CelCompileError {
  const old = rule.optionalOldSelf === true ? optionalOf(self) : self;
  const variables = { self, oldSelf: old };
  try {
    const program = compile(rule.rule, { variables, expected: BOOL });
    const message = rule.messageExpression === undefined ? undefined : compile(rule.messageExpression, { variables, expected: STRING });
    return { rule, self, program, message, usesOldSelf: program.uses('oldSelf'), fieldSteps: rule.fieldPath === undefined ? [] : simpleSteps(rule.fieldPath) ?? [] };
  } catch (error) {
    if (error instanceof CelCompileError) {
      return error;
    }
    throw error;
  }
}

/** Undefined where there are no rules. `isResource`: `self` has apiVersion, kind and metadata whatever the schema says. */
export function compilePlace(schema: StructuralSchema, isResource: boolean): PlaceRules | undefined {
  if (schema.validations === undefined) {
    return undefined;
  }
  const self = celTypeOfSchema(schema, isResource);
  return self === undefined ? undefined : { rules: schema.validations.map((rule) => compileRule(rule, self)) };
}

const HINT = '(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)';

/** `estimated rule cost exceeds budget by factor of 5.4x …` */
function costText(what: string, cost: number, limit: number): string {
  const factor = cost / limit;
  const shown = factor > 100 ? 'more than 100x' : `${factor < 1.5 ? factor.toFixed(6) : factor.toFixed(1)}x`;
  return `${what} exceeds budget by factor of ${shown} ${HINT}`;
}

interface Costly {
  readonly place: string;
  readonly cost: number;
}

/** Rules that contributed most to a schema that is too expensive as a whole; so many are named. */
const MAX_NAMED_COSTLY = 4;

/** A place with rules. */
interface RulePlace {
  readonly schema: StructuralSchema;
  readonly place: Place;
  /** How many values of this place one object can hold. */
  readonly count: number;
  /** The place above which old values are not found again. */
  readonly uncorrelated: Place | undefined;
  readonly isResource: boolean;
}

/** Walks a schema for places with rules, and says what is wrong with them. */
class RuleChecker {
  readonly errors: FieldError[] = [];
  readonly places: RulePlace[] = [];
  readonly #costs: Costly[] = [];
  #total = 0;

  visit(schema: StructuralSchema, place: Place, count: number, uncorrelated: Place | undefined, isResource: boolean): void {
    if (schema.validations !== undefined) {
      this.places.push({ schema, place, count, uncorrelated, isResource });
    }
    for (const [name, property] of schema.properties ?? []) {
      this.visit(property, keyed(child(place, 'properties'), name), count, uncorrelated, property.embeddedResource === true);
    }
    this.#many(schema, place, count, uncorrelated);
  }

  /** What lists and maps hold: many values, whose old ones are found again by their keys only. */
  #many(schema: StructuralSchema, place: Place, count: number, uncorrelated: Place | undefined): void {
    const { items, additionalProperties, listType, mapType } = schema;
    const values = typeof additionalProperties === 'object' ? additionalProperties : undefined;
    if (items === undefined && values === undefined) {
      return;
    }
    const type = celTypeOfSchema(schema, false);
    const times = count * (type?.kind === 'list' || type?.kind === 'map' ? type.max ?? Number.POSITIVE_INFINITY : 1);
    if (items !== undefined) {
      this.visit(items, child(place, 'items'), times, listType === 'map' ? uncorrelated : uncorrelated ?? place, items.embeddedResource === true);
    }
    if (values !== undefined) {
      this.visit(values, child(place, 'additionalProperties'), times, mapType === 'atomic' ? uncorrelated ?? place : uncorrelated, values.embeddedResource === true);
    }
  }

  rules({ schema, place, count, uncorrelated, isResource }: RulePlace): void {
    const compiled = compilePlace(schema, isResource);
    schema.validations?.forEach((rule, index) => {
      const where = keyed(child(place, 'x-kubernetes-validations'), index);
      const made = compiled?.rules[index];
      if (made === undefined) {
        this.errors.push(fieldError.invalid(placeText(child(where, 'rule')), rule.rule, 'rules cannot look into a place that preserves unknown fields and has no type'));
      } else if (made instanceof CelCompileError) {
        this.errors.push(fieldError.invalid(placeText(child(where, 'rule')), rule.rule, `compilation failed: ${made.message}`));
      } else {
        this.#check(made, where, count, uncorrelated);
        this.#fieldPath(rule, schema, where);
      }
    });
  }

  #check({ rule, program, message, usesOldSelf }: CompiledRule, where: Place, count: number, uncorrelated: Place | undefined): void {
    if (usesOldSelf && uncorrelated !== undefined) {
      this.errors.push(fieldError.invalid(placeText(child(where, 'rule')), rule.rule,
        `oldSelf cannot be used on the uncorrelatable portion of the schema within ${placeText(uncorrelated)}`));
    }
    if (rule.optionalOldSelf === true && !usesOldSelf) {
      this.errors.push(fieldError.invalid(placeText(child(where, 'optionalOldSelf')), true, 'option only applies to rules that use oldSelf'));
    }
    for (const [name, one, what] of [['rule', program, 'estimated rule cost'], ['messageExpression', message, 'estimated messageExpression cost']] as const) {
      if (one !== undefined) {
        const cost = one.estimate().max * count;
        const at = placeText(child(where, name));
        if (cost > STATIC_COST_LIMIT) {
          this.errors.push(fieldError.forbidden(at, costText(what, cost, STATIC_COST_LIMIT)));
        }
        this.#total += cost;
        this.#costs.push({ place: at, cost });
      }
    }
  }

  #fieldPath({ fieldPath }: ValidationRule, schema: StructuralSchema, where: Place): void {
    if (fieldPath === undefined) {
      return;
    }
    let at: StructuralSchema | undefined = schema;
    const steps = simpleSteps(fieldPath);
    for (const step of steps ?? []) {
      at = at?.properties?.get(step) ?? (typeof at?.additionalProperties === 'object' ? at.additionalProperties : undefined);
    }
    if (steps === undefined || at === undefined) {
      this.errors.push(fieldError.invalid(placeText(child(where, 'fieldPath')), fieldPath, `fieldPath must be a valid path: ${steps === undefined ? 'expected [ or . but got: '.concat(fieldPath) : 'does not refer to a valid field'}`));
    }
  }

  /** The costs of all rules together. */
  total(place: Place): void {
    if (this.#total <= STATIC_CRD_COST_LIMIT) {
      return;
    }
    for (const { place: at } of [...this.#costs].sort((a, b) => b.cost - a.cost).slice(0, MAX_NAMED_COSTLY)) {
      this.errors.push(fieldError.forbidden(at, 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema'));
    }
    this.errors.push(fieldError.forbidden(placeText(place), costText('x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema', this.#total, STATIC_CRD_COST_LIMIT)));
  }
}

/** Everything wrong with the rules of a schema that is structural: rules that do not compile or may cost too much. Yields after each place. */
export function* checkRulesSteps(schema: StructuralSchema, place: Place): Generator<undefined, FieldError[], undefined> {
  const checker = new RuleChecker();
  checker.visit(schema, place, 1, undefined, true);
  for (const one of checker.places) {
    yield;
    if (checker.errors.length < MAX_SCHEMA_ERRORS) {
      checker.rules(one);
    }
  }
  checker.total(place);
  return checker.errors;
}
