/** Endpoints of Services in both their forms: EndpointSlices always, v1 Endpoints where the server serves them. */
import type { Controller } from '../../client/controller.ts';
import { resourcesOf } from '../../client/discovery.ts';
import { ENDPOINTS } from '../../client/resources.ts';
import type { ControllerContext } from '../context.ts';
import { endpointSliceController } from './endpointslice.ts';
import { endpointsController } from './legacy.ts';

export function serviceEndpointsController(context: ControllerContext): Controller {
  const slices = endpointSliceController(context);
  const ended = Promise.withResolvers<void>();
  return {
    name: 'endpointslice',
    stopped: ended.promise,
    async start(signal) {
      const served = await resourcesOf(context.client, { group: '', version: 'v1' });
      const parts = [slices, ...(served.some((one) => one.plural === ENDPOINTS.plural) ? [endpointsController(context)] : [])];
      ended.resolve(Promise.all(parts.map((part) => part.stopped ?? Promise.resolve())).then(() => undefined));
      await Promise.all(parts.map((part) => part.start(signal)));
    },
  };
}
