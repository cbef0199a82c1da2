import { AGE, column, NAME } from '../columns.ts';
import type { Namespace } from '../generated/core.ts';
import { defineKind } from '../kind.ts';
import { keepStatus } from '../strategy.ts';

/** What keeps a namespace until the namespace controller has emptied it. */
const FINALIZER = 'kubernetes';
const NAME_LABEL = 'kubernetes.io/metadata.name';

export const namespace = defineKind<Namespace>({
  group: '', version: 'v1', kind: 'Namespace', plural: 'namespaces', singular: 'namespace',
  namespaced: false, type: 'core/v1.Namespace', origin: 'builtin',
  shortNames: ['ns'], status: true,
  verbs: ['create', 'get', 'list', 'watch', 'update', 'patch', 'delete'],
  subresources: { finalize: { kind: 'Namespace', verbs: ['update'] } },
  columns: [NAME, column('Status', ({ status }) => status?.phase ?? '', { description: 'The status of the namespace' }), AGE],
  selectableFields: {
    name: ({ metadata }) => metadata.name,
    'status.phase': ({ status }) => status?.phase ?? '',
  },
  rules: {
    name: 'dns1123label',
    generation: false,
    defaults(object) {
      object.spec ??= {};
      if (object.metadata.name) {
        object.metadata.labels = { ...object.metadata.labels, [NAME_LABEL]: object.metadata.name };
      }
    },
    prepareCreate(object) {
      object.status = { phase: 'Active' };
      const finalizers = object.spec.finalizers ?? [];
      object.spec.finalizers = finalizers.includes(FINALIZER) ? finalizers : [...finalizers, FINALIZER];
    },
    prepareUpdate(object, old) {
      keepStatus(object, old);
      object.spec = { ...object.spec, ...old.spec };
    },
  },
});
