/** Addresses of services as environment variables, as Docker's links had them. */
import type { Pod, Service, ServicePort } from '../../kinds/generated/core.ts';

const upper = (name: string): string => name.toUpperCase().replaceAll('-', '_');

function portVariables(prefix: string, address: string, port: ServicePort, first: boolean): Record<string, string> {
  const protocol = port.protocol ?? 'TCP';
  const number = String(port.port);
  const url = `${protocol.toLowerCase()}://${address}:${number}`;
  const one = `${prefix}_PORT_${number}_${protocol}`;
  return {
    ...(first ? { [`${prefix}_SERVICE_PORT`]: number, [`${prefix}_PORT`]: url } : {}),
    ...(port.name === undefined || port.name === '' ? {} : { [`${prefix}_SERVICE_PORT_${upper(port.name)}`]: number }),
    [one]: url, [`${one}_PROTO`]: protocol.toLowerCase(), [`${one}_PORT`]: number, [`${one}_ADDR`]: address,
  };
}

/** `kubernetes` of `default` always, which clients in pods rely on; the pod's own namespace unless it declines. */
function isWanted(service: Service, pod: Pod): boolean {
  const { name, namespace } = service.metadata;
  return (namespace === 'default' && name === 'kubernetes')
    || (pod.spec?.enableServiceLinks !== false && namespace === pod.metadata.namespace);
}

/** `WEB_SERVICE_HOST`, `WEB_PORT_80_TCP_ADDR` and their like. */
export function serviceVariables(services: readonly Service[], pod: Pod): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const service of services) {
    const address = service.spec?.clusterIP ?? '';
    if (address === '' || address === 'None' || !isWanted(service, pod)) {
      continue;
    }
    const prefix = upper(service.metadata.name);
    variables[`${prefix}_SERVICE_HOST`] = address;
    for (const [index, port] of (service.spec?.ports ?? []).entries()) {
      Object.assign(variables, portVariables(prefix, address, port, index === 0));
    }
  }
  return variables;
}
