/** From an Answer to text: JSON as it is stored, Tables, metadata alone, YAML, pretty-printed. */
import type { stringify as Stringify } from 'yaml';
import { apiVersionOf, type JsonObject, type KubeObject, type ListMeta } from '../../apimachinery/object.ts';
import { isObject } from '../../apimachinery/values.ts';
import { toTable } from '../../kinds/printing.ts';
import { listKindOf, type AnyKind } from '../../kinds/kind.ts';
import type { Stored } from '../../store/store.ts';
import { PIECE_ENTRIES, WRITE_CHUNK_CHARS } from '../limits.ts';
import { flag } from '../params.ts';
import type { Accept } from '../types.ts';
import { metadataText } from './metadatatext.ts';

export type IncludeObject = 'None' | 'Metadata' | 'Object';

export interface View {
  readonly accept: Accept;
  readonly includeObject: IncludeObject;
  readonly pretty: boolean;
}

const META_GROUP = 'meta.k8s.io';

export function includeObjectOf(query: URLSearchParams): IncludeObject {
  const asked = query.get('includeObject');
  return asked === 'None' || asked === 'Object' ? asked : 'Metadata';
}

/** What clients of these names show to people: they get indented JSON, as from kube-apiserver. */
export function wantsPretty(query: URLSearchParams, userAgent: string | undefined): boolean {
  if (query.has('pretty')) {
    return flag(query, 'pretty');
  }
  return userAgent !== undefined && (userAgent.startsWith('curl/') || userAgent.startsWith('Wget/') || userAgent.startsWith('Mozilla/5.0'));
}

export const metaApiVersion = (accept: Accept): string => `${META_GROUP}/${accept.metaVersion}`;

export const partialMetadata = (object: KubeObject, accept: Accept): JsonObject =>
  ({ kind: 'PartialObjectMetadata', apiVersion: metaApiVersion(accept), metadata: object.metadata as unknown as JsonObject });

export function tableOf(kind: AnyKind, objects: readonly KubeObject[], view: View, listMeta: ListMeta, columns: boolean): JsonObject {
  const version = view.accept.metaVersion === 'v1beta1' ? 'v1beta1' : 'v1';
  return toTable(kind, objects, { includeObject: view.includeObject, now: Date.now(), listMeta, columns, version });
}

let stringifyYaml: typeof Stringify | undefined;

async function yamlWriter(): Promise<(value: unknown) => string> {
  const stringify = (stringifyYaml ??= (await import('yaml')).stringify);
  // Most clients read YAML 1.1: what is a boolean, a number or a date there (`yes`, `1:20`, `2001-01-01`) is quoted too.
  return (value) => stringify(value, { lineWidth: 0, aliasDuplicateObjects: false, compat: 'yaml-1.1' });
}

/** A document as the client wants it written. */
export async function documentText(value: unknown, view: View): Promise<string> {
  if (view.accept.format === 'yaml') {
    return (await yamlWriter())(value);
  }
  return view.pretty ? `${JSON.stringify(value, null, 2)}\n` : JSON.stringify(value);
}

/** Whether stored texts can go out as they are. */
export const isPlain = (view: View): boolean => view.accept.as === undefined && view.accept.format === 'json' && !view.pretty;

/** One object in the shape asked for. */
export function shapeObject(kind: AnyKind | undefined, object: KubeObject | JsonObject, view: View): unknown {
  const { as } = view.accept;
  if (kind === undefined || as === undefined || !('metadata' in object)) {
    return object;
  }
  // Handlers that name a kind answer with an object of it.
  const kubeObject = object as KubeObject;
  if (as === 'Table') {
    const { resourceVersion } = kubeObject.metadata;
    return tableOf(kind, [kubeObject], view, resourceVersion === undefined ? {} : { resourceVersion }, true);
  }
  return as === 'PartialObjectMetadata' ? partialMetadata(kubeObject, view.accept) : object;
}

const listHead = (kind: string, apiVersion: string, meta: ListMeta): string =>
  `{"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)},"metadata":${JSON.stringify(meta)},"items":[`;

/** A list as one value: for in-process callers. */
export function listValue(kind: AnyKind, items: readonly Stored[], meta: ListMeta, view: View): unknown {
  const objects = items.map((item) => item.object);
  switch (view.accept.as) {
    case 'Table': return tableOf(kind, objects, view, meta, true);
    case 'PartialObjectMetadataList':
    case 'PartialObjectMetadata':
      return {
        kind: 'PartialObjectMetadataList', apiVersion: metaApiVersion(view.accept), metadata: meta,
        items: objects.map((object) => partialMetadata(object, view.accept)),
      };
    default: return { kind: listKindOf(kind), apiVersion: apiVersionOf(kind), metadata: meta, items: objects };
  }
}

/** An empty list, the member its entries belong into, and how an entry is made: for documents that people read, entry by entry. */
interface Outline {
  empty: Record<string, unknown>;
  member: 'items' | 'rows';
  entry: (object: KubeObject) => unknown;
}

