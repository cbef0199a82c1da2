/** What roles and bindings share. */
import { validatePathSegment } from '../../apimachinery/names.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import { nameErrors, oneOf, requiredText } from '../checks.ts';
import type { PolicyRule, RoleBinding, Subject } from '../generated/rbac.ts';

const GROUP = 'rbac.authorization.k8s.io';

type Binding = Pick<RoleBinding, 'subjects' | 'roleRef'>;

function rule(field: string, one: PolicyRule, namespaced: boolean): FieldError[] {
  const errors: FieldError[] = [];
  if (!one.verbs?.length) {
    errors.push(fieldError.required(`${field}.verbs`, 'verbs must contain at least one value'));
  }
  if (one.nonResourceURLs?.length) {
    if (namespaced) {
      errors.push(fieldError.invalid(`${field}.nonResourceURLs`, one.nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs'));
    }
    if (one.apiGroups?.length || one.resources?.length || one.resourceNames?.length) {
      errors.push(fieldError.invalid(`${field}.nonResourceURLs`, one.nonResourceURLs, 'rules cannot apply to both regular resources and non-resource URLs'));
    }
    return errors;
  }
  if (!one.apiGroups?.length) {
    errors.push(fieldError.required(`${field}.apiGroups`, 'resource rules must supply at least one api group'));
  }
  if (!one.resources?.length) {
    errors.push(fieldError.required(`${field}.resources`, 'resource rules must supply at least one resource'));
  }
  return errors;
}

export const validateRules = (rules: readonly PolicyRule[] | undefined, namespaced: boolean): FieldError[] =>
  (rules ?? []).flatMap((one, index) => rule(`rules[${index}]`, one, namespaced));

export function defaultBinding(binding: Binding): void {
  binding.roleRef ??= { kind: '', name: '' };
  binding.roleRef.apiGroup ||= GROUP;
  for (const subject of binding.subjects ?? []) {
    if (subject.kind === 'User' || subject.kind === 'Group') {
      subject.apiGroup ||= GROUP;
    }
  }
}

function subject(field: string, one: Subject, namespaced: boolean): FieldError[] {
  const errors = requiredText(`${field}.name`, one.name);
  if (one.kind === 'ServiceAccount') {
    if (one.apiGroup) {
      errors.push(fieldError.notSupported(`${field}.apiGroup`, one.apiGroup, ['']));
    }
    if (!namespaced && !one.namespace) {
      errors.push(fieldError.required(`${field}.namespace`));
    }
    return errors;
  }
  if (one.kind === 'User' || one.kind === 'Group') {
    return one.apiGroup === GROUP ? errors : [...errors, fieldError.notSupported(`${field}.apiGroup`, one.apiGroup ?? '', [GROUP])];
  }
  return [...errors, fieldError.notSupported(`${field}.kind`, one.kind ?? '', ['ServiceAccount', 'User', 'Group'])];
}

export function validateBinding({ roleRef, subjects }: Binding, namespaced: boolean): FieldError[] {
  const kinds = namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole'];
  return [
    ...oneOf('roleRef.apiGroup', roleRef.apiGroup, [GROUP]),
    ...(kinds.includes(roleRef.kind) ? [] : [fieldError.notSupported('roleRef.kind', roleRef.kind, kinds)]),
    ...(roleRef.name ? nameErrors('roleRef.name', roleRef.name, validatePathSegment) : [fieldError.required('roleRef.name')]),
    ...(subjects ?? []).flatMap((one, index) => subject(`subjects[${index}]`, one, namespaced)),
  ];
}

export const roleRefUnchanged = ({ roleRef }: Binding, { roleRef: old }: Binding): FieldError[] =>
  (deepEqual(roleRef, old) ? [] : [fieldError.invalid('roleRef', roleRef, 'cannot change roleRef')]);

const namesOf = ({ subjects }: Binding, kind: string): string =>
  (subjects ?? []).filter((one) => one.kind === kind).map(({ name, namespace }) => (kind === 'ServiceAccount' ? `${namespace ?? ''}/${name}` : name)).join(', ');

export const userNames = (binding: Binding): string => namesOf(binding, 'User');
export const groupNames = (binding: Binding): string => namesOf(binding, 'Group');
export const accountNames = (binding: Binding): string => namesOf(binding, 'ServiceAccount');
