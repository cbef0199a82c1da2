/**
 * The launcher's root file system: an empty skeleton under which only the host's programs and libraries are mounted, read-only.
 * Whoever breaks out of QEMU finds no account, no configuration and no other guest in it.
 */
import { execFile } from 'node:child_process';
import { lstat, mkdir, readlink, rename, rm, stat, symlink, chmod, chown } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { missingAs } from '../../apimachinery/errno.ts';
import type { ExtraDevice, ExtraMount } from '../pods/extension.ts';
import { DATA, IMAGES, SOCKETS } from './layout.ts';

const run = promisify(execFile);

/** Top-level folders that are links into /usr on a merged system and folders of their own on others. */
const LINKED = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];
/** Parts of /usr that hold what the machine's owner put there, not the distribution's programs. */
const HIDDEN = ['/usr/local', '/usr/src'];
const READ_ONLY = ['bind', 'rprivate', 'ro', 'nosuid', 'nodev'];
const WRITABLE = ['bind', 'rprivate', 'rw', 'nosuid', 'nodev', 'noexec'];

const exists = async (path: string): Promise<boolean> => {
  try {
    await stat(path);
    return true;
  } catch (error) {
    return missingAs(false)(error);
  }
};

/** Makes the skeleton (again: what is there stays) and answers the mounts it needs. */
export async function prepareRootfs(root: string): Promise<ExtraMount[]> {
  await Promise.all(['usr', 'dev/net', 'proc', 'sys', 'tmp', 'etc', 'var/tmp', SOCKETS, DATA, IMAGES].map((path) => mkdir(join(root, path), { recursive: true })));
  const mounts: ExtraMount[] = [{ source: '/usr', destination: '/usr', options: READ_ONLY }];
  for (const path of HIDDEN) {
    if (await exists(path)) {
      // An empty folder of the skeleton: a tmpfs would be filled with a copy of what it hides.
      mounts.push({ source: join(root, 'tmp'), destination: path, options: READ_ONLY });
    }
  }
  for (const name of LINKED) {
    const of = `/${name}`;
    if (!await exists(of)) {
      continue;
    }
    if ((await lstat(of)).isSymbolicLink()) {
      await ensureLink(join(root, name), await readlink(of));
    } else {
      await mkdir(join(root, name), { recursive: true });
      mounts.push({ source: of, destination: of, options: READ_ONLY });
    }
  }
  return mounts;
}

async function ensureLink(path: string, target: string): Promise<void> {
  try {
    await symlink(target, path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) {
      throw error;
    }
  }
}

export interface GuestFolders {
  /** Host folder of the sockets. */
  sockets: string;
  /** Host folder of the disks. */
  data: string;
}

/** Fresh folders that QEMU's user may write to; what an earlier QEMU of the pod left is gone. */
export async function prepareFolders(folders: GuestFolders, uid: number): Promise<ExtraMount[]> {
  await Promise.all([folders.sockets, folders.data].map(async (path) => {
    await rm(path, { recursive: true, force: true });
    await mkdir(path, { recursive: true, mode: 0o700 });
    await chown(path, uid, uid);
  }));
  return [
    { source: folders.sockets, destination: SOCKETS, options: WRITABLE },
    { source: folders.data, destination: DATA, options: WRITABLE },
  ];
}

/**
 * A device node like the host's that anybody may open: QEMU runs as nobody in particular, and the host's mode may allow root alone.
 * It lies in a folder only root can enter; the container's device rules decide who gets it.
 */
export async function openDevice(folder: string, host: string, minor: { major: number; minor: number }): Promise<ExtraDevice> {
  const name = host.replaceAll('/', '-').slice(1);
  const path = join(folder, name);
  if (!await exists(path)) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // Another guest starting at the same time makes the same node: each makes its own and renames it there.
    const own = `${path}.${process.pid}.${performance.now()}`;
    await run('mknod', ['-m', '666', own, 'c', String(minor.major), String(minor.minor)]);
    await chmod(own, 0o666);
    await rename(own, path);
  }
  return { path: `${path}:${host}:rw` };
}
