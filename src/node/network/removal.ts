/** Taking an instance's network off the machine, from its names alone: works after a crash, without a running Telar, and twice. */
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, isMissing } from '../../apimachinery/errno.ts';
import type { Instance } from '../../apimachinery/instance.ts';
import type { Log } from '../../apimachinery/log.ts';
import { command } from './command.ts';
import { stopGateway } from './gatewayprocess.ts';
import { hostLinkNames, HostLinks, hostRoutes } from './iproute.ts';
import { netnsDir, nodeLink, recordDir } from './names.ts';
import { isNetns, listNetns, removeNetns } from './netns.ts';
import { unusedRouteRemoval } from './nodelink.ts';
import { foreignForwarders } from './forwarding.ts';
import { renderRemoval } from './rules.ts';
import { enableForwarding, IP_FORWARD } from './sysctl.ts';

/** In the record directory when this instance switched forwarding on: holds the boot in which it did. */
const FORWARDING_MARK = 'switched-on-forwarding';
const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/** Let the machine forward IPv4, and remember that it did not before. */
export async function switchOnForwarding(instance: Pick<Instance, 'runDir'>, log: Log): Promise<void> {
  if (!(await enableForwarding())) {
    await writeFile(join(recordDir(instance), FORWARDING_MARK), await readFile(BOOT_ID, 'utf8'));
    log.info({}, 'switched on IPv4 forwarding (net.ipv4.ip_forward), which pods need to reach services and the outside');
  }
}

/** Put it back when it was ours in this boot and nobody else on the machine forwards. */
async function switchOffForwarding(instance: Pick<Instance, 'runDir'>, log: Log): Promise<void> {
  const mark = join(recordDir(instance), FORWARDING_MARK);
  if (!existsSync(mark) || (await readFile(mark, 'utf8')) !== (await readFile(BOOT_ID, 'utf8'))) {
    return;
  }
  const others = await foreignForwarders();
  if (others.length === 0) {
    await writeFile(IP_FORWARD, '0');
  } else {
    log.info({ others }, 'IPv4 forwarding stays on: others on this machine use it too');
  }
}

/** Remove sandboxes, links, routes and the table; put IPv4 forwarding back when we switched it on and nobody else uses it. */
export async function removeNetwork(instance: Instance, log: Log): Promise<void> {
  await stopGateway(instance);
  await endProcesses(instance);
  const links = new HostLinks();
  await command('nft', ['-f', '-'], { input: renderRemoval(instance) });
  const names = (await hostLinkNames()).filter((name) => name.startsWith(nodeLink(instance)));
  await Promise.all(names.map((name) => links.remove(name)));
  await Promise.all((await listNetns(netnsDir(instance))).map((uid) => removeNetns(join(netnsDir(instance), uid))));
  const unused = unusedRouteRemoval(instance);
  if ((await hostRoutes()).some((route) => route.type === 'unreachable' && unused.includes(` ${route.dst} `))) {
    await links.apply([unused]);
  }
  await switchOffForwarding(instance, log);
  for (const path of [netnsDir(instance), recordDir(instance), ...['guestnet', 'dns.json', 'dns.json.new'].map((name) => join(instance.runDir, name))]) {
    await rm(path, { recursive: true, force: true });
  }
}

/** End what still lives in the pods' namespaces, guests' DHCP servers above all: it is ours by where it lives. */
async function endProcesses(instance: Instance): Promise<void> {
  const spaces = new Set<number>();
  for (const uid of await listNetns(netnsDir(instance))) {
    const path = join(netnsDir(instance), uid);
    if (await isNetns(path)) {
      spaces.add((await stat(path)).ino);
    }
  }
  if (spaces.size === 0) {
    return;
  }
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    try {
      if (spaces.has((await stat(`/proc/${pid}/ns/net`)).ino)) {
        process.kill(Number(pid), 'SIGKILL');
      }
    } catch (error) {
      // It ended while we looked.
      if (!isMissing(error) && codeOf(error) !== 'EACCES') {
        throw error;
      }
    }
  }
}
