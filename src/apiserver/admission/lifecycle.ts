/** Namespaces as rooms: nothing is made in one that does not exist or is going away, and four of them always stand. */
import { forbidden, notFound } from '../../apimachinery/status.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';

/** Made at start and never deleted. */
export const PERMANENT_NAMESPACES: readonly string[] = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

const isNamespace = (request: AdmissionRequest): boolean => request.kind.group === '' && request.kind.plural === 'namespaces';

function checkDelete(request: AdmissionRequest): void {
  if (isNamespace(request) && PERMANENT_NAMESPACES.includes(request.name)) {
    throw forbidden({ group: '', resource: 'namespaces', name: request.name }, 'this namespace may not be deleted');
  }
}

/** `namespaceOf` gives the stored Namespace. */
export function namespaceLifecycle(namespaceOf: (name: string) => KubeObject | undefined): AdmissionPlugin {
  return {
    name: 'NamespaceLifecycle',
    admit(request): void {
      if (request.operation === 'DELETE') {
        checkDelete(request);
        return;
      }
      if (request.operation !== 'CREATE' || request.namespace === '' || isNamespace(request)) {
        return;
      }
      const namespace = namespaceOf(request.namespace);
      if (namespace === undefined) {
        throw notFound({ group: '', resource: 'namespaces', name: request.namespace });
      }
      if (namespace.metadata.deletionTimestamp !== undefined) {
        const { group, plural } = request.kind;
        const error = forbidden({ group, resource: plural, name: request.name },
          `unable to create new content in namespace ${request.namespace} because it is being terminated`);
        error.status.details = { ...error.status.details, causes: [{
          reason: 'NamespaceTerminating', message: `namespace ${request.namespace} is being terminated`, field: 'metadata.namespace',
        }] };
        throw error;
      }
    },
  };
}
