/** What a kind is to the API server: one constant of this shape per kind, in `src/kinds/<group>/<kind>.ts`. */
import type { Shape } from '../apimachinery/apply/shape.ts';
import type { JsonObject, KubeObject } from '../apimachinery/object.ts';
import type { DecodeMode } from '../apimachinery/schema/decode.ts';
import type { StructuralSchema } from '../apimachinery/schema/structural/types.ts';
import type { FieldError } from '../apimachinery/status.ts';

export type Verb = 'create' | 'get' | 'list' | 'watch' | 'update' | 'patch' | 'delete' | 'deletecollection';

/** A printer column (meta.k8s.io/v1 TableColumnDefinition) with the function that fills it. */
export interface Column<T extends KubeObject = KubeObject> {
  name: string;
  type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  format?: string;
  description?: string;
  /** Of custom kinds: where the value stands, as their CustomResourceDefinition says it. */
  jsonPath?: string;
  /** 0 is always shown, 1 and above with `-o wide`. */
  priority?: number;
  /** The cell. `now` in milliseconds, for ages; built-in kinds format ages themselves, custom ones return RFC 3339. */
  value(object: T, now: number): string | number | boolean | null;
}

/** Rules of a kind. All functions get objects already decoded to the kind's shape; defaults and prepare may change them in place. */
export interface Rules<T extends KubeObject = KubeObject> {
  /** Kubernetes' defaulting, on every write and idempotent. */
  defaults?(object: T): void;
  /** The same of the status alone, on every write through `/status`, where `defaults` is left out. */
  defaultStatus?(object: T): void;
  /** Before a create: drop what the client may not set (status), set what only the server does. */
  prepareCreate?(object: T): void;
  /** Before an update of the main resource: keep status and immutable server-set fields of `old`. */
  prepareUpdate?(object: T, old: T): void;
  /** Everything wrong with the object, worded as Kubernetes words it. Metadata is validated for all kinds alike elsewhere. */
  validate?(object: T): FieldError[];
  /** What is wrong only in an object about to be created, in addition to `validate`. */
  validateCreate?(object: T): FieldError[];
  /** What may not change, in addition to `validate`. */
  validateUpdate?(object: T, old: T): FieldError[];
  /** Of an update through `/status`. */
  validateStatus?(object: T, old: T): FieldError[];
  /** What the first delete of an object adds to it, in place: finalizers, conditions. */
  prepareDelete?(object: T): void;
  /** Texts for the `Warning:` header. */
  warnings?(object: T): string[];
  /** How `metadata.name` is checked. Default: DNS-1123 subdomain. */
  name?: 'dns1123label' | 'dns1123subdomain' | 'dns1035label' | 'pathSegment';
  /** False for kinds that have no `metadata.generation` in Kubernetes (Service, Node, ConfigMap…). */
  generation?: boolean;
  /** True when an update from `old` changes the desired state, so `metadata.generation` rises. Default: `spec` differs. */
  desiredStateChanged?(object: T, old: T): boolean;
}

/** `/scale`: where the numbers live (dot paths). */
export interface ScalePaths {
  specReplicas: string;
  statusReplicas: string;
  /** Path to a LabelSelector object or a selector string. */
  selector: string;
  /** Of custom resources, whose numbers may be missing (an error, not 0) and whose selectors are strings only. */
  custom?: boolean;
}

/** What a CustomResourceDefinition says of one version's objects, compiled. Its kinds have no message in the type table. */
export interface CustomType {
  readonly schema: StructuralSchema;
  /**
   * A new object without unknown fields, with defaults and canonical metadata, sharing nothing with the value. `unknown` holds
   * `unknown field "spec.foo"`. Throws BadRequest for metadata of wrong types.
   */
  decode(value: Readonly<Record<string, unknown>>, mode: DecodeMode): { object: JsonObject; unknown: string[] };
  /** The schema as it is published, descriptions included: `openAPIV3Schema` of the definition. Read anew each time. */
  publish(): JsonObject;
  /** How server-side apply sees the objects. */
  readonly shape: Shape;
  /** Everything wrong with the object; with `old` only what the update is to blame for (ratcheting), and its transition rules. */
  validate(object: KubeObject, old?: KubeObject): FieldError[];
}

