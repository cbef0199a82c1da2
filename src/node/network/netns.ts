/** Network namespaces pinned by a bind mount on a file, so that they outlive every process in them and Telar itself. */
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { isMissing } from '../../apimachinery/errno.ts';
import { Batcher } from './batcher.ts';
import { command } from './command.ts';

/** f_type of nsfs; after a reboot a file may be left where /run is an ordinary directory, without the mount. */
const NSFS_MAGIC = 0x6e736673;

export async function isNetns(path: string): Promise<boolean> {
  try {
    return (await statfs(path)).type === NSFS_MAGIC;
  } catch (error) {
    if (isMissing(error)) {
      return false;
    }
    throw error;
  }
}

/**
 * Make a namespace pinned at `path` and run `ip` commands in it, in one process. Ports below 1024 and ping are for every
 * user of it, as container runtimes have it; IPv6 exists on its loopback only.
 */
export async function createNetns(path: string, commands: readonly string[]): Promise<void> {
  await writeFile(path, '');
  await command('unshare', [`--net=${path}`, 'sh', '-c', SETUP], { input: `${commands.join('\n')}\n` });
}

/** Run `ip` commands in an existing namespace. */
export async function inNetns(path: string, commands: readonly string[]): Promise<void> {
  await command('nsenter', [`--net=${path}`, 'ip', '-batch', '-'], { input: `${commands.join('\n')}\n` });
}

const SETUP = [
  'cd /proc/sys/net',
  'echo 0 > ipv4/ip_unprivileged_port_start',
  'echo 0 2147483647 > ipv4/ping_group_range',
  'if [ -e ipv6/conf/default/disable_ipv6 ]; then echo 1 > ipv6/conf/default/disable_ipv6; fi',
  'exec ip -batch -',
].join(' && ');

async function unpin(paths: readonly string[]): Promise<(Error | undefined)[]> {
  const mounted = (await Promise.all(paths.map(async (path) => ((await isNetns(path)) ? [path] : [])))).flat();
  if (mounted.length > 0) {
    // Lazily: a path looked up this moment by a container being made must not keep the pod from going.
    await command('umount', ['-l', ...mounted]);
  }
  return Promise.all(paths.map(async (path) => {
    try {
      // A namespace may be pinned twice on one file (a setup that was interrupted): all of it goes.
      while (await isNetns(path)) {
        await command('umount', ['-l', path]);
      }
      await rm(path, { force: true });
      return undefined;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }));
}

const unpinning = new Batcher(unpin);

/** Unpin the namespace and remove its file; it goes with its last process. Nothing there is fine. */
export async function removeNetns(path: string): Promise<void> {
  if (existsSync(path)) {
    await unpinning.add(path);
  }
}

/** Files of a directory of pinned namespaces; none when the directory is missing. */
export async function listNetns(dir: string): Promise<string[]> {
  return existsSync(dir) ? readdir(dir) : [];
}

/** MTU of the link that the default route leaves by, 1500 without one. */
export async function uplinkMtu(): Promise<number> {
  const routes = (await readFile('/proc/net/route', 'utf8')).split('\n').slice(1);
  const device = routes.map((line) => line.split('\t')).find((fields) => fields[1] === '00000000' && fields[7] === '00000000')?.[0];
  const path = `/sys/class/net/${device ?? ''}/mtu`;
  const mtu = device !== undefined && existsSync(path) ? Number(await readFile(path, 'utf8')) : DEFAULT_MTU;
  return Number.isInteger(mtu) && mtu >= MIN_MTU && mtu <= MAX_MTU ? mtu : DEFAULT_MTU;
}

const DEFAULT_MTU = 1500;
/** IPv6's minimum; smaller links are no uplink for pods. */
const MIN_MTU = 1280;
const MAX_MTU = 65_535;
