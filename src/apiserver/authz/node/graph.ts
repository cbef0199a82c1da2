/**
 * What the pods of each node refer to: a node may read no other Secrets, ConfigMaps and claims. Kept up with every committed pod; a pod's
 * status does not concern it.
 */
import type { KubeObject } from '../../../apimachinery/object.ts';
import { isObject } from '../../../apimachinery/values.ts';
import type { Container, EphemeralContainer, Pod, Volume } from '../../../kinds/generated/core.ts';
import { typed } from '../../../kinds/typed.ts';
import type { AnyKind } from '../../../kinds/kind.ts';
import type { Registry } from '../../../kinds/registry.ts';
import type { Store } from '../../../store/store.ts';
import type { AdmissionPlugin } from '../../admission/admission.ts';

export type Referred = 'secrets' | 'configmaps' | 'persistentvolumeclaims' | 'serviceaccounts' | 'pods';

interface Placed {
  readonly node: string;
  readonly references: readonly string[];
  /** The VirtualMachineInstance the pod runs, which refers to objects of its own. */
  readonly machine: string | undefined;
}

/** Of one node: how many of its pods refer to an object, and by namespace how many run a machine: a restarted one has two for a moment. */
interface NodeEntry {
  readonly references: Map<string, number>;
  readonly machines: Map<string, Map<string, number>>;
}

const MIRROR = 'kubernetes.io/config.mirror';
const SECRET_REFERENCE = /secretref$/i;

const referenceKey = (what: Referred, namespace: string, name: string): string => `${what}/${namespace}/${name}`;

/** Names of Secrets anywhere in a volume's source: `secretName`, and `…SecretRef.name` of storage drivers. */
function* secretNames(value: unknown): Generator<string> {
  if (!isObject(value)) {
    return;
  }
  for (const [field, inner] of Object.entries(value)) {
    if (field === 'secretName' && typeof inner === 'string') {
      yield inner;
    } else if (isObject(inner)) {
      const { name } = inner;
      if (SECRET_REFERENCE.test(field) && typeof name === 'string') {
        yield name;
      }
      yield* secretNames(inner);
    }
  }
}

function* volumeReferences(pod: Pod, volume: Volume): Generator<[Referred, string]> {
  for (const name of secretNames(volume)) {
    yield ['secrets', name];
  }
  for (const source of volume.projected?.sources ?? []) {
    yield ['secrets', source.secret?.name ?? ''];
    yield ['configmaps', source.configMap?.name ?? ''];
  }
  yield ['configmaps', volume.configMap?.name ?? ''];
  yield ['persistentvolumeclaims', volume.persistentVolumeClaim?.claimName ?? ''];
  if (volume.ephemeral !== undefined) {
    yield ['persistentvolumeclaims', `${pod.metadata.name}-${volume.name}`];
  }
}

function* containerReferences({ env, envFrom }: Container | EphemeralContainer): Generator<[Referred, string]> {
  for (const { valueFrom } of env ?? []) {
    yield ['secrets', valueFrom?.secretKeyRef?.name ?? ''];
    yield ['configmaps', valueFrom?.configMapKeyRef?.name ?? ''];
  }
  for (const { secretRef, configMapRef } of envFrom ?? []) {
    yield ['secrets', secretRef?.name ?? ''];
    yield ['configmaps', configMapRef?.name ?? ''];
  }
}

/** Everything a pod needs from the API by name, empty names among it. */
function* references(pod: Pod): Generator<[Referred, string]> {
  yield ['pods', pod.metadata.name];
  if (!isMirror(pod)) {
    yield* specReferences(pod);
  }
}

/** What the spec of a pod names, whoever made it. */
export function* specReferences(pod: Pod): Generator<[Referred, string]> {
  const { spec } = pod;
  if (spec === undefined) {
    return;
  }
  yield ['serviceaccounts', spec.serviceAccountName ?? ''];
  for (const { name } of spec.imagePullSecrets ?? []) {
    yield ['secrets', name ?? ''];
  }
  for (const container of [...spec.initContainers ?? [], ...spec.containers ?? [], ...spec.ephemeralContainers ?? []]) {
    yield* containerReferences(container);
  }
  for (const volume of spec.volumes ?? []) {
    yield* volumeReferences(pod, volume);
  }
}

/** A node made it: what it says gives the node no rights. */
const isMirror = ({ metadata }: Pod): boolean => metadata.annotations?.[MIRROR] !== undefined;

const machineOf = (pod: Pod): string | undefined => (isMirror(pod) ? undefined
  : (pod.metadata.ownerReferences ?? []).find(({ kind, controller }) => kind === 'VirtualMachineInstance' && controller === true)?.name);

