/** `metrics.k8s.io/v1beta1`: NodeMetrics and PodMetrics, as metrics-server serves them. `kubectl top` and autoscalers read them. */
import type { JsonObject, KubeObject } from '../../apimachinery/object.ts';
import { methodNotAllowed, notFound } from '../../apimachinery/status.ts';
import { METRICS_GROUP, METRICS_RESOURCES, METRICS_VERSION, type MetricsResource } from '../../kinds/metrics/resources.ts';
import { typed } from '../../kinds/typed.ts';
import type { ExtraGroup } from '../extragroup.ts';
import type { ResourcePath } from '../lookup.ts';
import { answerDiscovery } from '../paths/groupdiscovery.ts';
import type { Answer, Call } from '../types.ts';
import { PageNotFound, type Core } from '../verbs/core.ts';
import { filterOf, type Filter } from '../verbs/filter.ts';
import { fetchFromNode } from './nodefetch.ts';
import { UsageSource, type NodeUse, type Use } from './source.ts';

const API_VERSION = `${METRICS_GROUP}/${METRICS_VERSION}`;
const NODES: ResourcePath = ['', 'v1', 'nodes'];
const PODS: ResourcePath = ['', 'v1', 'pods'];
const KIBI = 1024;

/** Cores as `12345n`, bytes in Ki: metrics-server's units. */
const usageOf = ({ nanoCores, bytes }: Use): JsonObject => ({ cpu: nanoCores === 0 ? '0' : `${nanoCores}n`, memory: bytes === 0 ? '0' : `${Math.ceil(bytes / KIBI)}Ki` });

function headOf(kind: string, { metadata: { name, namespace, labels } }: KubeObject, { at, windowMs }: NodeUse): JsonObject {
  const timestamp = `${new Date(at).toISOString().slice(0, 19)}Z`;
  return {
    kind, apiVersion: API_VERSION,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), creationTimestamp: timestamp, ...(labels === undefined ? {} : { labels: { ...labels } }) },
    timestamp, window: `${windowMs / 1000}s`,
  };
}

function nodeMetrics(node: KubeObject, use: NodeUse | undefined): JsonObject | undefined {
  return use?.node === undefined ? undefined : { ...headOf('NodeMetrics', node, use), usage: usageOf(use.node) };
}

function podMetrics(pod: KubeObject, use: NodeUse | undefined): JsonObject | undefined {
  const containers = use?.pods.get(`${pod.metadata.namespace ?? ''}/${pod.metadata.name}`);
  return use === undefined || containers === undefined ? undefined : {
    ...headOf('PodMetrics', pod, use), containers: [...containers].map(([name, one]) => ({ name, usage: usageOf(one) })),
  };
}

/** The use of these nodes; those that do not answer are left out. */
async function useOf(core: Core, source: UsageSource, nodes: ReadonlySet<string>): Promise<Map<string, NodeUse>> {
  const found = new Map<string, NodeUse>();
  await Promise.all([...nodes].map(async (node) => {
    try {
      found.set(node, await source.use(node));
    } catch (error) {
      core.log.warn({ node, error: error instanceof Error ? error.message : String(error) }, 'a node does not say what it uses');
    }
  }));
  return found;
}

interface Measured {
  readonly object: KubeObject;
  /** Where it is measured. */
  readonly node: string;
}

/** What a request asks about: all nodes or pods it selects. */
function subjects(core: Core, call: Call, resource: MetricsResource): Measured[] {
  const path = resource.plural === 'nodes' ? NODES : PODS;
  const kind = core.registry.byResource(...path);
  if (kind === undefined) {
    return [];
  }
  const { name, namespace } = call.info;
  const filter: Filter | undefined = filterOf(kind, call.query, '');
  const one = name === '' ? undefined : core.lookup.get(path, namespace, name);
  const all = name === '' ? core.lookup.list(path, resource.namespaced ? namespace : '') : one === undefined ? [] : [one];
  return all.filter((object) => filter === undefined || filter.matches(object))
    .map((object) => ({ object, node: resource.plural === 'nodes' ? object.metadata.name : typed('v1 Pod', object).spec.nodeName ?? '' }))
    .filter(({ node }) => node !== '');
}

async function answer(core: Core, source: UsageSource, call: Call, resource: MetricsResource): Promise<Answer> {
  const measured = subjects(core, call, resource);
  source.retain(new Set(core.lookup.list(NODES).map(({ metadata }) => metadata.name)));
  const use = await useOf(core, source, new Set(measured.map(({ node }) => node)));
  const metricsOf = resource.plural === 'nodes' ? nodeMetrics : podMetrics;
  const items = measured.map(({ object, node }) => metricsOf(object, use.get(node))).filter((item) => item !== undefined);
  const { name, namespace } = call.info;
  if (name === '') {
    return { type: 'object', code: 200, object: { kind: `${resource.kind}List`, apiVersion: API_VERSION, metadata: {}, items } };
  }
  const [item] = items;
  if (item === undefined) {
    throw notFound({ group: METRICS_GROUP, resource: resource.kind.toLowerCase(), name: namespace === '' ? name : `${namespace}/${name}` });
  }
  return { type: 'object', code: 200, object: item };
}

/** The group, measuring through the nodes' own servers, until somebody brings a metrics-server. */
export function metricsGroup(): ExtraGroup {
  const sources = new WeakMap<Core, UsageSource>();
  const sourceOf = (core: Core): UsageSource => {
    const known = sources.get(core) ?? new UsageSource((node) => fetchFromNode(core.nodes, node, '/stats/summary'));
    sources.set(core, known);
    return known;
  };
  return {
    group: METRICS_GROUP, yields: true,
    handle(call, core): Answer | Promise<Answer> {
      const { info } = call;
      if (!info.isResource) {
        return answerDiscovery(call, core);
      }
      const resource = METRICS_RESOURCES.find(({ plural }) => plural === info.resource);
      if (info.version !== METRICS_VERSION || resource === undefined || info.subresource !== '' || (!resource.namespaced && info.namespace !== '')
        || (resource.namespaced && info.name !== '' && info.namespace === '')) {
        throw new PageNotFound(info.path);
      }
      if (call.verb !== 'get' && call.verb !== 'list') {
        throw methodNotAllowed('the server does not allow this method on the requested resource');
      }
      return answer(core, sourceOf(core), call, resource);
    },
  };
}
