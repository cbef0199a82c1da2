/** From the estate to one table: a row per workload, and per pod that belongs to none. Pure. */
import { controllerOf, type KubeObject } from '../../apimachinery/object.ts';
import { quantityToNumber } from '../../apimachinery/quantity.ts';
import { field, items, type Estate, type Shown, type Usage } from './estate.ts';

export interface Row {
  namespace: string;
  name: string;
  kind: string;
  status: string;
  /** `2/3`: how many of how many. */
  ready: string;
  restarts: number;
  /** Cores and bytes in use, null when no node says. */
  cpu: number | null;
  memory: number | null;
  /** Bytes asked for (requests, else limits); 0 when nothing was. */
  memoryAsked: number;
  /** Cores asked for. */
  cpuAsked: number;
  addresses: string[];
  nodes: string[];
  /** RFC 3339. */
  created: string;
}

const word = (value: unknown): string => (typeof value === 'string' ? value : '');
const count = (value: unknown): number => (typeof value === 'number' ? value : 0);

function condition(object: KubeObject, type: string): unknown {
  return items(field(object, 'status', 'conditions')).find((one) => field(one, 'type') === type);
}
const isTrue = (object: KubeObject, type: string): boolean => field(condition(object, type), 'status') === 'True';

interface Facts { status: string; ready: string }

function replicas(object: KubeObject, desired: number, ready: number): Facts {
  const stalled = field(condition(object, 'Progressing'), 'reason') === 'ProgressDeadlineExceeded';
  const status = desired === 0 && ready === 0 ? 'Stopped' : ready >= desired ? 'Running' : stalled ? 'Stalled' : 'Progressing';
  return { status, ready: `${ready}/${desired}` };
}

/** What a row says of each kind; other workloads go by their Ready condition. */
const FACTS: Readonly<Record<string, (object: KubeObject) => Facts>> = {
  VirtualMachine: (vm) => ({ status: word(field(vm, 'status', 'printableStatus')) || 'Unknown', ready: isTrue(vm, 'Ready') ? '1/1' : '0/1' }),
  Deployment: (one) => replicas(one, count(field(one, 'spec', 'replicas') ?? 1), count(field(one, 'status', 'readyReplicas'))),
  StatefulSet: (one) => replicas(one, count(field(one, 'spec', 'replicas') ?? 1), count(field(one, 'status', 'readyReplicas'))),
  DaemonSet: (one) => replicas(one, count(field(one, 'status', 'desiredNumberScheduled')), count(field(one, 'status', 'numberReady'))),
  Job: (job) => {
    const status = isTrue(job, 'Complete') ? 'Complete' : isTrue(job, 'Failed') ? 'Failed' : isTrue(job, 'Suspended') ? 'Suspended' : 'Running';
    return { status, ready: `${count(field(job, 'status', 'succeeded'))}/${count(field(job, 'spec', 'completions') ?? 1)}` };
  },
  CronJob: (job) => ({ status: field(job, 'spec', 'suspend') === true ? 'Suspended' : 'Scheduled', ready: String(items(field(job, 'status', 'active')).length) }),
};

const otherwise = (object: KubeObject): Facts => ({ status: isTrue(object, 'Ready') ? 'Ready' : 'Unknown', ready: isTrue(object, 'Ready') ? '1/1' : '0/1' });

interface Share {
  restarts: number;
  usage: Usage | undefined;
  cpuAsked: number;
  memoryAsked: number;
  address: string;
  node: string;
}

function asked(pod: KubeObject, resource: string): number {
  return items(field(pod, 'spec', 'containers')).reduce<number>((total, container) => {
    const text = word(field(container, 'resources', 'requests', resource) ?? field(container, 'resources', 'limits', resource));
    return total + (text === '' ? 0 : quantityToNumber(text));
  }, 0);
}

function share(pod: KubeObject, usage: Estate['usage']): Share {
  const { namespace = '', name } = pod.metadata;
  const restarts = items(field(pod, 'status', 'containerStatuses')).reduce<number>((total, one) => total + count(field(one, 'restartCount')), 0);
  return {
    restarts, usage: usage.get(`${namespace}/${name}`), cpuAsked: asked(pod, 'cpu'), memoryAsked: asked(pod, 'memory'),
    address: word(field(pod, 'status', 'podIP')), node: word(field(pod, 'spec', 'nodeName')),
  };
}

/** Uid of the workload a pod belongs to, through the ReplicaSet or instance between; undefined for a lone pod. */
function ownerOf(pod: KubeObject, estate: Estate, workloads: ReadonlySet<string>): string | undefined {
  let owner = controllerOf(pod);
  for (let step = 0; owner !== undefined && step < 4; step += 1) {
    if (workloads.has(owner.uid)) {
      return owner.uid;
    }
    const between = estate.between.get(owner.uid);
    owner = between === undefined ? undefined : controllerOf(between);
  }
  return undefined;
}

function row(object: KubeObject, facts: Facts, shares: readonly Share[]): Row {
  const used = shares.map(({ usage }) => usage).filter((usage): usage is Usage => usage !== undefined);
  const total = (pick: (one: Share) => number): number => shares.reduce((sum, one) => sum + pick(one), 0);
  return {
    namespace: object.metadata.namespace ?? '', name: object.metadata.name, kind: object.kind, ...facts,
    restarts: total(({ restarts }) => restarts),
    cpu: used.length === 0 ? null : used.reduce((sum, { cpu }) => sum + cpu, 0),
    memory: used.length === 0 ? null : used.reduce((sum, { memory }) => sum + memory, 0),
    cpuAsked: total(({ cpuAsked }) => cpuAsked), memoryAsked: total(({ memoryAsked }) => memoryAsked),
    addresses: shares.map(({ address }) => address).filter((address) => address !== ''),
    nodes: [...new Set(shares.map(({ node }) => node).filter((node) => node !== ''))],
    created: object.metadata.creationTimestamp ?? '',
  };
}

const running = (pod: KubeObject): boolean => !['Succeeded', 'Failed'].includes(word(field(pod, 'status', 'phase')));

function podFacts({ cells }: Shown): Facts {
  return { status: cells.get('status') ?? 'Unknown', ready: cells.get('ready') ?? '' };
}

export function rowsOf(estate: Estate): Row[] {
  const uids = new Set(estate.workloads.map(({ object }) => object.metadata.uid ?? ''));
  const shares = new Map<string, Share[]>();
  const lone: Row[] = [];
  for (const shown of estate.pods) {
    const { object: pod } = shown;
    const mine = share(pod, estate.usage);
    const owner = ownerOf(pod, estate, uids);
    if (owner === undefined) {
      lone.push(row(pod, podFacts(shown), [mine]));
    } else if (running(pod)) {
      shares.set(owner, [...shares.get(owner) ?? [], mine]);
    }
  }
  const owned = new Set(estate.workloads.filter(({ object }) => controllerOf(object) !== undefined).map(({ object }) => object));
  const workloads = estate.workloads.filter(({ object }) => !owned.has(object) || !uids.has(controllerOf(object)?.uid ?? ''))
    .map(({ object }) => row(object, (FACTS[object.kind] ?? otherwise)(object), shares.get(object.metadata.uid ?? '') ?? []));
  return [...workloads, ...lone].toSorted((a, b) => a.namespace.localeCompare(b.namespace) || a.name.localeCompare(b.name) || a.kind.localeCompare(b.kind));
}

