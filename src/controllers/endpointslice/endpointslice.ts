/** The EndpointSlice controller: for every Service with a selector, the addresses of its pods and whether they are ready. */
import { keyOf, splitKey } from '../../apimachinery/object.ts';
import { matchesLabels, selectorFromMap } from '../../apimachinery/selectors.ts';
import { isStatusError } from '../../apimachinery/status.ts';
import { newController, type Controller, type Requeue } from '../../client/controller.ts';
import { ENDPOINTSLICES, NODES, PODS, SERVICES } from '../../client/resources.ts';
import type { Service } from '../../kinds/generated/core.ts';
import type { EndpointSlice } from '../../kinds/generated/discovery.ts';
import type { ControllerContext } from '../context.ts';
import { Expectations } from '../shared/expectations.ts';
import { messageOf } from '../shared/errors.ts';
import { isNamespaceTerminating } from '../shared/podcontrol.ts';
import { addressTypes, portGroups } from './endpoints.ts';
import { watchMembers } from './members.ts';
import { MANAGED_BY, MANAGER, planSlices, SERVICE_NAME } from './plan.ts';

const SERVICE_INDEX = 'endpointslice/service';
const ZONE = 'topology.kubernetes.io/zone';
/** A slice made or deleted a moment ago is not in the cache yet: its event normally comes first. */
const LOOK_AGAIN_MS = 1000;

/** The service of a slice that this controller looks after. */
function serviceKeyOf(slice: EndpointSlice): string | undefined {
  const { labels, namespace } = slice.metadata;
  const name = labels?.[SERVICE_NAME];
  return name === undefined || labels?.[MANAGED_BY] !== MANAGER ? undefined : `${namespace ?? ''}/${name}`;
}

export function endpointSliceController(context: ControllerContext): Controller {
  const { client, informers } = context;
  const services = informers.for(SERVICES);
  const pods = informers.for(PODS);
  const nodes = informers.for(NODES);
  const slices = informers.for(ENDPOINTSLICES);
  slices.addIndex(SERVICE_INDEX, (slice) => {
    const key = serviceKeyOf(slice);
    return key === undefined ? [] : [key];
  });
  const expectations = new Expectations(slices);
  const recorder = context.recorder.as('endpoint-slice-controller');
  const zoneOf = (node: string): string | undefined => nodes.get(node)?.metadata.labels?.[ZONE];

  const remove = async (key: string, slice: EndpointSlice): Promise<void> => {
    try {
      await client.delete(ENDPOINTSLICES, slice.metadata.name, slice.metadata.namespace);
      expectations.deleted(key, slice);
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) {
        throw error;
      }
    }
  };

  const write = async (key: string, service: Service): Promise<void> => {
    const selector = selectorFromMap(service.spec.selector);
    const members = pods.list(service.metadata.namespace ?? '').filter((pod) => matchesLabels(selector, pod.metadata.labels));
    const types = addressTypes(service);
    const existing = slices.byIndex(SERVICE_INDEX, key);
    const work: Promise<unknown>[] = existing.filter((slice) => !types.some((type) => type === slice.addressType)).map((slice) => remove(key, slice));
    for (const type of types) {
      const plan = planSlices(service, type, existing.filter((slice) => slice.addressType === type), portGroups(service, members, type, zoneOf));
      work.push(
        ...plan.create.map(async (slice) => { expectations.created(key, await client.create(ENDPOINTSLICES, slice)); }),
        ...plan.update.map((slice) => client.update(ENDPOINTSLICES, slice)),
        ...plan.remove.map((slice) => remove(key, slice)),
      );
    }
    const failed = (await Promise.allSettled(work)).find((result) => result.status === 'rejected');
    if (failed !== undefined) {
      throw failed.reason;
    }
  };

  const reconcile = async (key: string): Promise<void | Requeue> => {
    const service = services.get(key);
    if (!expectations.satisfied(key)) {
      return { requeueAfterMs: LOOK_AGAIN_MS };
    }
    if (service === undefined || service.spec.type === 'ExternalName') {
      await Promise.all(slices.byIndex(SERVICE_INDEX, key).map((slice) => remove(key, slice)));
      expectations.forget(key);
      return undefined;
    }
    if (Object.keys(service.spec.selector ?? {}).length === 0 || service.metadata.deletionTimestamp !== undefined) {
      return undefined;
    }
    try {
      await write(key, service);
    } catch (error) {
      if (isNamespaceTerminating(error)) {
        return undefined;
      }
      if (!isStatusError(error, 'Conflict') && !isStatusError(error, 'NotFound')) {
        recorder.event(service, 'Warning', 'FailedToUpdateEndpointSlices', `Error updating Endpoint Slices for Service ${key}: ${messageOf(error)}`);
      }
      throw error;
    }
    return undefined;
  };

  const controller = newController({
    name: 'endpointslice', log: context.log, reconcile,
    before: (signal) => Promise.all([services.start(signal), pods.start(signal), nodes.start(signal), slices.start(signal)]),
  });
  const { queue } = controller;

  const sliceChanged = (slice: EndpointSlice): void => {
    const key = serviceKeyOf(slice);
    // Also for services that are gone: their slices go too.
    if (key !== undefined && splitKey(key).name !== '') {
      queue.add(key);
    }
  };
  services.on({
    added: (service) => { queue.add(keyOf(service)); },
    updated: (service) => { queue.add(keyOf(service)); },
    deleted: (service) => { queue.add(keyOf(service)); },
  });
  watchMembers(services, pods, (service) => { queue.add(keyOf(service)); });
  slices.on({
    added: sliceChanged,
    updated: (slice, old) => {
      sliceChanged(slice);
      sliceChanged(old);
    },
    deleted: sliceChanged,
  });
  return controller;
}
