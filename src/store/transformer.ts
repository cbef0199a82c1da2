/** Values as they stand on disk: a back end whose rows pass through a transformer, so that what is secret is never written in plain. */
import type { Backend, LogState, Row } from './backend.ts';
import { StoreOpenError, type Revision } from './store.ts';

/** What every value that is not plain JSON begins with on disk. */
export const ENCRYPTED_MARK = 'enc:';

export interface Transformer {
  /** The text to be written for an object's JSON; the JSON itself for keys that are nobody's secret. */
  toDisk(key: string, json: string): string;
  /** The JSON back. `stale`: it is readable, but should be written again (in plain, or under an old key). Throws StoreOpenError. */
  fromDisk(key: string, value: string): { json: string; stale: boolean };
}

/** Rows written again in one transaction. */
const REWRITE_BATCH = 200;

/** Everything above sees plain rows, everything below what is on disk. */
export class TransformedBackend implements Backend {
  readonly #backend: Backend;
  readonly #transformer: Transformer;
  /** Rows read that should be written again; taken up by `renew`. */
  #stale: Row[] = [];

  constructor(backend: Backend, transformer: Transformer) {
    this.#backend = backend;
    this.#transformer = transformer;
  }

  append(rows: readonly Row[]): Promise<void> {
    return this.#backend.append(rows.map((row) => this.#toDisk(row)));
  }

  async after(revision: Revision, limit: number): Promise<Row[]> {
    return (await this.#backend.after(revision, limit)).map((row) => this.#fromDisk(row, true));
  }

  async list(prefix: string): Promise<Row[]> {
    return (await this.#backend.list(prefix)).map((row) => this.#fromDisk(row, false));
  }

  count(prefix: string): Promise<number> {
    return this.#backend.count(prefix);
  }

  compact(revision: Revision, superseded: readonly Revision[]): Promise<void> {
    return this.#backend.compact(revision, superseded);
  }

  rewrite(rows: readonly Row[]): Promise<void> {
    return this.#backend.rewrite(rows.map((row) => this.#toDisk(row)));
  }

  scrub(): Promise<void> {
    return this.#backend.scrub();
  }

  /** What is encrypted stays so. */
  snapshot(file: string): Promise<void> {
    return this.#backend.snapshot(file);
  }

  currentRevision(): Promise<LogState> {
    return this.#backend.currentRevision();
  }

  close(): Promise<void> {
    return this.#backend.close();
  }

  /** Writes what was found stale again, history included, and removes the traces of what stood there. Answers how many rows it was. */
  async renew(): Promise<number> {
    const stale = this.#stale;
    this.#stale = [];
    for (let at = 0; at < stale.length; at += REWRITE_BATCH) {
      await this.rewrite(stale.slice(at, at + REWRITE_BATCH));
    }
    if (stale.length > 0) {
      await this.scrub();
    }
    return stale.length;
  }

  #toDisk(row: Row): Row {
    const value = row.deleted ? row.value : this.#transformer.toDisk(row.key, row.value);
    return value === row.value ? row : { ...row, value };
  }

  #fromDisk(row: Row, collect: boolean): Row {
    if (row.deleted) {
      return row;
    }
    const { json, stale } = this.#transformer.fromDisk(row.key, row.value);
    const plain = json === row.value ? row : { ...row, value: json };
    if (stale && collect) {
      this.#stale.push(plain);
    }
    return plain;
  }
}

/** For a log without keys: plain values only. Throws StoreOpenError for an encrypted one. */
export function refuseEncrypted(row: Row): void {
  if (row.value.startsWith(ENCRYPTED_MARK)) {
    throw new StoreOpenError(`the store holds encrypted values (the first is ${row.key}): start with --encryption-key and the key file they were written with`);
  }
}
