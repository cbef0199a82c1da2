/** Schemas of API types, made from the type table: Swagger 2.0 and OpenAPI 3.0 differ in a few words only. */
import type { JsonObject } from '../../apimachinery/object.ts';
import type { Field, MessageType, Scalar, TypeRef, TypeTable } from '../../apimachinery/typetable.ts';
import type { GroupVersionKind } from '../../apimachinery/object.ts';
import { loadDescriptions, type Descriptions } from '../../kinds/descriptions.ts';
import { listKindOf, type AnyKind, type CustomType } from '../../kinds/kind.ts';
import type { Registry } from '../../kinds/registry.ts';
import { customSchema } from './custom.ts';

export type Dialect = 'v2' | 'v3';

/** Where Kubernetes' Go packages put the types of ours; others are `io.k8s.api.<package>`. */
const PREFIXES: Readonly<Record<string, string>> = {
  meta: 'io.k8s.apimachinery.pkg.apis.meta',
  apiextensions: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions',
  apiregistration: 'io.k8s.kube-aggregator.pkg.apis.apiregistration',
  kubevirt: 'io.kubevirt',
};

const QUANTITY = 'io.k8s.apimachinery.pkg.api.resource.Quantity';
const RAW_EXTENSION = 'io.k8s.apimachinery.pkg.runtime.RawExtension';
const INT_OR_STRING = 'io.k8s.apimachinery.pkg.util.intstr.IntOrString';

/** `core/v1.PodSpec` → `io.k8s.api.core.v1.PodSpec`. */
export function definitionName(message: string): string {
  const slash = message.indexOf('/');
  const pkg = message.slice(0, slash);
  // Groups of custom resources are domains, which these names turn round.
  const prefix = pkg.includes('.') ? pkg.split('.').reverse().join('.') : PREFIXES[pkg] ?? `io.k8s.api.${pkg}`;
  return `${prefix}.${message.slice(slash + 1)}`;
}

const NAMED_SCALARS: Partial<Record<Scalar, string>> = {
  Quantity: QUANTITY, IntOrString: INT_OR_STRING,
  Time: 'io.k8s.apimachinery.pkg.apis.meta.v1.Time', MicroTime: 'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime',
  FieldsV1: 'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1',
};

/** What the named scalars are; `v3` can say that a value has one of two types. */
function namedScalar(name: string, dialect: Dialect): JsonObject {
  switch (name) {
    case QUANTITY:
      return dialect === 'v2' ? { type: 'string' } : { oneOf: [{ type: 'string' }, { type: 'number' }] };
    case INT_OR_STRING:
      return dialect === 'v2' ? { type: 'string', format: 'int-or-string' } : { oneOf: [{ type: 'integer' }, { type: 'string' }], format: 'int-or-string' };
    case NAMED_SCALARS.FieldsV1: case RAW_EXTENSION: return { type: 'object' };
    default: return { type: 'string', format: 'date-time' };
  }
}

const PLAIN_SCALARS: Readonly<Record<string, JsonObject>> = {
  string: { type: 'string' }, int32: { type: 'integer', format: 'int32' }, int64: { type: 'integer', format: 'int64' },
  double: { type: 'number', format: 'double' }, bool: { type: 'boolean' }, bytes: { type: 'string', format: 'byte' },
  Duration: { type: 'string' }, any: { 'x-kubernetes-preserve-unknown-fields': true },
};

const CONVENTIONS = 'https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md';

const API_VERSION: JsonObject = {
  type: 'string',
  description: 'APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal '
    + `value, and may reject unrecognized values. More info: ${CONVENTIONS}#resources`,
};
const KIND: JsonObject = {
  type: 'string',
  description: 'Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits '
    + `requests to. Cannot be updated. In CamelCase. More info: ${CONVENTIONS}#types-kinds`,
};

const METADATA_DESCRIPTION = 'Standard object\'s metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata';

