/** What every namespace has: a ServiceAccount `default`, and the ConfigMap with the authority that pods should trust. */
import { isStatusError } from '../../apimachinery/status.ts';
import { newController, type Controller } from '../../client/controller.ts';
import { CONFIGMAPS, NAMESPACES, SERVICEACCOUNTS } from '../../client/resources.ts';
import type { ConfigMap } from '../../kinds/generated/core.ts';
import type { ControllerContext } from '../context.ts';
import { isNamespaceTerminating } from '../shared/podcontrol.ts';

const ACCOUNT = 'default';
const ROOT_CA = 'kube-root-ca.crt';
const ROOT_CA_NOTE = 'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or '
  + 'kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.';

export function serviceAccountController(context: ControllerContext): Controller {
  const { client, informers, rootCa } = context;
  const namespaces = informers.for(NAMESPACES);
  const accounts = informers.for(SERVICEACCOUNTS);
  const configMaps = informers.for(CONFIGMAPS);

  /** Made meanwhile by someone else, or the namespace is going: both are fine. */
  const unlessThere = async (create: Promise<unknown>): Promise<void> => {
    try {
      await create;
    } catch (error) {
      if (!isStatusError(error, 'AlreadyExists') && !isStatusError(error, 'NotFound') && !isNamespaceTerminating(error)) {
        throw error;
      }
    }
  };

  const ensureRootCa = async (namespace: string, certificate: string): Promise<void> => {
    const data = { 'ca.crt': certificate };
    const found = configMaps.get(`${namespace}/${ROOT_CA}`);
    if (found === undefined) {
      const wanted: ConfigMap = {
        apiVersion: 'v1', kind: 'ConfigMap',
        metadata: { name: ROOT_CA, namespace, annotations: { 'kubernetes.io/description': ROOT_CA_NOTE } }, data,
      };
      await unlessThere(client.create(CONFIGMAPS, wanted));
    } else if (found.data?.['ca.crt'] !== certificate || Object.keys(found.data).length !== 1) {
      await client.update(CONFIGMAPS, { ...found, data });
    }
  };

  const reconcile = async (name: string): Promise<void> => {
    const namespace = namespaces.get(name);
    if (namespace === undefined || namespace.metadata.deletionTimestamp !== undefined) {
      return;
    }
    if (accounts.get(`${name}/${ACCOUNT}`) === undefined) {
      await unlessThere(client.create(SERVICEACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: ACCOUNT, namespace: name } }));
    }
    if (rootCa !== undefined) {
      await ensureRootCa(name, rootCa);
    }
  };

  const controller = newController({
    name: 'serviceaccount', log: context.log, reconcile,
    before: (signal) => Promise.all([namespaces.start(signal), accounts.start(signal), configMaps.start(signal)]),
  });
  const { queue } = controller;
  namespaces.on({
    added: (namespace) => { queue.add(namespace.metadata.name); },
    updated: (namespace) => { queue.add(namespace.metadata.name); },
  });
  accounts.on({
    deleted: (account) => {
      if (account.metadata.name === ACCOUNT) {
        queue.add(account.metadata.namespace ?? '');
      }
    },
  });
  const configMapChanged = (map: ConfigMap): void => {
    if (map.metadata.name === ROOT_CA) {
      queue.add(map.metadata.namespace ?? '');
    }
  };
  configMaps.on({ updated: configMapChanged, deleted: configMapChanged });
  return controller;
}
