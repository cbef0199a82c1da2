/** What must stand before the first client comes: four namespaces, the `kubernetes` Service, definitions of the custom kinds, the system's priorities. */
import { formatTime, type KubeObject, type ManagedFieldsEntry } from '../apimachinery/object.ts';
import { isStatusError } from '../apimachinery/status.ts';
import { deepClone, deepEqual, isObject } from '../apimachinery/values.ts';
import { customResourceDefinitions } from '../kinds/apiextensions/customresourcedefinition.ts';
import { reconcilePolicy } from './authz/bootstrap/reconcile.ts';
import { PERMANENT_NAMESPACES } from './admission/lifecycle.ts';
import { serverContext } from './self.ts';
import { asKubeObject, decodeTyped, expectedOf } from './verbs/body.ts';
import type { Core } from './verbs/core.ts';
import { createObject, updateObject, type WriteContext } from './verbs/writes.ts';
import type { AnyKind } from '../kinds/kind.ts';
import { systemObjects, type SystemObject } from './systemobjects.ts';

export interface BootstrapOptions {
  /** ClusterIP of the `kubernetes` Service. */
  apiAddress: string;
  /** Where the API server is reached from pods. */
  nodeAddress: string;
  port: number;
  /** Range of the services' addresses. */
  serviceCidr: string;
}

interface Wanted {
  kind: AnyKind;
  namespace: string;
  object: Record<string, unknown> & { metadata: Record<string, unknown> & { name: string } };
  /** Members kept as they should be when the object already exists. */
  enforced: readonly string[];
  /** Of the status, where there are none yet. */
  conditions: SystemObject['conditions'];
}

const SERVICE_LABELS = { component: 'apiserver', provider: 'kubernetes' };

function kubernetesService(options: BootstrapOptions): Wanted['object'] {
  return {
    metadata: { name: 'kubernetes', labels: SERVICE_LABELS },
    spec: {
      type: 'ClusterIP', clusterIP: options.apiAddress, clusterIPs: [options.apiAddress], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack',
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: options.port }], sessionAffinity: 'None',
    },
  };
}

const endpointsOf = (options: BootstrapOptions): Wanted['object'] => ({
  metadata: { name: 'kubernetes', labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
  subsets: [{ addresses: [{ ip: options.nodeAddress }], ports: [{ name: 'https', port: options.port, protocol: 'TCP' }] }],
});

const endpointSliceOf = (options: BootstrapOptions): Wanted['object'] => ({
  metadata: { name: 'kubernetes', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
  addressType: 'IPv4',
  endpoints: [{ addresses: [options.nodeAddress], conditions: { ready: true } }],
  ports: [{ name: 'https', port: options.port, protocol: 'TCP' }],
});

/** Of the definitions of built-in custom kinds no more than the group is ours to own: whoever applies KubeVirt's own meets no conflict. */
const groupOnly = (): ManagedFieldsEntry[] => [{
  manager: 'kube-apiserver', operation: 'Update', apiVersion: 'apiextensions.k8s.io/v1', time: formatTime(), fieldsType: 'FieldsV1', fieldsV1: { 'f:spec': { 'f:group': {} } },
}];

function wantedObjects(core: Core, options: BootstrapOptions): Wanted[] {
  const { registry } = core;
  const wanted: Wanted[] = [];
  const add = (kind: AnyKind | undefined, namespace: string, object: Wanted['object'], enforced: readonly string[], conditions?: SystemObject['conditions']): void => {
    if (kind !== undefined) {
      wanted.push({ kind, namespace, object, enforced, conditions });
    }
  };
  for (const name of PERMANENT_NAMESPACES) {
    add(registry.byResource('', 'v1', 'namespaces'), '', { metadata: { name } }, []);
  }
  for (const { resource, object, enforced, conditions } of systemObjects(options.serviceCidr)) {
    add(registry.byResource(...resource), '', object, enforced, conditions);
  }
  for (const { metadata, spec } of customResourceDefinitions()) {
    add(registry.byResource('apiextensions.k8s.io', 'v1', 'customresourcedefinitions'), '', { metadata: { ...metadata, managedFields: groupOnly() }, spec }, []);
  }
  add(registry.byResource('', 'v1', 'services'), 'default', kubernetesService(options), []);
  add(registry.byResource('', 'v1', 'endpoints'), 'default', endpointsOf(options), ['subsets']);
  add(registry.byResource('discovery.k8s.io', 'v1', 'endpointslices'), 'default', endpointSliceOf(options), ['endpoints', 'ports']);
  return wanted;
}

const decode = (core: Core, { kind, object }: Wanted): KubeObject =>
  asKubeObject(decodeTyped(object, core.registry, expectedOf(kind), 'strict').object);

/** Says of a new object what a controller of Kubernetes would say of it. */
async function describe(core: Core, { kind, namespace, object, conditions }: Wanted, context: WriteContext): Promise<void> {
  const target = { kind, namespace, name: object.metadata.name };
  const status: unknown = Reflect.get(core.require(target).object, 'status');
  if (conditions === undefined || (isObject(status) && Array.isArray(status['conditions']) && status['conditions'].length > 0)) {
    return;
  }
  const lastTransitionTime = `${new Date().toISOString().slice(0, 19)}Z`;
  await updateObject(core, {
    target, scope: { part: 'status' },
    mutate: (current) => {
      const next = deepClone(current);
      Reflect.set(next, 'status', { conditions: conditions.map((one) => ({ ...one, lastTransitionTime })) });
      return next;
    },
  }, context);
}

async function ensure(core: Core, wanted: Wanted): Promise<void> {
  const context = serverContext();
  const { kind, namespace, enforced } = wanted;
  const target = { kind, namespace, name: wanted.object.metadata.name };
  const present = core.get(target);
  if (present === undefined) {
    try {
      const made = decode(core, wanted);
      await createObject(core, kind, namespace, made, made.metadata.managedFields === undefined ? context : { ...context, fieldsNoted: true });
      await describe(core, wanted, context);
    } catch (error) {
      if (!isStatusError(error, 'AlreadyExists')) {
        throw error;
      }
    }
    return;
  }
  const made = decode(core, wanted);
  const differs = enforced.some((name) => !deepEqual(Reflect.get(made, name), Reflect.get(present.object, name)));
  if (differs) {
    await updateObject(core, {
      target, scope: { part: 'main' },
      mutate: (current) => {
        const next = deepClone(current);
        enforced.forEach((name) => Reflect.set(next, name, deepClone(Reflect.get(made, name))));
        return next;
      },
    }, context);
  }
}

/** Idempotent; corrects the endpoints after the port or the address has changed. */
export async function bootstrap(core: Core, options: BootstrapOptions): Promise<void> {
  const wanted = wantedObjects(core, options);
  // Namespaces first: the rest stands in them.
  const namespaces = wanted.filter(({ namespace }) => namespace === '');
  await Promise.all(namespaces.map((one) => ensure(core, one)));
  await reconcilePolicy(core);
  await Promise.all(wanted.filter(({ namespace }) => namespace !== '').map((one) => ensure(core, one)));
}