const gvkExtension = (kinds: readonly GroupVersionKind[]): JsonObject => ({
  'x-kubernetes-group-version-kind': kinds.map(({ group, kind, version }) => ({ group, kind, version })),
});

/** Rules of a field as the extensions that clients read. */
function extensions(field: Field): JsonObject {
  const all = {
    'x-kubernetes-list-type': field.listType, 'x-kubernetes-list-map-keys': field.listMapKeys === undefined ? undefined : [...field.listMapKeys],
    'x-kubernetes-map-type': field.mapType, 'x-kubernetes-patch-merge-key': field.patchMergeKey, 'x-kubernetes-patch-strategy': field.patchStrategy,
  };
  const result: JsonObject = {};
  for (const [name, value] of Object.entries(all)) {
    if (value !== undefined) {
      result[name] = value;
    }
  }
  return result;
}

/** Packages whose values of any shape are objects of some other API, as Go embeds them; elsewhere they are any JSON. */
const RAW_PACKAGES = ['apps/', 'resource/', 'core/', 'meta/'];

/** Kinds of each message, from the registry; the few messages that are bodies only are named here. */
const BODY_KINDS: Readonly<Record<string, GroupVersionKind>> = {
  'meta/v1.Status': { group: '', version: 'v1', kind: 'Status' },
  'meta/v1.DeleteOptions': { group: '', version: 'v1', kind: 'DeleteOptions' },
  'core/v1.Binding': { group: '', version: 'v1', kind: 'Binding' },
  'policy/v1.Eviction': { group: 'policy', version: 'v1', kind: 'Eviction' },
  'autoscaling/v1.Scale': { group: 'autoscaling', version: 'v1', kind: 'Scale' },
  'authentication/v1.TokenRequest': { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' },
};

/** Collects the definitions that a document refers to, directly or not. */
export class Schemas {
  readonly #types: TypeTable;
  readonly #dialect: Dialect;
  readonly #kinds = new Map<string, GroupVersionKind[]>();
  readonly #definitions = new Map<string, JsonObject>();
  /** Kinds that a CustomResourceDefinition defined, by their type. */
  readonly #custom = new Map<string, CustomType>();
  readonly #descriptions: Descriptions = loadDescriptions();

  constructor(registry: Registry, dialect: Dialect) {
    this.#types = registry.types;
    this.#dialect = dialect;
    for (const [message, kind] of Object.entries(BODY_KINDS)) {
      this.#kinds.set(message, [kind]);
    }
    for (const { type, group, version, kind, custom } of registry.list()) {
      this.#kinds.set(type, [{ group, version, kind }]);
      if (custom !== undefined) {
        this.#custom.set(type, custom);
      }
    }
  }

  /** Definitions by name, in alphabetical order. */
  definitions(): JsonObject {
    return Object.fromEntries([...this.#definitions].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** A reference to a message, which from now on is among the definitions. */
  ref(message: string): JsonObject {
    const type = this.#types.get(message);
    const custom = type === undefined ? this.#custom.get(message) : undefined;
    const name = definitionName(message);
    if (!this.#definitions.has(name)) {
      this.#definitions.set(name, {});
      this.#definitions.set(name, custom === undefined ? this.#message(type, message) : this.#customMessage(message, custom));
    }
    return this.#pointer(name);
  }

  #customMessage(message: string, custom: CustomType): JsonObject {
    const metadata = this.ref('meta/v1.ObjectMeta');
    const own = { apiVersion: API_VERSION, kind: KIND, metadata: this.#dialect === 'v3' ? { allOf: [metadata], description: METADATA_DESCRIPTION } : { ...metadata, description: METADATA_DESCRIPTION } };
    return { ...customSchema(custom.publish(), this.#dialect, own), ...gvkExtension(this.#kinds.get(message) ?? []) };
  }

  /** A reference to the list of a kind. */
  listRef(listed: AnyKind): JsonObject {
    const { type, group, version, kind } = listed;
    const listKind = listKindOf(listed);
    const name = listed.listKind === undefined ? `${definitionName(type)}List` : definitionName(`${group}/${version}.${listKind}`);
    if (!this.#definitions.has(name)) {
      this.#definitions.set(name, {
        description: `${listKind} is a list of ${kind}.`,
        type: 'object', required: ['items'],
        properties: {
          apiVersion: API_VERSION, kind: KIND,
          items: { type: 'array', items: this.ref(type), description: `Items is the list of ${kind}.` },
          metadata: this.#described(this.ref('meta/v1.ListMeta'), `Standard list metadata. More info: ${CONVENTIONS}#types-kinds`),
        },
        ...gvkExtension([{ group, version, kind: listKind }]),
      });
    }
    return this.#pointer(name);
  }

  #pointer(name: string): JsonObject {
    return { $ref: `#/${this.#dialect === 'v2' ? 'definitions' : 'components/schemas'}/${name}` };
  }

  /** In OpenAPI 3.0 nothing may stand beside a reference. */
  #described(schema: JsonObject, description: string): JsonObject {
    return this.#dialect === 'v3' ? { allOf: [schema], description } : { ...schema, description };
  }

  #named(name: string): JsonObject {
    if (!this.#definitions.has(name)) {
      this.#definitions.set(name, namedScalar(name, this.#dialect));
    }
    return this.#pointer(name);
  }

  #type(ref: TypeRef, raw: boolean): JsonObject {
    switch (ref.t) {
      case 'scalar': {
        const name = ref.scalar === 'any' && raw ? RAW_EXTENSION : NAMED_SCALARS[ref.scalar];
        return name === undefined ? { ...PLAIN_SCALARS[ref.scalar] } : this.#named(name);
      }
      case 'message': return this.ref(ref.name);
      case 'list': return { type: 'array', items: this.#type(ref.of, raw) };
      case 'map': return { type: 'object', additionalProperties: this.#type(ref.of, raw) };
      default: return ref satisfies never;
    }
  }

  /** A field without words of its own is described by its type. */
  #ofType({ type }: Field): string | undefined {
    return type.t === 'message' ? this.#descriptions[type.name]?.[''] : undefined;
  }

  #field(field: Field, description: string | undefined, raw: boolean): JsonObject {
    const rules: JsonObject = {
      ...(description === undefined ? {} : { description }),
      ...(field.default === undefined ? {} : { default: field.default }),
      ...(field.enum === undefined || field.type.t !== 'scalar' ? {} : { enum: [...field.enum] }),
      ...extensions(field),
    };
    const schema = this.#type(field.type, raw);
    if (this.#dialect === 'v3' && '$ref' in schema && Object.keys(rules).length > 0) {
      return { allOf: [schema], ...rules };
    }
    return { ...schema, ...rules };
  }

  #message(type: MessageType | undefined, message: string): JsonObject {
    if (type === undefined) {
      throw new Error(`no message type ${message}`);
    }
    const properties: JsonObject = {};
    const required: string[] = [];
    const texts = this.#descriptions[type.name];
    const raw = RAW_PACKAGES.some((pkg) => type.name.startsWith(pkg));
    const description = texts?.[''];
    if (type.isKind || Object.hasOwn(BODY_KINDS, type.name)) {
      properties['apiVersion'] = API_VERSION;
      properties['kind'] = KIND;
    }
    for (const field of type.fields.values()) {
      properties[field.name] = this.#field(field, texts?.[field.name] ?? this.#ofType(field), raw);
      if (field.required) {
        required.push(field.name);
      }
    }
    const kinds = this.#kinds.get(type.name);
    return {
      ...(description === undefined ? {} : { description }),
      type: 'object',
      ...(required.length === 0 ? {} : { required }),
      ...(Object.keys(properties).length === 0 ? {} : { properties }),
      ...(kinds === undefined ? {} : gvkExtension(kinds)),
      ...(type.atomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
    };
  }
}
