/** What the store's thread and the database's thread say to each other. Rows travel as columns, which clone fastest. */
import type { Row } from '../backend.ts';
import type { Revision } from '../store.ts';

export interface Columns {
  revisions: Revision[];
  keys: string[];
  createRevisions: Revision[];
  /** null for a deletion. */
  values: (string | null)[];
}

export type Request =
  | { op: 'append'; id: number; columns: Columns }
  | { op: 'after'; id: number; revision: Revision; limit: number }
  | { op: 'list'; id: number; prefix: string }
  | { op: 'count'; id: number; prefix: string }
  | { op: 'compact'; id: number; revision: Revision; superseded: readonly Revision[] }
  | { op: 'rewrite'; id: number; columns: Columns }
  | { op: 'scrub'; id: number }
  | { op: 'snapshot'; id: number; file: string }
  | { op: 'state'; id: number }
  | { op: 'close'; id: number };

/** Several appends that shared one transaction are answered together. */
export type Reply =
  | { kind: 'done'; ids: number[] }
  | { kind: 'failed'; ids: number[]; message: string }
  | { kind: 'rows'; id: number; columns: Columns }
  | { kind: 'count'; id: number; count: number }
  | { kind: 'state'; id: number; current: Revision; compacted: Revision }
  | { kind: 'opened' }
  | { kind: 'refused'; message: string };

export interface WorkerOptions {
  file: string;
  /** Size of the database file in bytes beyond which writes are refused. */
  maxBytes: number;
  /** How long another process may go on holding the file, in milliseconds. */
  lockWaitMs: number;
}

export const emptyColumns = (): Columns => ({ revisions: [], keys: [], createRevisions: [], values: [] });

export function toColumns(rows: readonly Row[]): Columns {
  const columns = emptyColumns();
  for (const row of rows) {
    columns.revisions.push(row.revision);
    columns.keys.push(row.key);
    columns.createRevisions.push(row.createRevision);
    columns.values.push(row.deleted ? null : row.value);
  }
  return columns;
}

export function fromColumns(columns: Columns): Row[] {
  return columns.revisions.map((revision, index) => {
    const value = columns.values[index] ?? null;
    return {
      revision, key: columns.keys[index] ?? '', createRevision: columns.createRevisions[index] ?? revision,
      deleted: value === null, value: value ?? '',
    };
  });
}
