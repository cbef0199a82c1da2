/** Which resources a server serves, read from its plain discovery documents. */
import { isObject } from '../apimachinery/values.ts';
import { StatusError } from '../apimachinery/status.ts';
import type { Client } from './client.ts';
import { resourceName, type Resource } from './resource.ts';

export interface DiscoveredResource extends Resource {
  readonly verbs: ReadonlySet<string>;
}

export interface Discovered {
  /** Each resource in its group's first version that has it, which is the preferred one if that does; no subresources. */
  resources: DiscoveredResource[];
  /** Group versions that could not be read, with the reason. */
  failures: Map<string, string>;
}

interface GroupVersion {
  group: string;
  version: string;
}

/** The preferred version first. */
function versionsOf(group: Record<string, unknown>): GroupVersion[] {
  const name = stringOf(group['name']);
  const versions = [group['preferredVersion'], ...listOf(group['versions'])].map((one) => (isObject(one) ? stringOf(one['version']) : ''));
  return [...new Set(versions)].filter((version) => version !== '').map((version) => ({ group: name, version }));
}

const stringOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const listOf = (value: unknown): Record<string, unknown>[] => (Array.isArray(value) ? value.filter(isObject) : []);

/** Throws when not even the list of groups can be had. */
export async function discover(client: Client): Promise<Discovered> {
  const answer = await client.raw({ method: 'GET', path: '/apis' });
  const groups = listOf(isObject(answer) ? answer['groups'] : undefined).flatMap(versionsOf);
  const failures = new Map<string, string>();
  const lists = await Promise.all([{ group: '', version: 'v1' }, ...groups].map(async (gv) => {
    try {
      return await resourcesOf(client, gv);
    } catch (error) {
      if (!(error instanceof StatusError)) {
        throw error;
      }
      failures.set(`${gv.group}/${gv.version}`, error.message);
      return [];
    }
  }));
  const resources = new Map<string, DiscoveredResource>();
  for (const one of lists.flat()) {
    const name = resourceName(one);
    resources.set(name, resources.get(name) ?? one);
  }
  return { resources: [...resources.values()], failures };
}

/** One group version's resources, without subresources. */
export async function resourcesOf(client: Client, { group, version }: GroupVersion): Promise<DiscoveredResource[]> {
  const answer = await client.raw({ method: 'GET', path: group === '' ? `/api/${version}` : `/apis/${group}/${version}` });
  return listOf(isObject(answer) ? answer['resources'] : undefined)
    .filter((one) => !stringOf(one['name']).includes('/'))
    .map((one) => ({
      group: stringOf(one['group']) || group, version: stringOf(one['version']) || version,
      plural: stringOf(one['name']), kind: stringOf(one['kind']), namespaced: one['namespaced'] === true,
      verbs: new Set(Array.isArray(one['verbs']) ? one['verbs'].filter((verb) => typeof verb === 'string') : []),
    }));
}
