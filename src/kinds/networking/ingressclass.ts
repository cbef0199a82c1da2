import { fieldError } from '../../apimachinery/status.ts';
import { immutable, requiredText } from '../checks.ts';
import { AGE, column, NAME, NONE } from '../columns.ts';
import type { IngressClass } from '../generated/networking.ts';
import { defineKind } from '../kind.ts';

const MAX_CONTROLLER = 250;

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
    validate: ({ spec: { controller } }) => [
      ...requiredText('spec.controller', controller),
      ...((controller ?? '').length > MAX_CONTROLLER ? [fieldError.tooLong('spec.controller', MAX_CONTROLLER)] : []),
    ],
    validateUpdate: ({ spec }, { spec: old }) => immutable('spec.controller', spec.controller, old.controller),
  },
});
