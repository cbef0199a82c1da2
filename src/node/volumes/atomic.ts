/**
 * Folders of small files that change all at once, as the kubelet writes configMap, secret and projected volumes:
 * every visible name is a link into `..data`, itself a link to a folder with a time for a name, which is swapped by one rename.
 */
import { chmod, chown, lstat, mkdir, mkdtemp, readdir, readFile, readlink, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { missingAs } from '../../apimachinery/errno.ts';

export interface PayloadFile {
  data: Buffer;
  /** Permission bits. */
  mode: number;
}

/** Relative path → file. */
export type Payload = ReadonlyMap<string, PayloadFile>;

export interface Ownership {
  /** fsGroup: files belong to it and it may read them. */
  group?: number;
}

const DATA = '..data';
const DATA_NEW = '..data_tmp';
const GROUP_READ = 0o440;
const LONGEST_PATH = 4096;

/** Why a path inside a volume is refused; undefined when it is fine. */
export function badVolumePath(path: string): string | undefined {
  if (path === '' || path.length > LONGEST_PATH) {
    return 'must not be empty or too long';
  }
  if (path.startsWith('/')) {
    return 'must be a relative path';
  }
  const parts = path.split('/');
  if (parts.includes('..')) {
    return "must not contain '..'";
  }
  return parts[0]?.startsWith('..') === true ? "must not start with '..'" : undefined;
}

async function sameContent(folder: string, payload: Payload, ownership: Ownership): Promise<boolean> {
  let current: string;
  try {
    current = await readlink(join(folder, DATA));
  } catch (error) {
    return missingAs(false)(error);
  }
  const found = await readdir(join(folder, current), { recursive: true, withFileTypes: true });
  if (found.filter((entry) => entry.isFile()).length !== payload.size) {
    return false;
  }
  for (const [path, file] of payload) {
    try {
      const at = join(folder, current, path);
      const { mode, gid } = await lstat(at);
      if ((mode & 0o777) !== modeOf(file, ownership) || (ownership.group !== undefined && gid !== ownership.group)) {
        return false;
      }
      if (!(await readFile(at)).equals(file.data)) {
        return false;
      }
    } catch (error) {
      return missingAs(false)(error);
    }
  }
  return true;
}

const modeOf = (file: PayloadFile, ownership: Ownership): number => (file.mode & 0o777) | (ownership.group === undefined ? 0 : GROUP_READ);

async function writeAll(folder: string, payload: Payload, ownership: Ownership): Promise<void> {
  const made = new Set<string>();
  for (const [path, file] of payload) {
    const at = join(folder, path);
    const parent = dirname(at);
    if (parent !== folder && !made.has(parent)) {
      await mkdir(parent, { recursive: true });
      made.add(parent);
    }
    await writeFile(at, file.data);
    // After the write, for the process's umask takes bits away from a mode given at creation.
    await chmod(at, modeOf(file, ownership));
    if (ownership.group !== undefined) {
      await chown(at, 0, ownership.group);
    }
  }
}

/** Names the container sees: the first part of each path. */
function visibleNames(payload: Payload): Set<string> {
  return new Set([...payload.keys()].map((path) => path.split('/')[0] ?? path));
}

async function linkVisible(folder: string, names: Set<string>): Promise<void> {
  const present = new Set(await readdir(folder));
  for (const name of names) {
    if (!present.has(name)) {
      await symlink(join(DATA, name), join(folder, name));
    }
  }
  for (const name of present) {
    if (!name.startsWith('..') && !names.has(name)) {
      await unlink(join(folder, name));
    }
  }
}

/** Makes `folder` show `payload`; answers whether anything changed. Readers see the old files or the new, never a mix. */
export async function writePayload(folder: string, payload: Payload, ownership: Ownership = {}): Promise<boolean> {
  for (const path of payload.keys()) {
    const why = badVolumePath(path);
    if (why !== undefined) {
      throw new Error(`invalid path ${JSON.stringify(path)}: ${why}`);
    }
  }
  await mkdir(folder, { recursive: true, mode: 0o755 });
  if (await sameContent(folder, payload, ownership)) {
    await linkVisible(folder, visibleNames(payload));
    return false;
  }
  const stamp = new Date().toISOString().slice(0, 19).replace(/[-:]/g, '_').replace('T', '_');
  const fresh = await mkdtemp(join(folder, `..${stamp}.`));
  await chmod(fresh, 0o755);
  await writeAll(fresh, payload, ownership);
  const old = await readlink(join(folder, DATA)).catch(missingAs(undefined));
  await rm(join(folder, DATA_NEW), { force: true });
  await symlink(fresh.slice(folder.length + 1), join(folder, DATA_NEW));
  await rename(join(folder, DATA_NEW), join(folder, DATA));
  await linkVisible(folder, visibleNames(payload));
  if (old !== undefined && old.startsWith('..') && !old.includes('/')) {
    await rm(join(folder, old), { recursive: true, force: true });
  }
  return true;
}
