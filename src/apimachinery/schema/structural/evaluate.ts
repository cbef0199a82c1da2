/** Evaluates the rules of a schema on an object, and words what they find. */
import { adapt, CelCompileError, CelEvaluationError, CelOptional, CostBudget, CostExceeded } from '../../cel/index.ts';
import { fieldError, type FieldError } from '../../status.ts';
import { deepEqual, isObject } from '../../values.ts';
import { compilePlace, type CompiledRule, type PlaceRules } from './rules.ts';
import { ValidationContext } from './context.ts';
import type { StructuralSchema } from './types.ts';
import { keyOf, type Old } from './validate.ts';

/** Bytes of a message that an expression makes. */
const MAX_MESSAGE_LENGTH = 5 * 1024;
/** Ends the evaluation: the budget is gone. */
class OutOfBudget extends Error { override name = 'OutOfBudget'; }

interface Evaluation {
  readonly context: ValidationContext;
  readonly budget: CostBudget;
}

/** The old value of this place, and whether the nearest place that has one is unchanged. */
interface Before {
  readonly old: Old | undefined;
  readonly isUnchanged: () => boolean;
}

const NOTHING_BEFORE: Before = { old: undefined, isUnchanged: () => false };

/** The old value of a place below: its own when it is found again, else what is known of the places above decides. */
function below(before: Before, value: unknown, old: Old | undefined): Before {
  if (old === undefined) {
    return before.old === undefined && before === NOTHING_BEFORE ? before : { old: undefined, isUnchanged: before.isUnchanged };
  }
  let unchanged: boolean | undefined;
  return { old, isUnchanged: () => (unchanged ??= deepEqual(value, old.value)) };
}

type Visit = (value: unknown, before: Before, evaluation: Evaluation) => void;

/** As Kubernetes names a rule in errors. */
const ruleText = ({ rule }: CompiledRule): string => (rule.message ?? rule.rule).trim();
const defaultMessage = ({ rule }: CompiledRule): string => rule.message?.trim() ?? `failed rule: ${rule.rule.trim()}`;

function failed(place: string, value: unknown, message: string, { rule: { reason } }: CompiledRule): FieldError {
  switch (reason) {
    case 'FieldValueForbidden': return fieldError.forbidden(place, message);
    case 'FieldValueRequired': return fieldError.required(place, message);
    case 'FieldValueDuplicate': return fieldError.duplicate(place, value);
    default: return typeof value === 'object' && value !== null
      // Kubernetes does not repeat objects and lists.
      ? { type: 'FieldValueInvalid', field: place, detail: `Invalid value: ${message}` } : fieldError.invalid(place, value, message);
  }
}

const pathText = (context: ValidationContext): string => context.path() || '<nil>';

function placeBelow(context: ValidationContext, steps: readonly string[]): string {
  steps.forEach((step) => context.enter(step));
  const text = pathText(context);
  steps.forEach(() => context.leave());
  return text;
}

function bindings({ rule, self }: CompiledRule, value: unknown, old: Old | undefined): Record<string, unknown> {
  if (rule.optionalOldSelf === true) {
    return { self: value, oldSelf: old === undefined ? CelOptional.NONE : new CelOptional(adapt(old.value, self)) };
  }
  return old === undefined ? { self: value } : { self: value, oldSelf: old.value };
}

/** The text of a rule's messageExpression; undefined when it fails to make one. Throws OutOfBudget. */
function messageOf(rule: CompiledRule, bound: Record<string, unknown>, { budget }: Evaluation): string | undefined {
  if (rule.message === undefined) {
    return undefined;
  }
  try {
    const text = rule.message.evaluate(bound, budget);
    const isGood = typeof text === 'string' && text.trim() !== '' && !text.includes('\n') && text.length <= MAX_MESSAGE_LENGTH;
    return isGood ? text.trim() : undefined;
  } catch (error) {
    if (error instanceof CelEvaluationError || (error instanceof CostExceeded && error.scope === 'call')) {
      return undefined;
    }
    throw error;
  }
}

/** Kinds of JSON schema, as errors about a place name its value. */
const typeName = (schema: StructuralSchema): string => schema.type ?? '';

function evaluationError(error: unknown, rule: CompiledRule, place: string, schema: StructuralSchema): FieldError {
  if (error instanceof CostExceeded) {
    return fieldError.invalid(place, typeName(schema), error.scope === 'budget' ? 'validation failed due to running out of cost budget, no further validation rules will be run'
      : `'${error.message}': no further validation rules will be run due to call cost exceeds limit for rule: ${ruleText(rule)}`);
  }
  if (!(error instanceof CelEvaluationError)) {
    throw error;
  }
  return fieldError.invalid(place, typeName(schema), error.message.startsWith('no such overload')
    ? `'${error.message}': call arguments did not match a supported operator, function or macro signature for rule: ${ruleText(rule)}`
    : `${error.message} evaluating rule: ${ruleText(rule)}`);
}