/** The one row of a Table of one object. */
function rowOf(kind: AnyKind, object: KubeObject, view: View): unknown {
  const { rows } = tableOf(kind, [object], view, {}, false);
  return Array.isArray(rows) ? rows[0] : undefined;
}

function outline(kind: AnyKind, meta: ListMeta, view: View): Outline {
  const list = listValue(kind, [], meta, view);
  const empty = isObject(list) ? { ...list } : {};
  return view.accept.as === 'Table'
    ? { empty, member: 'rows', entry: (object) => rowOf(kind, object, view) }
    : { empty, member: 'items', entry: (object) => (view.accept.as === undefined ? object : partialMetadata(object, view.accept)) };
}

function* prettyPieces({ empty, member, entry }: Outline, items: readonly Stored[]): Generator<string> {
  delete empty[member];
  const head = JSON.stringify(empty, null, 2);
  yield `${head.slice(0, -2)},\n  ${JSON.stringify(member)}: [`;
  let lead = '';
  for (const { object } of items) {
    // Line ends inside of strings are escaped: every one that is there is the formatting's own.
    yield `${lead}\n    ${JSON.stringify(entry(object), null, 2).replaceAll('\n', '\n    ')}`;
    lead = ',';
  }
  yield items.length === 0 ? ']\n}\n' : '\n  ]\n}\n';
}

function* yamlPieces({ empty, member, entry }: Outline, items: readonly Stored[], stringify: (value: unknown) => string): Generator<string> {
  delete empty[member];
  yield `${stringify(empty)}${member}:${items.length === 0 ? ' []' : ''}\n`;
  for (const { object } of items) {
    yield stringify([entry(object)]);
  }
}

/** A list as YAML or pretty-printed, entry by entry: such text takes long to make. */
export async function documentPieces(kind: AnyKind, items: readonly Stored[], meta: ListMeta, view: View): Promise<Iterable<string>> {
  const lines = outline(kind, meta, view);
  return view.accept.format === 'yaml' ? yamlPieces(lines, items, await yamlWriter()) : prettyPieces(lines, items);
}

function* joined(head: string, texts: Iterable<string>, entries: number): Generator<string> {
  let parts: string[] = [];
  let size = 0;
  let lead = head;
  for (const text of texts) {
    parts.push(text);
    size += text.length;
    if (size >= WRITE_CHUNK_CHARS || parts.length >= entries) {
      yield lead + parts.join(',');
      lead = ',';
      parts = [];
      size = 0;
    }
  }
  // After a full piece a comma is due only if something follows.
  yield parts.length === 0 && lead === ',' ? ']}' : `${lead}${parts.join(',')}]}`;
}

function* mapped<T>(items: readonly T[], text: (item: T) => string): Generator<string> {
  for (const item of items) {
    yield text(item);
  }
}

/** An object's metadata as a PartialObjectMetadata. */
const partialText = (item: Stored, accept: Accept): string =>
  `{"kind":"PartialObjectMetadata","apiVersion":${JSON.stringify(metaApiVersion(accept))},"metadata":${metadataText(item)}}`;

/** Some rows as text, and the Table without them. */
function tablePiece(kind: AnyKind, items: readonly Stored[], view: View, meta: ListMeta, columns: boolean): { head: JsonObject; texts: string } {
  const objects = items.map((item) => item.object);
  const spliced = view.includeObject === 'Metadata';
  const { rows, ...head } = tableOf(kind, objects, spliced ? { ...view, includeObject: 'None' } : view, meta, columns);
  if (!spliced || !Array.isArray(rows)) {
    return { head, texts: JSON.stringify(rows).slice(1, -1) };
  }
  // Rows are as many as objects: `{"cells":[…]}`.
  return { head, texts: items.map((item, index) => `${JSON.stringify(rows[index]).slice(0, -1)},"object":${partialText(item, view.accept)}}`).join(',') };
}

/** The rows of a Table some at a time, so that a long one holds up nobody. */
function* tablePieces(kind: AnyKind, items: readonly Stored[], meta: ListMeta, view: View): Generator<string> {
  for (let at = 0; at === 0 || at < items.length; at += PIECE_ENTRIES) {
    const { head, texts } = tablePiece(kind, items.slice(at, at + PIECE_ENTRIES), view, meta, at === 0);
    yield at === 0 ? `${JSON.stringify(head).slice(0, -1)},"rows":[${texts}` : `,${texts}`;
  }
  yield ']}';
}

/** A compact JSON list in pieces: stored texts are joined, never parsed or written anew. */
export function listPieces(kind: AnyKind, items: readonly Stored[], meta: ListMeta, view: View): Iterable<string> {
  switch (view.accept.as) {
    case 'Table': return tablePieces(kind, items, meta, view);
    case 'PartialObjectMetadataList':
    case 'PartialObjectMetadata':
      return joined(listHead('PartialObjectMetadataList', metaApiVersion(view.accept), meta),
        mapped(items, (item) => partialText(item, view.accept)), PIECE_ENTRIES);
    default:
      return joined(listHead(listKindOf(kind), apiVersionOf(kind), meta), mapped(items, (item) => item.json), Infinity);
  }
}
