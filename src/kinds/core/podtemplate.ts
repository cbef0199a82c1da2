import { AGE, column, formatLabels, NAME, templateColumns } from '../columns.ts';
import type { PodTemplate } from '../generated/core.ts';
import { defineKind } from '../kind.ts';
import { defaultTemplate, validateTemplate } from './podspec/template.ts';

export const podTemplate = defineKind<PodTemplate>({
  group: '', version: 'v1', kind: 'PodTemplate', plural: 'podtemplates', singular: 'podtemplate',
  namespaced: true, type: 'core/v1.PodTemplate', origin: 'builtin',
  columns: [
    NAME,
    ...templateColumns<PodTemplate>(({ template }) => template).map((one) => ({ ...one, priority: 0 })),
    column('Pod Labels', ({ template }) => formatLabels(template?.metadata?.labels)),
    AGE,
  ],
  rules: {
    defaults(object) { object.template = defaultTemplate(object.template); },
    validate: ({ template }) => validateTemplate('template', template),
  },
});
