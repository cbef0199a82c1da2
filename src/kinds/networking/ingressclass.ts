import { validateDns1123Label, validateDns1123Subdomain } from '../../apimachinery/names.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { immutable, nameErrors, requiredOneOf } from '../checks.ts';
import { AGE, column, NAME, NONE } from '../columns.ts';
import type { IngressClass, IngressClassParametersReference } from '../generated/networking.ts';
import { defineKind } from '../kind.ts';
import { domainPath, requiredPathName } from '../namechecks.ts';

const MAX_CONTROLLER = 250;
const SCOPES = ['Cluster', 'Namespace'];
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
    validate: ({ spec: { controller, parameters } }) => [...(controller ? domainPath('spec.controller', controller, MAX_CONTROLLER) : [fieldError.required('spec.controller')]), ...parameterErrors('spec.parameters', parameters)],
    validateUpdate: ({ spec }, { spec: old }) => immutable('spec.controller', spec.controller, old.controller),
  },
});
