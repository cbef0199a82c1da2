/** Port-forward in each of its protocols. */
import type { Log } from '../../../apimachinery/log.ts';
import { badRequest } from '../../../apimachinery/status.ts';
import { acceptSpdy, negotiateSpdy, offeredProtocols, upgradeKind } from '../upgrades.ts';
import type { Upgrade } from '../upgrades.ts';
import { forwardChannels, speaksChannels } from './channelports.ts';
import { PORT_FORWARD_PROTOCOL, PortForwardSession } from './spdyports.ts';
import type { PortTarget } from './target.ts';
import { acceptTunnel, TUNNEL_PROTOCOL } from './tunnel.ts';

export { NetnsDialers } from './netns.ts';
export type { Localhost } from './netns.ts';
export { dialAddress } from './target.ts';
export type { PortTarget } from './target.ts';

/** Resolves when the client is gone. Throws Status errors while the connection is HTTP. */
export async function portForward(upgrade: Upgrade, target: PortTarget, query: URLSearchParams, log: Log): Promise<void> {
  if (upgradeKind(upgrade.req) === 'spdy') {
    acceptSpdy(upgrade.socket, negotiateSpdy(upgrade.req, [PORT_FORWARD_PROTOCOL]));
    await new PortForwardSession(upgrade.socket, upgrade.head, target, log).closed;
    return;
  }
  const offered = offeredProtocols(upgrade.req);
  if (offered.includes(TUNNEL_PROTOCOL)) {
    const transport = await acceptTunnel(upgrade);
    await new PortForwardSession(transport, Buffer.alloc(0), target, log).closed;
    return;
  }
  if (!speaksChannels(offered)) {
    throw badRequest(`unable to upgrade: none of the protocols ${offered.join(', ')} is supported`);
  }
  await forwardChannels(upgrade, target, query);
}
