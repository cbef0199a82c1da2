/** What policies and bindings share: the objects they match, the parameters they take, the conditions they add. */
import { validateDns1035Label, validateDns1123Subdomain, validatePathSegment, validateQualifiedName } from '../../apimachinery/names.ts';
import type { ExpressionScope } from '../../apimachinery/cel/policy.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { duplicates, labelSelector, nameErrors } from '../checks.ts';
import type { MatchCondition, MatchResources, ParamKind, ParamRef, Variable } from '../generated/admissionregistration.ts';
import { expressionErrors } from './expressions.ts';
import { defaultRules, namedRuleErrors } from './rules.ts';

export const FAILURE_POLICIES = ['Fail', 'Ignore'];
export const MATCH_POLICIES = ['Equivalent', 'Exact'];
export const REINVOCATION_POLICIES = ['IfNeeded', 'Never'];
const NOT_FOUND_ACTIONS = ['Deny', 'Allow'];
const MAX_CONDITIONS = 64;
const EXCLUSIVE = 'name and selector are mutually exclusive';
const IDENTIFIER = /^[_a-zA-Z][_a-zA-Z0-9]*$/;
const RESERVED = new Set([
  'true', 'false', 'null', 'in', 'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import', 'let', 'loop', 'package',
  'namespace', 'return', 'var', 'void', 'while',
]);

/** A value out of a closed set that must be there: absent is Required, an empty text is not supported. */
export const required = (field: string, value: string | undefined, allowed: readonly string[]): FieldError[] =>
  (value === undefined ? [fieldError.required(field)] : allowed.includes(value) ? [] : [fieldError.notSupported(field, value, allowed)]);

/** As `required`, where absent is fine. */
export const optional = (field: string, value: string | undefined, allowed: readonly string[]): FieldError[] =>
  (value === undefined ? [] : required(field, value, allowed));

export function defaultMatch(match: MatchResources | undefined): void {
  if (match !== undefined) {
    match.matchPolicy ??= 'Equivalent';
    match.namespaceSelector ??= {};
    match.objectSelector ??= {};
    defaultRules(match.resourceRules);
    defaultRules(match.excludeResourceRules);
  }
}

export function matchErrors(field: string, match: MatchResources | undefined): FieldError[] {
  if (match === undefined) {
    return [];
  }
  return [
    ...required(`${field}.matchPolicy`, match.matchPolicy, MATCH_POLICIES),
    ...labelSelector(`${field}.namespaceSelector`, match.namespaceSelector), ...labelSelector(`${field}.objectSelector`, match.objectSelector),
    ...(match.resourceRules ?? []).flatMap((rule, index) => namedRuleErrors(`${field}.resourceRules[${index}]`, rule)),
    ...(match.excludeResourceRules ?? []).flatMap((rule, index) => namedRuleErrors(`${field}.excludeResourceRules[${index}]`, rule)),
  ];
}

/** Of a policy, which must say what it is for. */
export const constraintErrors = (field: string, match: MatchResources | undefined): FieldError[] =>
  (match === undefined ? [fieldError.required(field)] : [
    ...matchErrors(field, match), ...(match.resourceRules?.length ? [] : [fieldError.required(`${field}.resourceRules`)]),
  ]);

/** `scope` says what the conditions' expressions may use. */
export function conditionErrors(field: string, conditions: readonly Partial<MatchCondition>[] | undefined, scope: ExpressionScope): FieldError[] {
  const list = conditions ?? [];
  return [
    ...(list.length > MAX_CONDITIONS ? [fieldError.tooMany(field, list.length, MAX_CONDITIONS)] : []),
    ...list.flatMap(({ name, expression = '' }, index) => [
      ...(expression.trim() === '' ? [fieldError.required(`${field}[${index}].expression`)] : []),
      ...expressionErrors(`${field}[${index}].expression`, expression.trim(), 'condition', scope),
      ...(name ? nameErrors(`${field}[${index}].name`, name, validateQualifiedName) : [fieldError.required(`${field}[${index}].name`)]),
    ]),
    ...duplicates(list.map(({ name }) => name ?? ''), (index) => `${field}[${index}].name`),
  ];
}

