/** The schema of one version, compiled: what every write of a custom resource passes. */
import { shapeOfMessage, type Shape } from '../../apimachinery/apply/shape.ts';
import { apiVersionOf, type JsonObject, type KubeObject } from '../../apimachinery/object.ts';
import { decodeMetadata, DecodeContext, DecodeError, type DecodeMode } from '../../apimachinery/schema/decode.ts';
import { compileSchema, readSchema, rootPlace, shapeOfSchema, ValidationTooCostly, type CompiledSchema, type StructuralSchema } from '../../apimachinery/schema/structural/index.ts';
import { badRequest, fieldError, invalid, type FieldError } from '../../apimachinery/status.ts';
import type { TypeTable } from '../../apimachinery/typetable.ts';
import type { CustomType } from '../../kinds/kind.ts';

export interface TypeOptions {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly types: TypeTable;
  /** `openAPIV3Schema`, read anew. */
  readonly readRaw: () => JsonObject;
}

const METADATA = 'meta/v1.ObjectMeta';

interface Ready {
  compiled: CompiledSchema;
  shape: Shape;
}

function read({ kind, types, readRaw }: TypeOptions): Ready {
  const { schema } = readSchema(readRaw(), rootPlace(kind));
  return {
    compiled: compileSchema(schema, (value, context) => decodeMetadata(value, types, context)),
    shape: shapeOfSchema(schema, shapeOfMessage(types, METADATA)),
  };
}

class SchemaType implements CustomType {
  readonly #options: TypeOptions;
  readonly #apiVersion: string;
  #ready: Ready | undefined;

  constructor(options: TypeOptions) {
    this.#options = options;
    this.#apiVersion = apiVersionOf(options);
  }

  /** Read when first needed: most definitions of a machine have no objects at the time it starts. */
  #read(): Ready {
    this.#ready ??= read(this.#options);
    return this.#ready;
  }

  get schema(): StructuralSchema {
    return this.#read().compiled.schema;
  }

  get shape(): Shape {
    return this.#read().shape;
  }

  publish(): JsonObject {
    return this.#options.readRaw();
  }

  decode(value: Readonly<Record<string, unknown>>, mode: DecodeMode): { object: JsonObject; unknown: string[] } {
    const { kind, version } = this.#options;
    const context = new DecodeContext(mode !== 'ignore');
    try {
      // A copy of a JSON object is one. apiVersion comes first, so that a stored text shows its version.
      const object = this.#read().compiled.copy({ apiVersion: this.#apiVersion, kind, ...value }, context) as JsonObject;
      object['apiVersion'] = this.#apiVersion;
      object['kind'] = kind;
      return { object, unknown: context.unknown };
    } catch (error) {
      if (error instanceof DecodeError) {
        throw badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${error.message}`);
      }
      throw error;
    }
  }

  validate(object: KubeObject, old?: KubeObject): FieldError[] {
    const { group, kind } = this.#options;
    try {
      return this.#read().compiled.validate(object, old);
    } catch (error) {
      if (error instanceof ValidationTooCostly) {
        throw invalid({ group, resource: kind, name: object.metadata.name }, [fieldError.invalid('<nil>', '', error.message)]);
      }
      throw error;
    }
  }
}

/** The type of one version; its schema is compiled place by place, as objects come. */
export const customType = (options: TypeOptions): CustomType => new SchemaType(options);
