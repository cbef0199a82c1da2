import { validateAnnotations, validateLabels } from '../../apimachinery/objectmeta.ts';
import { immutable } from '../checks.ts';
import { AGE, NAME } from '../columns.ts';
import type { ResourceClaimTemplate } from '../generated/resource.ts';
import { defineKind } from '../kind.ts';
import { claimSpecErrors, defaultClaimSpec } from './claimspec.ts';

export const resourceClaimTemplate = defineKind<ResourceClaimTemplate>({
  group: 'resource.k8s.io', version: 'v1', kind: 'ResourceClaimTemplate', plural: 'resourceclaimtemplates', singular: 'resourceclaimtemplate',
  namespaced: true, type: 'resource/v1.ResourceClaimTemplate', origin: 'builtin',
  columns: [NAME, AGE],
  rules: {
    generation: false,
    defaults(object) {
      object.spec ??= { spec: {} };
      object.spec.spec ??= {};
      defaultClaimSpec(object.spec.spec);
    },
    validate: ({ spec }) => [
      ...validateLabels(spec.metadata?.labels, 'spec.metadata.labels'), ...validateAnnotations(spec.metadata?.annotations, 'spec.metadata.annotations'),
      ...claimSpecErrors('spec.spec', spec.spec),
    ],
    validateUpdate: (object, old) => immutable('spec', object.spec, old.spec),
  },
});
