/**
 * Looks through a store that nobody has open: SQLite's own check of the file, then every row of the log. Says what is wrong; changes
 * nothing, but for the log of writes that SQLite takes into the file when it opens it after a crash.
 */
import { DatabaseSync } from 'node:sqlite';
import type { KubeObject } from '../apimachinery/object.ts';
import { isObject } from '../apimachinery/values.ts';
import { checkFormat, explain, formatOf } from './sqlite/format.ts';
import { StoreOpenError } from './store.ts';
import { ENCRYPTED_MARK, type Transformer } from './transformer.ts';

/** Problems told; more are only counted. */
export const MAX_PROBLEMS = 100;
/** `/group/plural/name` is the shortest key. */
const MIN_KEY_PARTS = 4;

export interface StoreReport {
  format: number;
  /** Versions of objects, deletions included. */
  versions: number;
  /** Objects that exist. */
  objects: number;
  /** Values that could not be looked into. */
  encrypted: number;
  revision: number;
  compacted: number;
  problems: string[];
  /** Of those beyond MAX_PROBLEMS. */
  moreProblems: number;
}

interface LogRow {
  revision: number;
  key: string;
  createRevision: number;
  deleted: boolean;
  value: string;
}

export interface VerifyOptions {
  /** The key an object should be stored under; undefined when its kind is not known. */
  keyOf?: (object: KubeObject) => string | undefined;
  /** Reads what is encrypted; without it such values are only counted. */
  transformer?: Transformer;
}

class Inspection {
  readonly report: StoreReport;
  #last = 0;
  readonly #options: VerifyOptions;
  /** By key: the version that exists now. */
  readonly #live = new Map<string, LogRow>();

  constructor(format: number, compacted: number, options: VerifyOptions) {
    this.report = { format, versions: 0, objects: 0, encrypted: 0, revision: compacted, compacted, problems: [], moreProblems: 0 };
    this.#options = options;
  }

  problem(text: string): void {
    if (this.report.problems.length < MAX_PROBLEMS) {
      this.report.problems.push(text);
    } else {
      this.report.moreProblems += 1;
    }
  }

  row(row: LogRow): void {
    const { report } = this;
    if (!Number.isSafeInteger(row.revision) || row.revision <= this.#last) {
      this.problem(`revision ${row.revision} follows ${this.#last}`);
    }
    this.#last = row.revision;
    report.versions += 1;
    report.revision = Math.max(report.revision, row.revision);
    this.#lineage(row);
    if (!row.deleted) {
      this.#value(row);
    }
    report.objects = this.#live.size;
  }

  /** An update keeps the creation of what it follows. What compaction has forgotten may be missing, in whole or in part. */
  #lineage(row: LogRow): void {
    const { revision, key, createRevision, deleted } = row;
    const { compacted } = this.report;
    if (!key.startsWith('/') || key.split('/').length < MIN_KEY_PARTS) {
      this.problem(`revision ${revision}: ${JSON.stringify(key)} is no key`);
    }
    const before = this.#live.get(key);
    const follows = before?.createRevision === createRevision;
    const begins = !deleted && createRevision === revision && (before === undefined || before.revision <= compacted);
    if (revision > compacted && !follows && !begins && !(deleted && before === undefined)) {
      this.problem(`revision ${revision} of ${key} says it was created at ${createRevision}${before === undefined ? '' : `, the one before at ${before.createRevision}`}`);
    }
    if (deleted) {
      this.#live.delete(key);
    } else {
      this.#live.set(key, { ...row, value: '' });
    }
  }

  /** The JSON of a value; undefined when it cannot be had, which has then been told. */
  #plain({ revision, key, value }: LogRow): string | undefined {
    if (!value.startsWith(ENCRYPTED_MARK)) {
      return value;
    }
    if (this.#options.transformer === undefined) {
      this.report.encrypted += 1;
      return undefined;
    }
    try {
      return this.#options.transformer.fromDisk(key, value).json;
    } catch (error) {
      if (!(error instanceof StoreOpenError)) {
        throw error;
      }
      this.problem(`revision ${revision}: ${error.message}`);
      return undefined;
    }
  }

  #value(row: LogRow): void {
    const { revision, key } = row;
    const plain = this.#plain(row);
    if (plain === undefined) {
      return;
    }
    const object = parsed(plain);
    if (object === undefined) {
      this.problem(`revision ${revision} of ${key} is no object`);
      return;
    }
    const { resourceVersion, name } = object.metadata;
    if (resourceVersion !== String(revision)) {
      this.problem(`revision ${revision} of ${key} says it is ${String(resourceVersion)}`);
    }
    const expected = this.#options.keyOf?.(object);
    if (expected === undefined ? key.split('/').at(-1) !== name : expected !== key) {
      this.problem(`revision ${revision} of ${key} holds ${object.kind} ${object.metadata.namespace ?? ''}/${name}, which belongs under ${expected ?? 'its own name'}`);
    }
  }
}

/** What every stored object has; the rest is its kind's affair. */
function isKubeObject(value: unknown): value is KubeObject {
  return isObject(value) && typeof value['apiVersion'] === 'string' && typeof value['kind'] === 'string'
    && isObject(value['metadata']) && typeof value['metadata']['name'] === 'string';
}

/** Undefined for what is no object, which the caller tells. */
function parsed(value: string): KubeObject | undefined {
  try {
    const object: unknown = JSON.parse(value);
    return isKubeObject(object) ? object : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) {
      return undefined;
    }
    throw error;
  }
}

/** Checks a database file. Throws StoreOpenError when it is none, a newer Telar's, or in use. */
export function verifyStore(file: string, options: VerifyOptions = {}): StoreReport {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file);
    db.exec('PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE');
    checkFormat(db, file);
    const compacted = Number(db.prepare("SELECT value FROM meta WHERE name = 'compacted'").get()?.['value'] ?? 0);
    const inspection = new Inspection(formatOf(db).format, compacted, options);
    for (const { integrity_check: text } of db.prepare(`PRAGMA integrity_check(${MAX_PROBLEMS})`).iterate()) {
      if (text !== 'ok') {
        inspection.problem(`the file is damaged: ${String(text)}`);
      }
    }
    for (const row of db.prepare('SELECT revision, key, create_revision, deleted, value FROM log ORDER BY revision').iterate()) {
      inspection.row({
        revision: Number(row['revision']), key: String(row['key']), createRevision: Number(row['create_revision']),
        deleted: row['deleted'] !== 0, value: String(row['value']),
      });
    }
    return inspection.report;
  } catch (error) {
    throw explain(error, file);
  } finally {
    db?.close();
  }
}
