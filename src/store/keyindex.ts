/**
 * All keys in order with their versions since the last compaction. Keys sit in chunks of bounded length, so that an
 * insertion moves at most one chunk's worth of entries however many keys there are, and counting skips over whole chunks.
 */
import type { Revision } from './store.ts';
import type { Version } from './version.ts';

/** Entries in a chunk before it is split in two. */
const MAX_CHUNK = 512;

export interface Entry {
  readonly key: string;
  current: Version;
  /** Superseded versions since the last compaction, oldest first; undefined when there are none. */
  older: Version[] | undefined;
  chunk: Chunk;
}

interface Chunk {
  entries: Entry[];
  /** How many entries exist now (are no tombstones). */
  live: number;
  /** The highest revision of any entry: at or after it, the state is the current one. */
  newest: Revision;
}

/** The first string after all that start with the prefix. */
const prefixEnd = (prefix: string): string =>
  prefix === '' ? '' : prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);

/** The version readers see at `revision`: undefined when the key did not exist then. */
function versionAt(entry: Entry, revision: Revision): Version | undefined {
  if (entry.current.revision <= revision) {
    return entry.current.deleted ? undefined : entry.current;
  }
  const older = entry.older ?? [];
  for (let index = older.length - 1; index >= 0; index -= 1) {
    const version = older[index];
    if (version !== undefined && version.revision <= revision) {
      return version.deleted ? undefined : version;
    }
  }
  return undefined;
}

export interface Range {
  items: Version[];
  more: boolean;
  remaining: number;
}

export class KeyIndex {
  readonly #byKey = new Map<string, Entry>();
  readonly #chunks: Chunk[] = [];

  get size(): number {
    return this.#byKey.size;
  }

  get(key: string): Entry | undefined {
    return this.#byKey.get(key);
  }

