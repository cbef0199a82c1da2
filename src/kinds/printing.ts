/** Objects as the rows of a meta.k8s.io/v1 Table, which is what `kubectl get` asks for. */
import type { JsonObject, KubeObject, ListMeta } from '../apimachinery/object.ts';
import type { AnyKind, Column } from './kind.ts';

export interface TableOptions {
  /** What each row carries beside its cells; clients ask with `?includeObject=`. */
  includeObject: 'None' | 'Metadata' | 'Object';
  /** Milliseconds, for ages. */
  now: number;
  /** Metadata of the list, or of the one object. */
  listMeta: ListMeta;
  /** False for all but the first event of a watch. */
  columns: boolean;
  /** `v1beta1` for clients that ask for it. Default `v1`. */
  version?: 'v1' | 'v1beta1';
}

const definition = ({ name, type, format = '', description = '', priority = 0 }: Column): JsonObject =>
  ({ name, type, format, description, priority });

function rowObject(object: KubeObject, options: TableOptions): KubeObject | undefined {
  switch (options.includeObject) {
    case 'None': return undefined;
    case 'Object': return object;
    case 'Metadata': return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${options.version ?? 'v1'}`, metadata: object.metadata };
    default: return options.includeObject satisfies never;
  }
}

/**
 * The Table of some objects of one kind. Objects must carry apiVersion and kind when whole objects are asked for;
 * they are put into the result as they are, not copied.
 */
export function toTable(kind: AnyKind, objects: readonly KubeObject[], options: TableOptions): JsonObject {
  const rows = objects.map((object) => {
    const shown = rowObject(object, options);
    return { cells: kind.columns.map((column) => column.value(object, options.now)), ...(shown === undefined ? {} : { object: shown }) };
  });
  const table = {
    kind: 'Table', apiVersion: `meta.k8s.io/${options.version ?? 'v1'}`, metadata: { ...options.listMeta },
    columnDefinitions: options.columns ? kind.columns.map(definition) : null, rows,
  };
  // Objects that were decoded from JSON are JSON; their interfaces only lack the index signature.
  return table as unknown as JsonObject;
}