/** `scopes`: what each variable may use. */
export const variableErrors = (field: string, variables: readonly Partial<Variable>[] | undefined, scopes: readonly ExpressionScope[]): FieldError[] =>
  (variables ?? []).flatMap(({ name = '', expression = '' }, index) => [
    ...(name.trim() === '' ? [fieldError.required(`${field}[${index}].name`, 'name is not specified')]
      : IDENTIFIER.test(name) && !RESERVED.has(name) ? [] : [fieldError.invalid(`${field}[${index}].name`, name, 'name is not a valid CEL identifier')]),
    ...(expression.trim() === '' ? [fieldError.required(`${field}[${index}].expression`, 'expression is not specified')] : []),
    ...expressionErrors(`${field}[${index}].expression`, expression, 'variable', scopes[index] ?? { params: false }),
  ]);

function groupVersionErrors(field: string, apiVersion: string): FieldError[] {
  const parts = apiVersion.split('/');
  if (parts.length > 2) {
    return [fieldError.invalid(field, apiVersion, `unexpected GroupVersion string: ${apiVersion}`)];
  }
  const [group, version] = parts.length === 2 ? [parts[0] ?? '', parts[1] ?? ''] : ['', apiVersion];
  const joined = (value: string, errors: readonly string[]): FieldError[] => (errors.length === 0 ? [] : [fieldError.invalid(field, value, errors.join(','))]);
  return [
    ...(group === '' ? [] : joined(group, validateDns1123Subdomain(group))),
    ...(version === '' ? [fieldError.invalid(field, apiVersion, 'version must be specified')] : joined(version, validateDns1035Label(version))),
  ];
}

export function paramKindErrors(field: string, param: ParamKind | undefined): FieldError[] {
  if (param === undefined) {
    return [];
  }
  const { apiVersion, kind } = param;
  const wrong = kind ? validateDns1035Label(kind.toLowerCase()) : [];
  return [
    ...(apiVersion ? groupVersionErrors(`${field}.apiVersion`, apiVersion) : [fieldError.required(`${field}.apiVersion`)]),
    ...(kind ? [] : [fieldError.required(`${field}.kind`)]),
    ...(wrong.length === 0 ? [] : [fieldError.invalid(`${field}.kind`, kind, `may have mixed case, but should otherwise match: ${wrong.join(',')}`)]),
  ];
}

export function paramRefErrors(field: string, ref: ParamRef | undefined): FieldError[] {
  if (ref === undefined) {
    return [];
  }
  const { name, selector, parameterNotFoundAction } = ref;
  const both = name && selector !== undefined;
  return [
    ...(name ? nameErrors(`${field}.name`, name, validatePathSegment) : []),
    ...(both ? [fieldError.forbidden(`${field}.name`, EXCLUSIVE)] : []),
    ...labelSelector(`${field}.selector`, selector),
    ...(both ? [fieldError.forbidden(`${field}.selector`, EXCLUSIVE)] : []),
    ...(!name && selector === undefined ? [fieldError.required(field, 'one of name or selector must be specified')] : []),
    ...required(`${field}.parameterNotFoundAction`, parameterNotFoundAction || undefined, NOT_FOUND_ACTIONS),
  ];
}

export const defaultParamRef = (ref: ParamRef | undefined): void => {
  if (ref !== undefined) {
    ref.parameterNotFoundAction ??= 'Deny';
  }
};

/** `v1/ConfigMap`, or that there is none. */
export const paramKindText = (param: ParamKind | undefined): string => (param === undefined ? '<unset>' : `${param.apiVersion ?? ''}/${param.kind ?? ''}`);

export function paramRefText(ref: ParamRef | undefined): string {
  if (ref === undefined) {
    return '<unset>';
  }
  return ref.namespace ? `${ref.namespace}/${ref.name ?? ''}` : ref.name || '*';
}
