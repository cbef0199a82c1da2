/** Printer columns of custom resources (k8s.io/apiextensions-apiserver/pkg/registry/customresource/tableconvertor). */
import type { KubeObject } from '../../apimachinery/object.ts';
import { compileJsonPath } from '../../apimachinery/jsonpath.ts';
import { humanDuration } from '../../apimachinery/tables.ts';
import { AGE, NAME } from '../../kinds/columns.ts';
import type { CustomResourceColumnDefinition } from '../../kinds/generated/apiextensions.ts';
import type { Column } from '../../kinds/kind.ts';

type Cell = string | number | boolean | null;

const NAME_DESCRIPTION = 'Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an '
  + 'appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. '
  + 'More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names';

/** As JSONPath prints a value: texts bare, the rest as JSON. */
const printed = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value) ?? '');

function age(value: unknown, now: number): Cell {
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return typeof value !== 'string' ? null : Number.isNaN(at) ? '<invalid>' : humanDuration(now - at);
}

function cell(type: string, value: unknown, now: number): Cell {
  if (value === undefined || value === null) {
    return null;
  }
  switch (type) {
    case 'integer': return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number': return typeof value === 'number' ? value : null;
    case 'boolean': return typeof value === 'boolean' ? value : null;
    case 'date': return age(value, now);
    default: return printed(value);
  }
}

const TYPES = ['string', 'integer', 'number', 'boolean', 'date'] as const;

function columnOf(definition: CustomResourceColumnDefinition): Column {
  const { name, type, format, description, jsonPath, priority } = definition;
  const path = compileJsonPath(jsonPath);
  return {
    name, type: TYPES.find((one) => one === type) ?? 'string', jsonPath,
    description: description ?? `Custom resource definition column (in JSONPath format): ${jsonPath}`,
    ...(format === undefined ? {} : { format }), ...(priority === undefined ? {} : { priority }),
    value: (object: KubeObject, now: number) => cell(type, path(object)[0], now),
  };
}

/** The name and what the definition says; the age where it says nothing. */
export function columnsOf(definitions: readonly CustomResourceColumnDefinition[] | undefined): Column[] {
  const name: Column = { ...NAME, description: NAME_DESCRIPTION };
  return definitions === undefined || definitions.length === 0
    ? [name, { ...AGE, type: 'date', description: 'Custom resource definition column (in JSONPath format): .metadata.creationTimestamp', jsonPath: '.metadata.creationTimestamp' }]
    : [name, ...definitions.map(columnOf)];
}
