/** The zone as the file says it, read again when the file changes; a bad or missing file leaves the last good content. */
import { readFileSync, statSync, watch, type FSWatcher } from 'node:fs';
import { join } from 'node:path';
import { isMissing } from '../apimachinery/errno.ts';
import { parseZone, type Zone } from './zone.ts';

const FILE = 'dns.json';
/** Should the kernel's notices be lost (or /run be of a kind that gives none), a question looks at most this often. */
const CHECK_MS = 1000;

export class ZoneFile {
  readonly #runDir: string;
  readonly #onError: (error: unknown, what: string) => void;
  #zone: Zone;
  #seen = '';
  #checked = 0;
  #watcher: FSWatcher | undefined;

  /** Throws when there is no readable zone to begin with. */
  constructor(runDir: string, onError: (error: unknown, what: string) => void) {
    this.#runDir = runDir;
    this.#onError = onError;
    const path = join(runDir, FILE);
    this.#seen = stamp(path);
    this.#checked = performance.now();
    this.#zone = parseZone(readFileSync(path, 'utf8'), Math.floor(Date.now() / 1000));
  }

  watch(): void {
    this.#watcher = watch(this.#runDir, (_event, name) => {
      if (name === FILE) {
        this.#refresh();
      }
    });
    this.#watcher.on('error', (error) => { this.#onError(error, 'watching dns.json'); });
  }

  current(): Zone {
    if (performance.now() - this.#checked >= CHECK_MS) {
      this.#refresh();
    }
    return this.#zone;
  }

  close(): void {
    this.#watcher?.close();
  }

  #refresh(): void {
    this.#checked = performance.now();
    try {
      const path = join(this.#runDir, FILE);
      const seen = stamp(path);
      if (seen !== this.#seen) {
        this.#seen = seen;
        this.#zone = parseZone(readFileSync(path, 'utf8'), Math.max(this.#zone.serial + 1, Math.floor(Date.now() / 1000)));
      }
    } catch (error) {
      if (!isMissing(error)) {
        this.#onError(error, 'reading dns.json');
      }
    }
  }
}

function stamp(path: string): string {
  const { mtimeMs, ino, size } = statSync(path);
  return `${mtimeMs}/${ino}/${size}`;
}
