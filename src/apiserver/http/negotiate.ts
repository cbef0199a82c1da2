/** Accept headers: which shape and encoding of an answer a client wants. JSON is what everybody gets who does not insist on YAML. */
import { notAcceptable } from '../../apimachinery/status.ts';
import { MAX_NEGOTIATIONS } from '../limits.ts';
import type { Accept } from '../types.ts';

export const JSON_ACCEPT: Accept = { format: 'json', metaVersion: 'v1' };

const META_GROUP = 'meta.k8s.io';
const META_VERSIONS = ['v1', 'v1beta1'];
const SHAPES = ['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList'] as const;
/** Protobuf and CBOR are answered in JSON: clients that list them first read it too. */
const AS_JSON = new Set(['application/json', 'application/vnd.kubernetes.protobuf', 'application/cbor', 'application/*', '*/*']);
const YAML = 'application/yaml';

interface Clause {
  type: string;
  parameters: ReadonlyMap<string, string>;
  quality: number;
}

function parseClause(text: string): Clause {
  const [type, ...rest] = text.split(';').map((part) => part.trim());
  const parameters = new Map(rest.map((part) => {
    const equals = part.indexOf('=');
    return equals < 0 ? [part, ''] : [part.slice(0, equals).toLowerCase(), part.slice(equals + 1)];
  }));
  const quality = Number(parameters.get('q') ?? 1);
  return { type: (type ?? '').toLowerCase(), parameters, quality: Number.isNaN(quality) ? 1 : quality };
}

/** Undefined for a clause that cannot be served. */
function accepted({ type, parameters }: Clause): Accept | undefined {
  const format = AS_JSON.has(type) ? 'json' : type === YAML ? 'yaml' : undefined;
  const as = parameters.get('as');
  if (format === undefined || as === undefined) {
    return format === undefined ? undefined : { format, metaVersion: 'v1' };
  }
  const shape = SHAPES.find((one) => one === as);
  const metaVersion = parameters.get('v') ?? '';
  if (shape === undefined || parameters.get('g') !== META_GROUP || !META_VERSIONS.includes(metaVersion)) {
    return undefined;
  }
  return { format, as: shape, metaVersion };
}

const known = new Map<string, Accept | undefined>();

function negotiated(header: string): Accept | undefined {
  const clauses = header.split(',').map(parseClause).filter((clause) => clause.quality > 0);
  // The sort is stable: clauses of one quality stay in the client's order.
  for (const clause of clauses.sort((a, b) => b.quality - a.quality)) {
    const accept = accepted(clause);
    if (accept !== undefined) {
      return accept;
    }
  }
  return undefined;
}

/** Undefined when nothing the client takes can be served. */
export function acceptOf(header: string | undefined): Accept | undefined {
  if (header === undefined || header === '') {
    return JSON_ACCEPT;
  }
  if (known.has(header)) {
    return known.get(header);
  }
  const accept = negotiated(header);
  if (known.size >= MAX_NEGOTIATIONS) {
    known.clear();
  }
  known.set(header, accept);
  return accept;
}

export const cannotAccept = (): Error => notAcceptable('only the following media types are accepted: application/json, application/yaml');