/** Whether two versions of a pod refer to the same: specs cannot change but for the node and ephemeral containers. */
const sameReferences = (now: Pod, before: Pod): boolean => now.spec?.nodeName === before.spec?.nodeName && now.metadata.uid === before.metadata.uid
  && (now.spec?.ephemeralContainers ?? []).length === (before.spec?.ephemeralContainers ?? []).length;

const NO_MACHINES: ReadonlyMap<string, number> = new Map();

function count(counts: Map<string, number>, key: string, change: 1 | -1): void {
  const next = (counts.get(key) ?? 0) + change;
  if (next > 0) {
    counts.set(key, next);
  } else {
    counts.delete(key);
  }
}

export class NodeGraph implements AdmissionPlugin {
  readonly name = 'NodeGraph';
  readonly #pods = new Map<string, Placed>();
  readonly #nodes = new Map<string, NodeEntry>();

  readonly #store: Store;
  readonly #registry: Registry;
  #loaded = false;

  /** What is stored is read when the first node asks: a server may have pods and no nodes. */
  constructor(store: Store, registry: Registry) {
    this.#store = store;
    this.#registry = registry;
  }

  #entry(node: string): NodeEntry | undefined {
    if (!this.#loaded) {
      this.#loaded = true;
      const kind = this.#registry.byResource('', 'v1', 'pods');
      for (const { object } of kind === undefined ? [] : this.#store.list(this.#registry.storagePrefix(kind)).items) {
        this.#place(typed('v1 Pod', object));
      }
    }
    return this.#nodes.get(node);
  }

  committed(kind: AnyKind, now: KubeObject | undefined, before: KubeObject | undefined): void {
    if (!this.#loaded || kind.group !== '' || kind.plural !== 'pods') {
      return;
    }
    const pod = now === undefined ? undefined : typed('v1 Pod', now);
    if (pod !== undefined && before !== undefined && sameReferences(pod, typed('v1 Pod', before))) {
      return;
    }
    if (before !== undefined) {
      this.#remove(before.metadata.namespace ?? '', before.metadata.name);
    }
    if (pod !== undefined) {
      this.#place(pod);
    }
  }

  #place(pod: Pod): void {
    const node = pod.spec?.nodeName ?? '';
    if (node === '') {
      return;
    }
    const { namespace = '', name } = pod.metadata;
    // A pod that was read from the store may be told of again by the write that put it there.
    this.#remove(namespace, name);
    const keys = new Set([...references(pod)].filter(([, one]) => one !== '').map(([what, one]) => referenceKey(what, namespace, one)));
    const placed: Placed = { node, references: [...keys], machine: machineOf(pod) };
    this.#pods.set(`${namespace}/${name}`, placed);
    const entry: NodeEntry = this.#nodes.get(node) ?? { references: new Map(), machines: new Map() };
    this.#nodes.set(node, entry);
    for (const key of placed.references) {
      count(entry.references, key, 1);
    }
    if (placed.machine !== undefined) {
      const machines = entry.machines.get(namespace) ?? new Map<string, number>();
      count(machines, placed.machine, 1);
      entry.machines.set(namespace, machines);
    }
  }

  #remove(namespace: string, name: string): void {
    const place = `${namespace}/${name}`;
    const placed = this.#pods.get(place);
    const entry = placed === undefined ? undefined : this.#nodes.get(placed.node);
    if (placed === undefined || entry === undefined) {
      return;
    }
    this.#pods.delete(place);
    for (const key of placed.references) {
      count(entry.references, key, -1);
    }
    const machines = entry.machines.get(namespace);
    if (placed.machine !== undefined && machines !== undefined) {
      count(machines, placed.machine, -1);
    }
    if (entry.references.size === 0) {
      this.#nodes.delete(placed.node);
    }
  }

  /** Whether a pod of this node refers to the object. */
  refers(node: string, what: Referred, namespace: string, name: string): boolean {
    return this.#entry(node)?.references.has(referenceKey(what, namespace, name)) ?? false;
  }

  /** Names of the claims that the node's pods use, as `namespace/name`. */
  claims(node: string): string[] {
    const prefix = 'persistentvolumeclaims/';
    return [...this.#entry(node)?.references.keys() ?? []].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  }

  /** The virtual machine instances the node runs in a namespace, by name. */
  machines(node: string, namespace: string): ReadonlyMap<string, number> {
    return this.#entry(node)?.machines.get(namespace) ?? NO_MACHINES;
  }
}
