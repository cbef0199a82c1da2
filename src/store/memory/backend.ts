/** A log in memory: for tests and for trying things out. Keeps to the same contract as SQLite's, durability apart. */
import type { Backend, LogState, Row } from '../backend.ts';
import { StoreUnavailableError, type Revision } from '../store.ts';

export class MemoryBackend implements Backend {
  #rows: Row[] = [];
  #compacted: Revision = 0;

  async append(rows: readonly Row[]): Promise<void> {
    for (const row of rows) {
      this.#rows.push(row);
    }
  }

  async after(revision: Revision, limit: number): Promise<Row[]> {
    const start = this.#rows.findIndex((row) => row.revision > revision);
    return start < 0 ? [] : this.#rows.slice(start, start + limit);
  }

  async list(prefix: string): Promise<Row[]> {
    const latest = new Map<string, Row>();
    for (const row of this.#rows) {
      if (row.key.startsWith(prefix)) {
        latest.set(row.key, row);
      }
    }
    return [...latest.values()].filter((row) => !row.deleted).sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  async count(prefix: string): Promise<number> {
    return (await this.list(prefix)).length;
  }

  async compact(revision: Revision, superseded: readonly Revision[]): Promise<void> {
    this.#compacted = Math.max(this.#compacted, revision);
    const gone = new Set(superseded);
    if (gone.size > 0) {
      this.#rows = this.#rows.filter((row) => !gone.has(row.revision));
    }
  }

  async rewrite(rows: readonly Row[]): Promise<void> {
    const values = new Map(rows.map((row) => [row.revision, row.value]));
    this.#rows = this.#rows.map((row) => ({ ...row, value: values.get(row.revision) ?? row.value }));
  }

  async scrub(): Promise<void> {
    // What was replaced is gone with its row.
  }

  async snapshot(): Promise<void> {
    throw new StoreUnavailableError('a store in memory has no copy on disk');
  }

  async currentRevision(): Promise<LogState> {
    return { current: Math.max(this.#compacted, this.#rows.at(-1)?.revision ?? 0), compacted: this.#compacted };
  }

  async close(): Promise<void> {
    // Rows stay, so that a test can open the same log again.
  }
}