  /** Index of the last chunk whose first key is at or before `key`, 0 when there is none. */
  #chunkAt(key: string): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const first = this.#chunks[middle]?.entries[0];
      if (first !== undefined && first.key <= key) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return Math.max(0, low - 1);
  }

  /** Makes `version` the key's current one. Returns the version it supersedes. */
  put(version: Version): Version | undefined {
    const entry = this.#byKey.get(version.key);
    if (entry === undefined) {
      this.#insert(version);
      return undefined;
    }
    const previous = entry.current;
    (entry.older ??= []).push(previous);
    entry.current = version;
    entry.chunk.live += Number(previous.deleted) - Number(version.deleted);
    entry.chunk.newest = version.revision;
    return previous;
  }

  #insert(version: Version): void {
    const at = this.#chunkAt(version.key);
    let chunk = this.#chunks[at];
    if (chunk === undefined) {
      chunk = { entries: [], live: 0, newest: 0 };
      this.#chunks.push(chunk);
    }
    const entry: Entry = { key: version.key, current: version, older: undefined, chunk };
    this.#byKey.set(version.key, entry);
    chunk.entries.splice(position(chunk.entries, version.key), 0, entry);
    chunk.live += version.deleted ? 0 : 1;
    chunk.newest = Math.max(chunk.newest, version.revision);
    if (chunk.entries.length > MAX_CHUNK) {
      this.#split(at, chunk);
    }
  }

  #split(at: number, chunk: Chunk): void {
    const upper: Chunk = { entries: chunk.entries.splice(chunk.entries.length >>> 1), live: 0, newest: chunk.newest };
    for (const entry of upper.entries) {
      entry.chunk = upper;
      upper.live += entry.current.deleted ? 0 : 1;
    }
    chunk.live -= upper.live;
    this.#chunks.splice(at + 1, 0, upper);
  }

  /** Fills an empty index from entries in any order: one sort instead of an insertion each. */
  load(entries: Iterable<{ current: Version; older: Version[] | undefined }>): void {
    const sorted = [...entries].sort((a, b) => (a.current.key < b.current.key ? -1 : 1));
    // Half-full chunks, so that the first insertions do not split them all.
    for (let start = 0; start < sorted.length; start += MAX_CHUNK / 2) {
      const chunk: Chunk = { entries: [], live: 0, newest: 0 };
      for (const { current, older } of sorted.slice(start, start + MAX_CHUNK / 2)) {
        const entry: Entry = { key: current.key, current, older, chunk };
        this.#byKey.set(entry.key, entry);
        chunk.entries.push(entry);
        chunk.live += current.deleted ? 0 : 1;
        chunk.newest = Math.max(chunk.newest, current.revision);
      }
      this.#chunks.push(chunk);
    }
  }

  /** Drops the versions of a key that nobody can read at `revision` or later; the key itself when it is gone by then. */
  forget(key: string, revision: Revision): void {
    const entry = this.#byKey.get(key);
    if (entry === undefined) {
      return;
    }
    if (entry.current.revision <= revision) {
      entry.older = undefined;
      if (entry.current.deleted) {
        this.#remove(entry);
      }
      return;
    }
    const older = entry.older ?? [];
    const keepFrom = older.findLastIndex((version) => version.revision <= revision);
    const kept = older.slice(keepFrom < 0 ? 0 : older[keepFrom]?.deleted === true ? keepFrom + 1 : keepFrom);
    entry.older = kept.length === 0 ? undefined : kept;
  }

  #remove(entry: Entry): void {
    this.#byKey.delete(entry.key);
    const { entries } = entry.chunk;
    entries.splice(position(entries, entry.key), 1);
    if (entries.length === 0) {
      this.#chunks.splice(this.#chunks.indexOf(entry.chunk), 1);
    }
  }

  /** The keys under a prefix at `revision`, after `after` (exclusive), at most `limit`. */
  range(prefix: string, revision: Revision, after: string, limit: number): Range {
    const range: Range = { items: [], more: false, remaining: 0 };
    const bounds = { from: after > prefix ? after : prefix, after, end: prefixEnd(prefix) };
    for (let at = this.#chunkAt(bounds.from); at < this.#chunks.length; at += 1) {
      const chunk = this.#chunks[at];
      if (chunk === undefined || !isBefore(chunk.entries[0], bounds.end)) {
        break;
      }
      if (range.items.length >= limit && chunk.newest <= revision && isInside(chunk, bounds)) {
        range.remaining += chunk.live;
      } else if (range.items.length + chunk.live <= limit && chunk.newest <= revision && isInside(chunk, bounds)) {
        takeAll(chunk, range);
      } else {
        scan(chunk, revision, bounds, limit, range);
      }
    }
    range.more = range.remaining > 0;
    return range;
  }

  count(prefix: string, revision: Revision): number {
    return this.range(prefix, revision, '', 0).remaining;
  }
}

interface Bounds {
  /** The first key that may be meant. */
  from: string;
  /** The key that is not. */
  after: string;
  /** The first key beyond; empty for none. */
  end: string;
}

const isBefore = (entry: Entry | undefined, end: string): entry is Entry => entry !== undefined && (end === '' || entry.key < end);

/** True when every key of the chunk is meant. */
function isInside(chunk: Chunk, bounds: Bounds): boolean {
  const first = chunk.entries[0];
  return first !== undefined && first.key > bounds.from && isBefore(chunk.entries.at(-1), bounds.end);
}

/** All of a chunk as it is now: nothing has to be compared. */
function takeAll(chunk: Chunk, into: Range): void {
  for (const { current } of chunk.entries) {
    if (!current.deleted) {
      into.items.push(current);
    }
  }
}

function scan(chunk: Chunk, revision: Revision, bounds: Bounds, limit: number, into: Range): void {
  for (let index = position(chunk.entries, bounds.from); index < chunk.entries.length; index += 1) {
    const entry = chunk.entries[index];
    if (!isBefore(entry, bounds.end)) {
      return;
    }
    const version = entry.key === bounds.after ? undefined : versionAt(entry, revision);
    if (version === undefined) {
      continue;
    }
    if (into.items.length < limit) {
      into.items.push(version);
    } else {
      into.remaining += 1;
    }
  }
}

/** Index of the first entry at or after `key`. */
function position(entries: readonly Entry[], key: string): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = entries[middle];
    if (entry !== undefined && entry.key < key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}
