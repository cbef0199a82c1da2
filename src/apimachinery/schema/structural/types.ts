/**
 * A structural schema: what a CustomResourceDefinition's `openAPIV3Schema` says of its objects, read once (`readSchema`) and
 * without its descriptions. Names are JSON schema's, `x-kubernetes-…` written in camel case. Never changed after it was read.
 */
import type { Json } from '../../object.ts';

export type SchemaType = 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';

/** `x-kubernetes-validations`: a CEL rule. */
export interface ValidationRule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueRequired' | 'FieldValueDuplicate';
  /** JSON path below the schema's place, e.g. `.spec['a.b']`. */
  readonly fieldPath?: string;
  readonly optionalOldSelf?: boolean;
}

/** What may be asked of a value, in a structural place and below allOf, anyOf, oneOf and not alike. */
export interface ValueValidations {
  readonly format?: string;
  readonly maximum?: number;
  readonly exclusiveMaximum?: boolean;
  readonly minimum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly maxLength?: number;
  readonly minLength?: number;
  readonly pattern?: string;
  readonly maxItems?: number;
  readonly minItems?: number;
  readonly uniqueItems?: boolean;
  readonly multipleOf?: number;
  readonly enum?: readonly Json[];
  readonly maxProperties?: number;
  readonly minProperties?: number;
  readonly required?: readonly string[];
  readonly allOf?: readonly StructuralSchema[];
  readonly oneOf?: readonly StructuralSchema[];
  readonly anyOf?: readonly StructuralSchema[];
  readonly not?: StructuralSchema;
}

/** One place of a document. Below allOf, anyOf, oneOf and not only the validations, properties, items and rules are set. */
export interface StructuralSchema extends ValueValidations {
  /** Absent for int-or-string and for what preserves unknown fields. */
  readonly type?: SchemaType;
  readonly nullable?: boolean;
  readonly default?: Json;
  readonly properties?: ReadonlyMap<string, StructuralSchema>;
  readonly additionalProperties?: StructuralSchema | boolean;
  readonly items?: StructuralSchema;
  /** `x-kubernetes-preserve-unknown-fields` */
  readonly preserveUnknownFields?: boolean;
  /** `x-kubernetes-embedded-resource` */
  readonly embeddedResource?: boolean;
  /** `x-kubernetes-int-or-string` */
  readonly intOrString?: boolean;
  /** `x-kubernetes-list-type`; atomic when absent. */
  readonly listType?: 'atomic' | 'set' | 'map';
  readonly listMapKeys?: readonly string[];
  /** `x-kubernetes-map-type`; granular when absent. */
  readonly mapType?: 'atomic' | 'granular';
  /** `x-kubernetes-validations` */
  readonly validations?: readonly ValidationRule[];
}
