import { validateDns1123Label, validateDns1123Subdomain } from '../../apimachinery/names.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { immutable, nameErrors, requiredOneOf } from '../checks.ts';
import { AGE, column, NAME, NONE } from '../columns.ts';
import type { IngressClass, IngressClassParametersReference } from '../generated/networking.ts';
import { defineKind } from '../kind.ts';
import { requiredPathName } from '../namechecks.ts';

const MAX_CONTROLLER = 250;
const SCOPES = ['Cluster', 'Namespace'];
/** What may follow the domain of a controller. */
const PATH = /^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/;

function controllerErrors(field: string, controller: string | undefined): FieldError[] {
  if (!controller) {
    return [fieldError.required(field)];
  }
  const errors = controller.length > MAX_CONTROLLER ? [fieldError.tooLong(field, MAX_CONTROLLER)] : [];
  const [host = '', ...path] = controller.split('/');
  if (path.length === 0 || host === '' || path.join('/') === '') {
    return [...errors, fieldError.invalid(field, controller, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  }
  const invalid = validateDns1123Subdomain(host);
  return [
    ...errors,
    ...invalid.map((why) => fieldError.invalid(field, host, why)),
    ...(PATH.test(path.join('/')) ? [] : [fieldError.invalid(field, path.join('/'), "Invalid path (e.g. 'foo/bar', regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')")]),
  ];
}

function parameterErrors(field: string, parameters: IngressClassParametersReference | undefined): FieldError[] {
  if (parameters === undefined) {
    return [];
  }
  const { apiGroup, kind, name, scope, namespace } = parameters;
  const errors = [
    ...(apiGroup === undefined ? [] : nameErrors(`${field}.apiGroup`, apiGroup, validateDns1123Subdomain)),
    ...requiredPathName(`${field}.kind`, kind), ...requiredPathName(`${field}.name`, name),
    ...requiredOneOf(`${field}.scope`, scope, SCOPES),
  ];
  if (scope === 'Namespace') {
    errors.push(...(namespace === undefined ? [fieldError.required(`${field}.namespace`, "`parameters.scope` is set to 'Namespace'")]
      : nameErrors(`${field}.namespace`, namespace, validateDns1123Label)));
  } else if (scope === 'Cluster' && namespace !== undefined) {
    errors.push(fieldError.forbidden(`${field}.namespace`, "`parameters.scope` is set to 'Cluster'"));
  }
  return errors;
}

export const ingressClass = defineKind<IngressClass>({
  group: 'networking.k8s.io', version: 'v1', kind: 'IngressClass', plural: 'ingressclasses', singular: 'ingressclass',
  namespaced: false, type: 'networking/v1.IngressClass', origin: 'builtin',
  columns: [
    NAME,
    column('Controller', ({ spec }) => spec.controller ?? ''),
    column('Parameters', ({ spec: { parameters } }) =>
      (parameters === undefined ? NONE : `${parameters.kind}${parameters.apiGroup ? `.${parameters.apiGroup}` : ''}/${parameters.name}`)),
    AGE,
  ],
  rules: {
    defaults(object) {
      object.spec ??= {};
      if (object.spec.parameters !== undefined) {
        object.spec.parameters.scope ||= 'Cluster';
      }
    },
    validate: ({ spec: { controller, parameters } }) => [...controllerErrors('spec.controller', controller), ...parameterErrors('spec.parameters', parameters)],
    validateUpdate: ({ spec }, { spec: old }) => immutable('spec.controller', spec.controller, old.controller),
  },
});
