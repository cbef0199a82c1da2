/** Asks an aggregated server for its discovery: whether it is there, what it serves, and under which hash it publishes its OpenAPI. */
import type { RequestOptions } from 'node:https';
import { isObject } from '../../apimachinery/values.ts';
import type { RemoteResource } from '../../kinds/registry.ts';
import { exchange, type Exchanged } from './exchange.ts';
import { remoteHeaders } from './remote.ts';

/** As whom kube-aggregator asks. */
const AGGREGATOR = remoteHeaders({ name: 'system:kube-aggregator', groups: ['system:masters'] });

export interface Discovered {
  readonly resources: readonly RemoteResource[];
  readonly openApiHash: string | undefined;
}

const fetchJson = (options: RequestOptions, path: string): Promise<Exchanged> =>
  exchange({ ...options, path, method: 'GET', headers: { ...AGGREGATOR, accept: 'application/json' } });

const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []);
const textOf = (value: unknown, fallback: string): string => (typeof value === 'string' && value !== '' ? value : fallback);

/** One entry of an APIResourceList; undefined for what is none. */
function resourceOf(value: unknown, group: string, version: string): RemoteResource | undefined {
  if (!isObject(value) || typeof value['name'] !== 'string') {
    return undefined;
  }
  const [resource = '', sub] = value['name'].split('/');
  const [shortNames, categories] = [texts(value['shortNames']), texts(value['categories'])];
  return {
    resource, ...(sub === undefined ? {} : { sub }), singular: textOf(value['singularName'], ''), namespaced: value['namespaced'] === true,
    group: textOf(value['group'], group), version: textOf(value['version'], version), kind: textOf(value['kind'], ''), verbs: texts(value['verbs']),
    ...(shortNames.length === 0 ? {} : { shortNames }), ...(categories.length === 0 ? {} : { categories }),
  };
}

/** The hash in the server's own index; a server without OpenAPI v3 has none. */
async function openApiHash(options: RequestOptions, group: string, version: string): Promise<string | undefined> {
  const { value } = await fetchJson(options, '/openapi/v3');
  const paths = isObject(value) ? value['paths'] : undefined;
  const entry = isObject(paths) ? paths[`apis/${group}/${version}`] : undefined;
  const url = isObject(entry) ? entry['serverRelativeURL'] : undefined;
  return typeof url === 'string' ? /[?&]hash=([0-9A-Za-z]+)/.exec(url)?.[1] : undefined;
}

/** Rejects with an Error that says why the server does not answer as an API server would. */
export async function discover(options: RequestOptions, group: string, version: string): Promise<Discovered> {
  const { code, value } = await fetchJson(options, `/apis/${group}/${version}`);
  if (code !== 200) {
    throw new Error(`bad status from https://${String(options.host)}:${String(options.port)}/apis/${group}/${version}: ${code}`);
  }
  const list = isObject(value) && Array.isArray(value['resources']) ? value['resources'] : [];
  const resources = list.map((one) => resourceOf(one, group, version)).filter((one) => one !== undefined);
  return { resources, openApiHash: await openApiHash(options, group, version) };
}
