/** The older v1 Endpoints of Services with a selector, for clients that still read them, where the server serves the kind. */
import { keyOf } from '../../apimachinery/object.ts';
import { matchesLabels, selectorFromMap } from '../../apimachinery/selectors.ts';
import { isStatusError } from '../../apimachinery/status.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import { newController, type Controller } from '../../client/controller.ts';
import { ENDPOINTS, PODS, SERVICES } from '../../client/resources.ts';
import type { EndpointAddress, EndpointPort, Endpoints, EndpointSubset, Pod, Service } from '../../kinds/generated/core.ts';
import type { Endpoint } from '../../kinds/generated/discovery.ts';
import type { ControllerContext } from '../context.ts';
import { isNamespaceTerminating } from '../shared/podcontrol.ts';
import { isHeadless, portGroups, type PortGroup } from './endpoints.ts';
import { watchMembers } from './members.ts';

export const ENDPOINTS_MANAGED_BY = 'endpoints.kubernetes.io/managed-by';
const MANAGER = 'endpoint-controller';
const HEADLESS = 'service.kubernetes.io/headless';
const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity';
/** Addresses of one Endpoints object; what is beyond is cut off and said so by an annotation. */
const ADDRESSES_MAX = 1000;

function addressOf(endpoint: Endpoint): EndpointAddress {
  const [ip = ''] = endpoint.addresses;
  return {
    ip, ...(endpoint.hostname === undefined ? {} : { hostname: endpoint.hostname }), ...(endpoint.nodeName === undefined ? {} : { nodeName: endpoint.nodeName }),
    ...(endpoint.targetRef === undefined ? {} : { targetRef: endpoint.targetRef }),
  };
}

function subsetOf({ ports, endpoints }: PortGroup): EndpointSubset {
  const sorted = [...endpoints].filter((one) => one.conditions?.terminating !== true || one.conditions.ready === true)
    .sort((a, b) => ((a.addresses[0] ?? '') < (b.addresses[0] ?? '') ? -1 : 1));
  const addresses = sorted.filter((one) => one.conditions?.ready === true).map(addressOf);
  const notReadyAddresses = sorted.filter((one) => one.conditions?.ready !== true).map(addressOf);
  const numbered = ports.map(({ name, protocol, port = 0, appProtocol }): EndpointPort => ({
    port, ...(name ? { name } : {}), protocol: protocol ?? 'TCP', ...(appProtocol === undefined ? {} : { appProtocol }),
  }));
  return {
    ...(addresses.length === 0 ? {} : { addresses }), ...(notReadyAddresses.length === 0 ? {} : { notReadyAddresses }),
    ...(numbered.length === 0 ? {} : { ports: numbered }),
  };
}

/** The Endpoints a service should have. */
export function endpointsOf(service: Service, pods: readonly Pod[]): Endpoints {
  let room = ADDRESSES_MAX;
  let cut = false;
  const subsets = portGroups(service, pods, 'IPv4', () => undefined).map((group) => {
    const endpoints = group.endpoints.slice(0, room);
    cut ||= endpoints.length < group.endpoints.length;
    room -= endpoints.length;
    return subsetOf({ ...group, endpoints });
  }).filter((subset) => subset.addresses !== undefined || subset.notReadyAddresses !== undefined);
  const { name, namespace, labels } = service.metadata;
  return {
    apiVersion: 'v1', kind: 'Endpoints',
    metadata: {
      name, ...(namespace === undefined ? {} : { namespace }),
      labels: { ...labels, [ENDPOINTS_MANAGED_BY]: MANAGER, ...(isHeadless(service) ? { [HEADLESS]: '' } : {}) },
      ...(cut ? { annotations: { [OVER_CAPACITY]: 'truncated' } } : {}),
    },
    subsets,
  };
}

export function endpointsController(context: ControllerContext): Controller {
  const { client, informers } = context;
  const services = informers.for(SERVICES);
  const pods = informers.for(PODS);
  const existing = informers.for(ENDPOINTS);

  const remove = async (found: Endpoints): Promise<void> => {
    try {
      await client.delete(ENDPOINTS, found.metadata.name, found.metadata.namespace);
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) {
        throw error;
      }
    }
  };

  const write = async (wanted: Endpoints, found: Endpoints | undefined): Promise<void> => {
    if (found === undefined) {
      try {
        await client.create(ENDPOINTS, wanted);
      } catch (error) {
        if (!isNamespaceTerminating(error)) {
          throw error;
        }
      }
    } else if (!deepEqual(wanted.subsets ?? [], found.subsets ?? []) || !deepEqual(wanted.metadata.labels, found.metadata.labels)) {
      await client.update(ENDPOINTS, { ...wanted, metadata: { ...found.metadata, ...wanted.metadata } });
    }
  };

  const reconcile = async (key: string): Promise<void> => {
    const service = services.get(key);
    const found = existing.get(key);
    if (service === undefined || service.spec.type === 'ExternalName') {
      // Nothing leads to them any more. Endpoints somebody made by hand are theirs.
      if (found?.metadata.labels?.[ENDPOINTS_MANAGED_BY] === MANAGER) {
        await remove(found);
      }
      return;
    }
    if (Object.keys(service.spec.selector ?? {}).length === 0 || service.metadata.deletionTimestamp !== undefined) {
      return;
    }
    const selector = selectorFromMap(service.spec.selector);
    const members = pods.list(service.metadata.namespace ?? '').filter((pod) => matchesLabels(selector, pod.metadata.labels));
    await write(endpointsOf(service, members), found);
  };

  const controller = newController({
    name: 'endpoints', log: context.log, reconcile,
    before: (signal) => Promise.all([services.start(signal), pods.start(signal), existing.start(signal)]),
  });
  const { queue } = controller;
  const changed = (object: Service | Endpoints): void => { queue.add(keyOf(object)); };
  services.on({ added: changed, updated: changed, deleted: changed });
  watchMembers(services, pods, changed);
  existing.on({ added: changed, updated: changed, deleted: changed });
  return controller;
}
