/** Label and field selectors of a list, watch or deletecollection as one predicate. */
import type { KubeObject } from '../../apimachinery/object.ts';
import { matchesFields, matchesLabels, parseFieldSelector, parseLabelSelector, SelectorError, type FieldSelector, type LabelSelector } from '../../apimachinery/selectors.ts';
import { badRequest } from '../../apimachinery/status.ts';
import type { AnyKind } from '../../kinds/kind.ts';

export interface Filter {
  matches(object: KubeObject): boolean;
  /** False when the object's compact JSON already shows that it cannot match: spares parsing it. */
  mayMatch(json: string): boolean;
  /** Set when only the object of this name can match: the rest need not be looked at. */
  readonly name: string | undefined;
}

const readLabels = (text: string): ReturnType<typeof parseLabelSelector> => {
  try {
    return parseLabelSelector(text);
  } catch (error) {
    throw error instanceof SelectorError ? badRequest(error.message) : error;
  }
};

const readFields = (text: string): FieldSelector => {
  try {
    return parseFieldSelector(text);
  } catch (error) {
    throw error instanceof SelectorError ? badRequest(error.message) : error;
  }
};

/** The value of a selectable field. Kinds list theirs; names and namespaces can always be selected by. */
function valueOf(kind: AnyKind, object: KubeObject, field: string): string {
  switch (field) {
    case 'metadata.name': return object.metadata.name;
    case 'metadata.namespace': return object.metadata.namespace ?? '';
    default: return kind.selectableFields?.[field]?.(object) ?? '';
  }
}

function checkFields(kind: AnyKind, selector: FieldSelector): void {
  for (const { field } of selector.requirements) {
    const known = field === 'metadata.name' || (field === 'metadata.namespace' && kind.namespaced)
      || (kind.selectableFields !== undefined && Object.hasOwn(kind.selectableFields, field));
    if (!known) {
      throw badRequest(kind.origin === 'custom'
        ? `field label not supported: ${field}`
        : `field label ${JSON.stringify(field)} not supported for ${kind.kind}`);
    }
  }
}

/** With more values than this, a text is only looked through for the label's name. */
const MAX_TRACED_VALUES = 8;

/** Texts of which the compact JSON of a match holds at least one of each group: a label's value can only stand there as JSON writes it. */
function tracesOf(labels: LabelSelector | undefined): string[][] {
  const traces: string[][] = [];
  for (const { key, operator, values } of labels?.requirements ?? []) {
    const start = `${JSON.stringify(key)}:`;
    if ((operator === '=' || operator === '==' || operator === 'in') && values.length <= MAX_TRACED_VALUES) {
      traces.push(values.map((value) => start + JSON.stringify(value)));
    } else if (operator === 'exists' || operator === 'in') {
      traces.push([start]);
    }
  }
  return traces;
}

type Predicate = (object: KubeObject) => boolean;

/** Most selectors ask for equal labels: those are compared without looking at what else there is in the grammar. */
function byLabels(selector: LabelSelector): Predicate {
  const equals = selector.requirements.filter(({ operator }) => operator === '=' || operator === '==').map(({ key, values }) => [key, values[0]] as const);
  if (selector.nothing === true || equals.length < selector.requirements.length) {
    return ({ metadata }) => matchesLabels(selector, metadata.labels);
  }
  return ({ metadata: { labels } }) => labels !== undefined && equals.every(([key, value]) => labels[key] === value);
}

/** All that is asked for; most requests ask for one thing. */
function allOf(predicates: readonly Predicate[]): Predicate {
  const [only] = predicates;
  return predicates.length === 1 && only !== undefined ? only : (object) => predicates.every((predicate) => predicate(object));
}

/** Undefined when everything matches. Throws BadRequest. */
export function filterOf(kind: AnyKind, query: URLSearchParams, pathName: string): Filter | undefined {
  const labelText = query.get('labelSelector') ?? '';
  const fieldText = query.get('fieldSelector') ?? '';
  if (labelText === '' && fieldText === '' && pathName === '') {
    return undefined;
  }
  const labels = labelText === '' ? undefined : readLabels(labelText);
  const fields = readFields(fieldText);
  checkFields(kind, fields);
  const named = fields.requirements.find(({ field, operator }) => field === 'metadata.name' && operator === '=');
  if (pathName !== '' && named !== undefined && named.value !== pathName) {
    throw badRequest(`field selector metadata.name=${named.value} does not match the name of the request, ${pathName}`);
  }
  const name = pathName === '' ? named?.value : pathName;
  const traces = tracesOf(labels);
  return {
    name,
    mayMatch: (json) => traces.every((texts) => texts.some((text) => json.includes(text))),
    matches: allOf([
      ...(name === undefined ? [] : [({ metadata }: KubeObject) => metadata.name === name]),
      ...(labels === undefined ? [] : [byLabels(labels)]),
      ...(fields.requirements.length === 0 ? [] : [(object: KubeObject) => matchesFields(fields, (field) => valueOf(kind, object, field))]),
    ]),
  };
}
