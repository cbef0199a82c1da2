/** Taking an instance's network off the machine, from its names alone: works after a crash, without a running Telar, and twice. */
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Instance } from '../../apimachinery/instance.ts';
import type { Log } from '../../apimachinery/log.ts';
import { command } from './command.ts';
import { hostLinkNames, HostLinks, hostRoutes } from './iproute.ts';
import { netnsDir, nodeLink, recordDir } from './names.ts';
import { listNetns, removeNetns } from './netns.ts';
import { unusedRouteRemoval } from './nodelink.ts';
import { foreignForwarders } from './forwarding.ts';
import { renderRemoval } from './rules.ts';
import { IP_FORWARD } from './sysctl.ts';

/** In the record directory when this instance switched forwarding on. */
export const FORWARDING_MARK = 'switched-on-forwarding';

/** Remove sandboxes, links, routes and the table; put IPv4 forwarding back when we switched it on and nobody else uses it. */
export async function removeNetwork(instance: Instance, log: Log): Promise<void> {
  const links = new HostLinks();
  await command('nft', ['-f', '-'], { input: renderRemoval(instance) });
  const names = (await hostLinkNames()).filter((name) => name.startsWith(nodeLink(instance)));
  const results = await Promise.allSettled(names.map((name) => links.apply([`link del dev ${name}`])));
  await Promise.all((await listNetns(netnsDir(instance))).map((uid) => removeNetns(join(netnsDir(instance), uid))));
  const unused = unusedRouteRemoval(instance);
  if ((await hostRoutes()).some((route) => route.type === 'unreachable' && unused.includes(` ${route.dst} `))) {
    await links.apply([unused]);
  }
  const left = (await hostLinkNames()).filter((name) => name.startsWith(nodeLink(instance)));
  if (left.length > 0) {
    throw new AggregateError(results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : [])), `could not remove the links ${left.join(', ')}`);
  }
  if (existsSync(join(recordDir(instance), FORWARDING_MARK))) {
    const others = await foreignForwarders();
    if (others.length === 0) {
      await writeFile(IP_FORWARD, '0');
    } else {
      log.info({ others }, 'IPv4 forwarding stays on: others on this machine use it too');
    }
  }
  await rm(netnsDir(instance), { recursive: true, force: true });
  await rm(recordDir(instance), { recursive: true, force: true });
}