export interface Kind<T extends KubeObject = KubeObject> {
  group: string;
  version: string;
  kind: string;
  plural: string;
  singular: string;
  /** Kind of its lists; default: the kind with `List` after it. */
  listKind?: string;
  namespaced: boolean;
  shortNames?: readonly string[];
  categories?: readonly string[];
  /** Posted, answered at once and never stored (reviews, bindings): a handler of the API server's own. */
  unstored?: boolean;
  /** Default: all of them. */
  verbs?: readonly Verb[];
  /** Message in the type table, e.g. `core/v1.Pod`. */
  type: string;
  /** Of kinds that a CustomResourceDefinition defined at run time; `type` is then only a name. */
  custom?: CustomType;
  /**
   * `custom` kinds behave as custom resources: no protobuf bodies, strategic merge answered 415, listed as
   * CustomResourceDefinitions, 404 as plain text for unknown resources of their group.
   */
  origin: 'builtin' | 'custom';
  columns: readonly Column<T>[];
  /** Another kind holds the stored objects (events.k8s.io Event, autoscaling/v1): see `StorageAlias`. */
  storedAs?: StorageAlias;
  /** Field selectors beyond metadata.name and metadata.namespace: path → value. */
  selectableFields?: Readonly<Record<string, (object: T) => string>>;
  /** Of deprecated versions: the `Warning:` header of every answer. */
  deprecation?: string;
  /** Of kinds whose definition is being deleted: no new objects. */
  terminating?: boolean;
  /** Has a `/status` subresource. */
  status?: boolean;
  scale?: ScalePaths;
  /** Names served by handlers of the API server: `binding`, `log`, `exec`… Listed in discovery with these verbs and kinds. */
  subresources?: Readonly<Record<string, SubresourceInfo>>;
  rules: Rules<T>;
}

/** What the store holds, as far as an alias looks at it. */
export interface StoredValue {
  readonly revision: number;
  readonly json: string;
}

/**
 * The kind whose key space and shape the objects are stored in. What is read from storage passes
 * through `decode` (apiVersion and kind included) before anybody sees it as this kind, what is written through `encode`.
 */
export interface StorageAlias {
  group: string;
  version: string;
  plural: string;
  /** This kind's shape → the stored shape. Returns a new object. */
  encode(object: KubeObject): KubeObject;
  /** The stored shape → this kind's shape. Returns a new object. */
  decode(stored: KubeObject): KubeObject;
  /** Whether a stored value is in this kind's shape already; absent: never. */
  isCurrent?(stored: StoredValue): boolean;
  /** Whether a write that changes nothing would still change what is stored: an older version or schema. Absent: never. */
  isStale?(stored: StoredValue): boolean;
  /** Where a webhook converts, in place of `encode` and `decode`. */
  remote?: RemoteConversion;
}

/** Results in the order given; rejects with StatusErrors. */
export interface RemoteConversion {
  encode(objects: readonly KubeObject[]): Promise<KubeObject[]>;
  decode(stored: readonly KubeObject[]): Promise<KubeObject[]>;
}

export interface SubresourceInfo {
  kind: string;
  group?: string;
  version?: string;
  verbs: readonly Verb[];
}

/** A kind with its object type forgotten, as tables and loops hold it. */
export type AnyKind = Kind;

/**
 * Declares a kind with its own object type. The API server hands rules only objects it has decoded against
 * the kind's message type, which is what makes forgetting the type here sound.
 */
export function defineKind<T extends KubeObject>(kind: Kind<T>): AnyKind {
  // The one place where a kind's type is forgotten; see above.
  return kind as unknown as AnyKind;
}

export const listKindOf = ({ kind, listKind }: Pick<AnyKind, 'kind' | 'listKind'>): string => listKind ?? `${kind}List`;
