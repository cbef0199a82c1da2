/** How an aggregated server is reached: at its Service's ClusterIP, under the Service's name, with the front proxy's certificate. */
import type { RequestOptions } from 'node:https';
import type { Service } from '../../kinds/generated/core.ts';
import type { APIService } from '../../kinds/generated/apiregistration.ts';
import { typed } from '../../kinds/typed.ts';
import type { Lookup, ResourcePath } from '../lookup.ts';
import type { User } from '../types.ts';
import type { FrontProxy } from './frontproxy.ts';

const SERVICES: ResourcePath = ['', 'v1', 'services'];
const SLICES: ResourcePath = ['discovery.k8s.io', 'v1', 'endpointslices'];
const SERVICE_LABEL = 'kubernetes.io/service-name';
const HTTPS_PORT = 443;

/** Why a server cannot be reached, as a reason of the condition `Available` with its message. */
export interface Unreachable {
  readonly reason: string;
  readonly message: string;
}

export interface Reachable {
  readonly options: RequestOptions;
}

/** Whether a service has a ready address for a port. */
function hasEndpoints(lookup: Lookup, namespace: string, service: string, portName: string): boolean {
  return lookup.list(SLICES, namespace).filter(({ metadata }) => metadata.labels?.[SERVICE_LABEL] === service).some((object) => {
    const slice = typed('discovery.k8s.io/v1 EndpointSlice', object);
    return slice.ports?.some((port) => (port.name ?? '') === portName) === true && slice.endpoints?.some(({ conditions }) => conditions?.ready !== false) === true;
  });
}

const inWords = (name: string, namespace: string): string => `service/${name} in ${JSON.stringify(namespace)}`;

/** The address of a Service with a port, or why it has none. */
function hostOf(service: Service, port: number, lookup: Lookup): string | Unreachable {
  const { metadata: { name, namespace = '' }, spec } = service;
  if (spec?.type === 'ExternalName') {
    return spec.externalName ?? '';
  }
  const served = spec?.ports?.find((one) => one.port === port);
  if (served === undefined) {
    return { reason: 'ServicePortError', message: `${inWords(name, namespace)} is not listening on port ${port}` };
  }
  const host = spec?.clusterIP ?? '';
  if (host === '' || host === 'None') {
    return { reason: 'ServiceAccessError', message: `${inWords(name, namespace)} cannot be accessed due to: it has no cluster IP` };
  }
  return hasEndpoints(lookup, namespace, name, served.name ?? '') ? host
    : { reason: 'MissingEndpoints', message: `endpoints for ${inWords(name, namespace)} have no addresses with port name ${JSON.stringify(served.name ?? '')}` };
}

function trustOf(spec: APIService['spec']): RequestOptions {
  if (spec?.insecureSkipTLSVerify === true) {
    return { rejectUnauthorized: false };
  }
  return spec?.caBundle === undefined || spec.caBundle === '' ? {} : { ca: Buffer.from(spec.caBundle, 'base64').toString() };
}

/** Where the server of an APIService listens, or why it cannot. Words are kube-aggregator's. */
export function locate(spec: APIService['spec'], lookup: Lookup, frontProxy: FrontProxy): Reachable | Unreachable {
  const { name = '', namespace = '', port = HTTPS_PORT } = spec?.service ?? {};
  const found = lookup.get(SERVICES, namespace, name);
  if (found === undefined) {
    return { reason: 'ServiceNotFound', message: `${inWords(name, namespace)} is not present` };
  }
  const host = hostOf(typed('v1 Service', found), port, lookup);
  return typeof host === 'string' ? { options: { host, port, servername: `${name}.${namespace}.svc`, ...frontProxy.client, ...trustOf(spec) } } : host;
}

/** A name of `extra` as a header can carry it. */
const headerName = (name: string): string => encodeURIComponent(name).toLowerCase();

/** Who asks, in the headers that only the front proxy may set. */
export function remoteHeaders({ name, uid, groups, extra }: User): Record<string, string | string[]> {
  return {
    'x-remote-user': name, ...(uid === undefined || uid === '' ? {} : { 'x-remote-uid': uid }), 'x-remote-group': [...groups],
    ...Object.fromEntries(Object.entries(extra ?? {}).map(([key, values]) => [`x-remote-extra-${headerName(key)}`, [...values]])),
  };
}