function evaluateRule(rule: CompiledRule, schema: StructuralSchema, value: unknown, before: Before, evaluation: Evaluation): void {
  const { context, budget } = evaluation;
  if (rule.usesOldSelf && before.old === undefined && rule.rule.optionalOldSelf !== true) {
    return;
  }
  const bound = bindings(rule, value, before.old);
  try {
    if (rule.program.evaluate(bound, budget) === true || (!rule.usesOldSelf && before.isUnchanged())) {
      return;
    }
    context.add(failed(placeBelow(context, rule.fieldSteps), value, messageOf(rule, bound, evaluation) ?? defaultMessage(rule), rule));
  } catch (error) {
    context.add(evaluationError(error, rule, pathText(context), schema));
    if (error instanceof CostExceeded) {
      throw new OutOfBudget();
    }
  }
}

function ownRules(schema: StructuralSchema, isResource: boolean): Visit | undefined {
  if (schema.validations === undefined) {
    return undefined;
  }
  let rules: PlaceRules | undefined;
  return (value, before, evaluation) => {
    rules ??= compilePlace(schema, isResource);
    for (const rule of rules?.rules ?? []) {
      if (rule instanceof CelCompileError) {
        evaluation.context.add(fieldError.invalid(pathText(evaluation.context), typeName(schema), `rule compile error: ${rule.message}`));
      } else {
        evaluateRule(rule, schema, value, before, evaluation);
      }
    }
  };
}

function elements(schema: StructuralSchema): Visit | undefined {
  const visit = schema.items === undefined ? undefined : compileVisit(schema.items, schema.items.embeddedResource === true);
  const keys = schema.listType === 'map' ? schema.listMapKeys : undefined;
  return visit === undefined ? undefined : (value, before, evaluation) => {
    if (!Array.isArray(value)) {
      return;
    }
    const olds: readonly unknown[] = keys !== undefined && Array.isArray(before.old?.value) ? before.old.value : [];
    const byKeys = new Map(olds.map((one) => [keyOf(one, keys ?? []), { value: one }]));
    value.forEach((one: unknown, index) => {
      evaluation.context.enter(index);
      visit(one, below(before, one, byKeys.get(keyOf(one, keys ?? []))), evaluation);
      evaluation.context.leave();
    });
  };
}

function members(schema: StructuralSchema): Visit | undefined {
  const known = new Map<string, Visit>();
  for (const [name, property] of schema.properties ?? []) {
    const visit = compileVisit(property, property.embeddedResource === true);
    if (visit !== undefined) {
      known.set(name, visit);
    }
  }
  const additional = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
  const other = additional === undefined ? undefined : compileVisit(additional, additional.embeddedResource === true);
  if (known.size === 0 && other === undefined) {
    return undefined;
  }
  const correlates = schema.mapType !== 'atomic' || additional === undefined;
  return (value, before, evaluation) => {
    if (!isObject(value)) {
      return;
    }
    const olds = correlates && isObject(before.old?.value) ? before.old.value : {};
    for (const [name, one] of Object.entries(value)) {
      const visit = known.get(name) ?? other;
      if (visit !== undefined) {
        evaluation.context.enter(name);
        visit(one, below(before, one, Object.hasOwn(olds, name) ? { value: olds[name] } : undefined), evaluation);
        evaluation.context.leave();
      }
    }
  };
}

/** Undefined where neither the place nor anything below it has rules. */
function compileVisit(schema: StructuralSchema, isResource: boolean): Visit | undefined {
  const visits = [ownRules(schema, isResource), elements(schema), members(schema)].filter((visit) => visit !== undefined);
  return visits.length === 0 ? undefined : (value, before, evaluation) => {
    // Rules are about values, not about nulls.
    if (value !== null && value !== undefined) {
      for (const visit of visits) {
        visit(value, before, evaluation);
      }
    }
  };
}

/** What the rules find in an object; with `old` also its transition rules. */
export type EvaluateRules = (value: unknown, old: unknown) => FieldError[];

/** Undefined for a schema without rules. Rules are compiled when a value first meets them. */
export function compileEvaluation(schema: StructuralSchema): EvaluateRules | undefined {
  const visit = compileVisit(schema, true);
  return visit === undefined ? undefined : (value, old) => {
    const evaluation: Evaluation = { context: new ValidationContext(), budget: new CostBudget() };
    try {
      visit(value, old === undefined ? NOTHING_BEFORE : below(NOTHING_BEFORE, value, { value: old }), evaluation);
    } catch (error) {
      if (!(error instanceof OutOfBudget)) {
        throw error;
      }
    }
    return evaluation.context.errors;
  };
}
