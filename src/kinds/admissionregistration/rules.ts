/** Which requests a webhook or a policy is for: `rules` and `resourceRules`. */
import { validatePathSegment } from '../../apimachinery/names.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { duplicates, nameErrors } from '../checks.ts';
import type { NamedRuleWithOperations, RuleWithOperations } from '../generated/admissionregistration.ts';

const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
const SCOPES = ['*', 'Cluster', 'Namespaced'];
const ANY = '*';

/** Required, and the star only alone. */
function starList(field: string, values: readonly string[], what: string): FieldError[] {
  if (values.length === 0) {
    return [fieldError.required(field)];
  }
  return values.length > 1 && values.includes(ANY) ? [fieldError.invalid(field, values, `if '*' is present, must not specify other ${what}`)] : [];
}

/** `pods`, `pods/status`, `*`, `pods/*`, any resource with a star before the slash: none may be said twice by a wider one. */
function resourceErrors(field: string, resources: readonly string[]): FieldError[] {
  const errors = resources.length === 0 ? [fieldError.required(field)] : [];
  const [wholeResources, everywhere] = [new Set<string>(), new Set<string>()];
  let bare = false;
  for (const [index, one] of resources.entries()) {
    const at = `${field}[${index}]`;
    const slash = one.indexOf('/');
    if (one === '') {
      errors.push(fieldError.required(at));
    } else if (slash < 0) {
      bare = one !== ANY;
    } else {
      const [resource, sub] = [one.slice(0, slash), one.slice(slash + 1)];
      if (wholeResources.has(resource)) {
        errors.push(fieldError.invalid(at, one, `if '${resource}/*' is present, must not specify ${one}`));
      }
      if (everywhere.has(sub)) {
        errors.push(fieldError.invalid(at, one, `if '*/${sub}' is present, must not specify ${one}`));
      }
      if (sub === ANY) {
        wholeResources.add(resource);
      }
      if (resource === ANY) {
        everywhere.add(sub);
      }
    }
  }
  if (resources.length > 1 && resources.includes('*/*')) {
    errors.push(fieldError.invalid(field, resources, "if '*/*' is present, must not specify other resources"));
  }
  if (resources.includes(ANY) && bare) {
    errors.push(fieldError.invalid(field, resources, "if '*' is present, must not specify other resources without subresources"));
  }
  return errors;
}

export function ruleErrors(field: string, rule: RuleWithOperations): FieldError[] {
  const { operations = [], apiGroups = [], apiVersions = [], resources = [], scope } = rule;
  return [
    ...starList(`${field}.operations`, operations, 'operations'),
    ...operations.flatMap((one, index) => (OPERATIONS.includes(one) ? [] : [fieldError.notSupported(`${field}.operations[${index}]`, one, OPERATIONS)])),
    ...starList(`${field}.apiGroups`, apiGroups, 'API groups'),
    ...starList(`${field}.apiVersions`, apiVersions, 'API versions'),
    ...apiVersions.flatMap((one, index) => (one === '' ? [fieldError.required(`${field}.apiVersions[${index}]`)] : [])),
    ...resourceErrors(`${field}.resources`, resources),
    ...(scope === undefined || SCOPES.includes(scope) ? [] : [fieldError.notSupported(`${field}.scope`, scope, SCOPES)]),
  ];
}

export const namedRuleErrors = (field: string, rule: NamedRuleWithOperations): FieldError[] => [
  ...(rule.resourceNames ?? []).flatMap((name, index) => nameErrors(`${field}.resourceNames[${index}]`, name, validatePathSegment)),
  ...duplicates(rule.resourceNames ?? [], (index) => `${field}.resourceNames[${index}]`),
  ...ruleErrors(field, rule),
];

export function defaultRules(rules: readonly RuleWithOperations[] | undefined): void {
  for (const rule of rules ?? []) {
    rule.scope ??= ANY;
  }
}
