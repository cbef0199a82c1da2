import { deepEqual } from '../../apimachinery/values.ts';
import { AGE, column, NAME } from '../columns.ts';
import type { MutatingWebhookConfiguration } from '../generated/admissionregistration.ts';
import { defineKind } from '../kind.ts';
import { optional, REINVOCATION_POLICIES } from './match.ts';
import { defaultWebhook, webhooksErrors } from './webhooks.ts';

export const mutatingWebhookConfiguration = defineKind<MutatingWebhookConfiguration>({
  group: 'admissionregistration.k8s.io', version: 'v1', kind: 'MutatingWebhookConfiguration',
  plural: 'mutatingwebhookconfigurations', singular: 'mutatingwebhookconfiguration',
  namespaced: false, type: 'admissionregistration/v1.MutatingWebhookConfiguration', origin: 'builtin',
  categories: ['api-extensions'],
  columns: [NAME, column('Webhooks', ({ webhooks }) => (webhooks ?? []).length, { type: 'integer' }), AGE],
  rules: {
    desiredStateChanged: (object, old) => !deepEqual(object.webhooks, old.webhooks),
    defaults({ webhooks }) {
      for (const hook of webhooks ?? []) {
        defaultWebhook(hook);
        hook.reinvocationPolicy ??= 'Never';
      }
    },
    validate: ({ webhooks }) => [
      ...webhooksErrors(webhooks),
      ...(webhooks ?? []).flatMap((hook, index) => optional(`webhooks[${index}].reinvocationPolicy`, hook.reinvocationPolicy, REINVOCATION_POLICIES)),
    ],
  },
});
