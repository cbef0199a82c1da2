/** (Self|Local)SubjectAccessReview: what somebody wants to know, checked and turned into a question to the authorizer. */
import { badRequest, fieldError, invalid, type FieldError } from '../../apimachinery/status.ts';
import {
  parseFieldSelector, parseLabelSelector, selectorFromObject, SelectorError, type FieldRequirement, type FieldSelector, type LabelSelector, type LabelSelectorObject,
} from '../../apimachinery/selectors.ts';
import type { JsonObject } from '../../apimachinery/object.ts';
import { deepEqual, isObject } from '../../apimachinery/values.ts';
import type { Attributes } from '../authz/authorizer.ts';
import type { User } from '../types.ts';
import type { Core } from '../verbs/core.ts';

const GROUP = 'authorization.k8s.io';

export const textOf = (object: unknown, name: string): string => {
  const value = isObject(object) ? object[name] : undefined;
  return typeof value === 'string' ? value : '';
};

export const textsOf = (value: unknown): string[] => (Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : []);

const memberOf = (object: unknown, name: string): unknown => (isObject(object) ? object[name] : undefined);

/** The user a review asks about. */
export function subjectOf(spec: unknown): User {
  const uid = textOf(spec, 'uid');
  const extra = memberOf(spec, 'extra');
  return {
    name: textOf(spec, 'user'), ...(uid === '' ? {} : { uid }), groups: textsOf(memberOf(spec, 'groups')),
    ...(isObject(extra) ? { extra: Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, textsOf(values)])) } : {}),
  };
}

/** Requirements of a selector given in the review itself; those the authorizer cannot use narrow nothing down. */
function fieldsOf(selector: unknown): FieldSelector | undefined {
  const raw = textOf(selector, 'rawSelector');
  if (raw !== '') {
    return parseFieldSelector(raw);
  }
  const listed = memberOf(selector, 'requirements');
  const requirements = (Array.isArray(listed) ? listed : []).flatMap((one): FieldRequirement[] => {
    const values = textsOf(memberOf(one, 'values'));
    const operator = textOf(one, 'operator');
    return values.length === 1 && (operator === 'In' || operator === 'NotIn')
      ? [{ field: textOf(one, 'key'), operator: operator === 'In' ? '=' : '!=', value: values[0] ?? '' }] : [];
  });
  return requirements.length === 0 ? undefined : { requirements };
}

function labelsOf(selector: unknown): LabelSelector | undefined {
  const raw = textOf(selector, 'rawSelector');
  if (raw !== '') {
    return parseLabelSelector(raw);
  }
  const listed = memberOf(selector, 'requirements');
  const matchExpressions = (Array.isArray(listed) ? listed : []).map((one) =>
    ({ key: textOf(one, 'key'), operator: textOf(one, 'operator'), values: textsOf(memberOf(one, 'values')) }));
  return matchExpressions.length === 0 ? undefined : selectorFromObject({ matchExpressions } satisfies LabelSelectorObject);
}

/** A selector, or nothing and what is wrong with it. */
function readSelector<T>(parse: () => T | undefined): { selector?: T; error?: string } {
  try {
    const selector = parse();
    return selector === undefined ? {} : { selector };
  } catch (error) {
    if (error instanceof SelectorError) {
      return { error: error.message };
    }
    throw error;
  }
}

function attributesFrom(spec: unknown, user: User): { attributes: Attributes; errors: string[] } {
  const resource = memberOf(spec, 'resourceAttributes');
  const path = memberOf(spec, 'nonResourceAttributes');
  const fields = readSelector(() => fieldsOf(memberOf(resource, 'fieldSelector')));
  const labels = readSelector(() => labelsOf(memberOf(resource, 'labelSelector')));
  return {
    attributes: {
      user, isResource: isObject(resource), verb: textOf(resource ?? path, 'verb'), group: textOf(resource, 'group'), version: textOf(resource, 'version'),
      resource: textOf(resource, 'resource'), subresource: textOf(resource, 'subresource'), namespace: textOf(resource, 'namespace'),
      name: textOf(resource, 'name'), path: textOf(path, 'path'),
      ...(fields.selector === undefined ? {} : { fields: fields.selector }), ...(labels.selector === undefined ? {} : { labels: labels.selector }),
    },
    errors: [fields.error, labels.error].filter((error) => error !== undefined),
  };
}

export async function accessStatus(core: Core, spec: unknown, user: User): Promise<JsonObject> {
  const { attributes, errors } = attributesFrom(spec, user);
  const { allowed, reason } = await core.authorizer.authorize(attributes);
  return { allowed, ...(reason === '' ? {} : { reason }), ...(errors.length === 0 ? {} : { evaluationError: errors.join(', ') }) };
}

function specErrors(spec: unknown): FieldError[] {
  const [resource, path] = [memberOf(spec, 'resourceAttributes'), memberOf(spec, 'nonResourceAttributes')];
  if (isObject(resource) && isObject(path)) {
    return [fieldError.invalid('spec.nonResourceAttributes', path, 'cannot be specified in combination with resourceAttributes')];
  }
  return isObject(resource) || isObject(path) ? []
    : [fieldError.invalid('spec.resourceAttributes', null, 'exactly one of nonResourceAttributes or resourceAttributes must be specified')];
}

function subjectErrors(spec: unknown): FieldError[] {
  const { name, groups } = subjectOf(spec);
  return name === '' && groups.length === 0 ? [fieldError.invalid('spec.user', '', 'at least one of user or group must be specified')] : [];
}

/** Reviews are not stored: metadata says nothing about them, but for the namespace of a local one. */
function metadataErrors(metadata: unknown, allowed: string): FieldError[] {
  const { managedFields: _managed, creationTimestamp: _time, ...rest } = isObject(metadata) ? metadata : {};
  const ignored = allowed === 'namespace' ? { ...rest, namespace: undefined } : rest;
  const given = Object.fromEntries(Object.entries(ignored).filter(([, value]) => value !== undefined && value !== ''));
  return deepEqual(given, {}) ? [] : [fieldError.invalid('metadata', given, allowed === 'namespace' ? 'must be empty except for namespace' : 'must be empty')];
}

/** Throws Invalid or BadRequest. `namespace` is the path's, of a local review. */
export function checkAccessReview(kind: string, body: JsonObject, namespace: string): void {
  const { spec, metadata } = body;
  const local = kind === 'LocalSubjectAccessReview';
  const errors = [
    ...specErrors(spec), ...(kind === 'SelfSubjectAccessReview' ? [] : subjectErrors(spec)), ...metadataErrors(metadata, local ? 'namespace' : ''),
    ...(local && isObject(memberOf(spec, 'nonResourceAttributes'))
      ? [fieldError.invalid('spec.nonResourceAttributes', memberOf(spec, 'nonResourceAttributes'), 'disallowed on this kind of request')] : []),
  ];
  if (errors.length > 0) {
    throw invalid({ group: GROUP, resource: kind, name: '' }, errors);
  }
  const asked = textOf(memberOf(spec, 'resourceAttributes'), 'namespace');
  if (local && asked !== namespace) {
    throw badRequest(`spec.resourceAttributes.namespace must match namespace: ${namespace}`);
  }
}
