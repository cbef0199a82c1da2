import { deepEqual } from '../../apimachinery/values.ts';
import { AGE, column, NAME } from '../columns.ts';
import type { ValidatingWebhookConfiguration } from '../generated/admissionregistration.ts';
import { defineKind } from '../kind.ts';
import { defaultWebhook, webhooksErrors } from './webhooks.ts';

export const validatingWebhookConfiguration = defineKind<ValidatingWebhookConfiguration>({
  group: 'admissionregistration.k8s.io', version: 'v1', kind: 'ValidatingWebhookConfiguration',
  plural: 'validatingwebhookconfigurations', singular: 'validatingwebhookconfiguration',
  namespaced: false, type: 'admissionregistration/v1.ValidatingWebhookConfiguration', origin: 'builtin',
  categories: ['api-extensions'],
  columns: [NAME, column('Webhooks', ({ webhooks }) => (webhooks ?? []).length, { type: 'integer' }), AGE],
  rules: {
    desiredStateChanged: (object, old) => !deepEqual(object.webhooks, old.webhooks),
    defaults({ webhooks }) {
      for (const hook of webhooks ?? []) {
        defaultWebhook(hook);
      }
    },
    validate: ({ webhooks }) => webhooksErrors(webhooks),
  },
});
