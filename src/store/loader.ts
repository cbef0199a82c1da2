/** Reads a log back into memory: the latest versions, the history since the last compaction, and what compaction left behind. */
import type { Backend, Row } from './backend.ts';
import { KeyIndex } from './keyindex.ts';
import { StoreOpenError, type Revision, type StoreEvent } from './store.ts';
import { refuseEncrypted } from './transformer.ts';
import { DeletedVersion, LiveVersion, type Version } from './version.ts';

/** Rows fetched from the back end at once. */
const PAGE_ROWS = 2_000;
interface Loaded {
  current: Version;
  older: Version[] | undefined;
}

export class Loader {
  readonly events: StoreEvent[] = [];
  /** Rows at or before the compacted revision that an interrupted compaction did not come to remove. */
  readonly garbage: Revision[] = [];
  readonly compacted: Revision;
  current: Revision;
  readonly #entries = new Map<string, Loaded>();

  private constructor(current: Revision, compacted: Revision) {
    this.current = current;
    this.compacted = compacted;
  }

  static async read(backend: Backend): Promise<Loader> {
    const { current, compacted } = await backend.currentRevision();
    const loader = new Loader(current, compacted);
    let last = 0;
    let next = backend.after(last, PAGE_ROWS);
    for (;;) {
      const rows = await next;
      last = rows.at(-1)?.revision ?? last;
      if (rows.length < PAGE_ROWS) {
        rows.forEach((row) => loader.#add(row));
        return loader;
      }
      // The back end fetches the next page while this one is taken in.
      next = backend.after(last, PAGE_ROWS);
      rows.forEach((row) => loader.#add(row));
    }
  }

  index(): KeyIndex {
    const index = new KeyIndex();
    index.load(this.#entries.values());
    return index;
  }

  #add(row: Row): void {
    const entry = this.#entries.get(row.key);
    const previous = entry?.current;
    const before = previous?.deleted === true ? undefined : previous;
    if (row.deleted) {
      this.#addDeletion(row, before);
      return;
    }
    refuseEncrypted(row);
    if (!row.value.startsWith('{') || !row.value.endsWith('}')) {
      throw new StoreOpenError(`the store is damaged: revision ${row.revision} of ${row.key} is no JSON object`);
    }
    const version = new LiveVersion(row.key, row.revision, row.createRevision, { json: row.value });
    if (row.revision <= this.compacted) {
      if (previous !== undefined) {
        this.garbage.push(previous.revision);
      }
      this.#entries.set(row.key, { current: version, older: undefined });
      return;
    }
    this.events.push({ type: before === undefined ? 'ADDED' : 'MODIFIED', stored: version, previous: before });
    this.#supersede(entry, version);
  }

  #addDeletion(row: Row, before: Version | undefined): void {
    if (row.revision <= this.compacted) {
      // The deletion last: see Compactor.
      this.garbage.push(...(before === undefined ? [] : [before.revision]), row.revision);
      this.#entries.delete(row.key);
      return;
    }
    if (before === undefined) {
      // The trace of a deletion that was reported as failed but reached the disk, and was then repeated.
      this.garbage.push(row.revision);
      return;
    }
    const version = new DeletedVersion(before, row.revision);
    this.events.push({ type: 'DELETED', stored: version, previous: before });
    this.#supersede(this.#entries.get(row.key), version);
  }

  #supersede(entry: Loaded | undefined, version: Version): void {
    if (entry === undefined) {
      this.#entries.set(version.key, { current: version, older: undefined });
    } else {
      (entry.older ??= []).push(entry.current);
      entry.current = version;
    }
  }
}
