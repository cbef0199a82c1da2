/** Everything `telar ps` shows, read from the API: the workloads discovery names, their pods, and what those use. */
import type { KubeObject } from '../../apimachinery/object.ts';
import { isStatusError } from '../../apimachinery/status.ts';
import type { Server } from '../server.ts';

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';
/** Longest answer read, bytes. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

/** One object with the cells the server printed for it, by lower-case column name. */
export interface Shown {
  object: KubeObject;
  cells: ReadonlyMap<string, string>;
}

export interface Usage {
  /** Cores. */
  cpu: number;
  /** Bytes. */
  memory: number;
}

export interface Estate {
  /** Objects of the kinds in the `workloads` category. */
  workloads: Shown[];
  pods: Shown[];
  /** What stands between a pod and its workload: ReplicaSets and VirtualMachineInstances, by uid. */
  between: ReadonlyMap<string, KubeObject>;
  /** By `namespace/name` of the pod; empty when the nodes do not say. */
  usage: ReadonlyMap<string, Usage>;
}

export interface Scope {
  /** All namespaces when undefined. */
  namespace?: string;
}

export const field = (value: unknown, ...path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>((found, step) => (typeof found === 'object' && found !== null ? Reflect.get(found, step) : undefined), value);

export const items = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

export const isObject = (value: unknown): value is KubeObject => {
  const name = field(value, 'metadata', 'name');
  return typeof name === 'string' && typeof field(value, 'kind') === 'string';
};

async function get(server: Server, path: string, accept: string, query: Record<string, string> = {}): Promise<unknown> {
  const answer = await server.transport.open({ method: 'GET', path, query, headers: { accept } });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_ANSWER_BYTES) {
      answer.destroy();
      throw new Error(`the answer to ${path} is over ${MAX_ANSWER_BYTES} bytes`);
    }
    chunks.push(bytes);
  }
  const parsed: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  return parsed;
}

export interface ResourcePath {
  groupVersion: string;
  plural: string;
}

function pathOf({ groupVersion, plural }: ResourcePath, scope: Scope): string {
  const base = groupVersion.includes('/') ? `/apis/${groupVersion}` : `/api/${groupVersion}`;
  return scope.namespace === undefined ? `${base}/${plural}` : `${base}/namespaces/${encodeURIComponent(scope.namespace)}/${plural}`;
}

/** Resources of one discovery category, each in its preferred version. */
export async function inCategory(server: Server, category: string): Promise<ResourcePath[]> {
  const discovery = await get(server, '/apis', AGGREGATED);
  return items(field(discovery, 'items')).flatMap((group) => {
    const [version] = items(field(group, 'versions'));
    const groupVersion = `${String(field(group, 'metadata', 'name'))}/${String(field(version, 'version'))}`;
    return items(field(version, 'resources'))
      .filter((resource) => items(field(resource, 'categories')).includes(category))
      .map((resource) => ({ groupVersion, plural: String(field(resource, 'resource')) }));
  });
}

/** A resource as the server prints it, objects included. A resource that is not served is empty. */
async function shown(server: Server, resource: ResourcePath, scope: Scope): Promise<Shown[]> {
  let table: unknown;
  try {
    table = await get(server, pathOf(resource, scope), TABLE, { includeObject: 'Object' });
  } catch (error) {
    if (isStatusError(error, 'NotFound')) {
      return [];
    }
    throw error;
  }
  const columns = items(field(table, 'columnDefinitions')).map((column) => String(field(column, 'name')).toLowerCase());
  return items(field(table, 'rows')).flatMap((row) => {
    const object = field(row, 'object');
    return isObject(object)
      ? [{ object, cells: new Map(items(field(row, 'cells')).map((cell, at) => [columns[at] ?? '', typeof cell === 'string' || typeof cell === 'number' ? String(cell) : ''])) }]
      : [];
  });
}

/** Kubelet's `/stats/summary` of every node, by pod. A node that does not answer leaves a gap, not an error. */
async function usageOf(server: Server): Promise<Map<string, Usage>> {
  const usage = new Map<string, Usage>();
  const nodes = items(field(await get(server, '/api/v1/nodes', 'application/json'), 'items')).filter(isObject);
  await Promise.all(nodes.map(async ({ metadata: { name } }) => {
    let summary: unknown;
    try {
      summary = await get(server, `/api/v1/nodes/${encodeURIComponent(name)}/proxy/stats/summary`, 'application/json');
    } catch (error) {
      if (isStatusError(error)) {
        return;
      }
      throw error;
    }
    for (const pod of items(field(summary, 'pods'))) {
      usage.set(`${String(field(pod, 'podRef', 'namespace'))}/${String(field(pod, 'podRef', 'name'))}`, {
        cpu: Number(field(pod, 'cpu', 'usageNanoCores') ?? 0) / 1e9, memory: Number(field(pod, 'memory', 'workingSetBytes') ?? 0),
      });
    }
  }));
  return usage;
}

const PODS: ResourcePath = { groupVersion: 'v1', plural: 'pods' };
const BETWEEN: readonly ResourcePath[] = [{ groupVersion: 'apps/v1', plural: 'replicasets' }, { groupVersion: 'kubevirt.io/v1', plural: 'virtualmachineinstances' }];

export async function readEstate(server: Server, scope: Scope): Promise<Estate> {
  const resources = await inCategory(server, 'workloads');
  const [pods, usage, between, ...workloads] = await Promise.all([
    shown(server, PODS, scope), usageOf(server),
    Promise.all(BETWEEN.map((resource) => shown(server, resource, scope))).then((lists) => lists.flat()),
    ...resources.map((resource) => shown(server, resource, scope)),
  ]);
  return {
    pods, usage, workloads: workloads.flat(),
    between: new Map(between.flatMap(({ object }) => (object.metadata.uid === undefined ? [] : [[object.metadata.uid, object] as const]))),
  };
}

