/**
 * Guests saved to disk: one folder for each, by the uid of the instance they were. A folder counts from the moment it gets its final
 * name, with everything in it on the disk before; it stops counting, again by one rename, before the guest it becomes runs.
 *
 *   DATA_DIR/suspended/<uid>.partial/   being written, with what the guest was doing before
 *   DATA_DIR/suspended/<uid>/           manifest.json, memory, disks/…
 */
import { link, lstat, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../../apimachinery/errno.ts';
import { isObject } from '../../apimachinery/values.ts';
import { LaunchError } from './errors.ts';
import { MEMORY_FILE } from './layout.ts';

const VERSION = 1;
const MANIFEST = 'manifest.json';
const INTENT = 'intent.json';
const DISKS = 'disks';
const PARTIAL = '.partial';
const SPENT = '.spent';
const UID = /^[0-9A-Za-z-]{1,64}$/;
/** Files of a guest: disks and seeds. */
const FILES_MAX = 1024;

/** What must be known to start QEMU so that it accepts the memory. */
export interface SavedGuest {
  namespace: string;
  /** Of the instance, and of the machine it belongs to. */
  name: string;
  vmUid: string;
  /** QEMU's full name of the machine type: `pc-q35-7.2`. */
  machine: string;
  accelerator: 'kvm' | 'tcg';
  /** The user had paused the guest: it stays so. */
  paused: boolean;
  /** Names under which the images are kept, by volume (`.kernel` the kernel's). */
  images: Readonly<Record<string, string>>;
  /** Volumes of images over which `disks` has what the guest wrote. */
  overlays: readonly string[];
}

export interface SavedFolder {
  uid: string;
  /** Its owner, where the manifest can be read. */
  guest?: SavedGuest;
}

const syncPath = async (path: string): Promise<void> => {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
};

function strings(value: unknown): Record<string, string> {
  if (!isObject(value)) {
    throw new LaunchError('the saved guest has a damaged manifest');
  }
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, String(member)]));
}

function parseManifest(text: string): SavedGuest {
  const value: unknown = JSON.parse(text);
  if (!isObject(value) || value['version'] !== VERSION || (value['accelerator'] !== 'kvm' && value['accelerator'] !== 'tcg') || !Array.isArray(value['overlays'])) {
    throw new LaunchError('the saved guest was written by another version of Telar, or its manifest is damaged');
  }
  const { namespace = '', name = '', vmUid = '', machine = '' } = strings({
    namespace: value['namespace'], name: value['name'], vmUid: value['vmUid'], machine: value['machine'],
  });
  return {
    namespace, name, vmUid, machine, accelerator: value['accelerator'], paused: value['paused'] === true,
    images: strings(value['images']), overlays: value['overlays'].map(String),
  };
}

async function absent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') {
      return undefined;
    }
    throw error;
  }
}

export class SavedGuests {
  readonly #root: string;

  constructor(dataDir: string) {
    this.#root = join(dataDir, 'suspended');
  }

  #folder(uid: string): string {
    if (!UID.test(uid)) {
      throw new LaunchError(`${JSON.stringify(uid)} is no uid of an instance`);
    }
    return join(this.#root, uid);
  }

  /** Begins to save: from here on it is known, also after a restart, whether the guest was paused by its user. Answers where the memory goes. */
  async begin(uid: string, paused: boolean): Promise<string> {
    const folder = `${this.#folder(uid)}${PARTIAL}`;
    await rm(folder, { recursive: true, force: true });
    await mkdir(join(folder, DISKS), { recursive: true, mode: 0o700 });
    await writeFile(join(folder, INTENT), JSON.stringify({ paused }), { flush: true });
    return join(folder, MEMORY_FILE);
  }

  /** What a save that did not end had found: `undefined` when none was begun. */
  async begun(uid: string): Promise<{ paused: boolean } | undefined> {
    const folder = `${this.#folder(uid)}${PARTIAL}`;
    if (await absent(lstat(folder)) === undefined) {
      return undefined;
    }
    try {
      const intent: unknown = JSON.parse(await readFile(join(folder, INTENT), 'utf8'));
      return { paused: isObject(intent) && intent['paused'] === true };
    } catch {
      // The power went while it was written: nothing had been done to the guest yet.
      return { paused: false };
    }
  }

  async abandon(uid: string): Promise<void> {
    await rm(`${this.#folder(uid)}${PARTIAL}`, { recursive: true, force: true });
  }

  /**
   * Takes the guest's disks out of `data` and makes the state count. The disks are linked, not copied: QEMU has let go of them.
   * Throws LaunchError for what is no regular file: QEMU may write to that folder.
   */
  async commit(uid: string, data: string, files: readonly string[], guest: SavedGuest): Promise<void> {
    const folder = this.#folder(uid);
    const partial = `${folder}${PARTIAL}`;
    if (files.length > FILES_MAX) {
      throw new LaunchError(`the guest has ${files.length} disks; at most ${FILES_MAX} can be saved`);
    }
    for (const name of files) {
      const target = join(partial, DISKS, name);
      await link(join(data, name), target);
      if (!(await lstat(target)).isFile()) {
        throw new LaunchError(`${name} is no regular file any more`);
      }
      await syncPath(target);
    }
    await writeFile(join(partial, MANIFEST), JSON.stringify({ version: VERSION, ...guest }, undefined, 1), { flush: true });
    await rm(join(partial, INTENT), { force: true });
    await syncPath(join(partial, DISKS));
    await syncPath(partial);
    await rename(partial, folder);
    await syncPath(this.#root);
  }

  /** The saved guest; undefined when there is none. Throws LaunchError when it cannot be read. */
  async find(uid: string): Promise<SavedGuest | undefined> {
    const text = await absent(readFile(join(this.#folder(uid), MANIFEST), 'utf8'));
    if (text === undefined) {
      return undefined;
    }
    try {
      return parseManifest(text);
    } catch (error) {
      throw error instanceof LaunchError ? error : new LaunchError('the saved guest has a damaged manifest', { cause: error });
    }
  }

  /** Puts the guest's disks and its memory into `data`, for a QEMU to go on from; answers the names of the files. */
  async unpack(uid: string, data: string): Promise<string[]> {
    const folder = this.#folder(uid);
    const disks = await readdir(join(folder, DISKS));
    for (const name of disks) {
      await link(join(folder, DISKS, name), join(data, name));
    }
    await link(join(folder, MEMORY_FILE), join(data, MEMORY_FILE));
    return [...disks, MEMORY_FILE];
  }

  /** The guest is about to run on: from now on its disks and the saved memory would not fit together. */
  async spend(uid: string): Promise<void> {
    const folder = this.#folder(uid);
    const gone = await absent(rename(folder, `${folder}${SPENT}`).then(() => true));
    if (gone === true) {
      await syncPath(this.#root);
    }
    await rm(`${folder}${SPENT}`, { recursive: true, force: true });
  }

  async list(): Promise<SavedFolder[]> {
    const names = await absent(readdir(this.#root)) ?? [];
    return await Promise.all(names.filter((name) => UID.test(name)).map(async (uid): Promise<SavedFolder> => {
      try {
        const guest = await this.find(uid);
        return guest === undefined ? { uid } : { uid, guest };
      } catch {
        // Kept for a person to look at: nothing says that nobody wants it.
        return { uid };
      }
    }));
  }
}
