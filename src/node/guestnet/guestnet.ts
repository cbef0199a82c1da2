/** A guest's network inside its pod's namespace: tap, translation, DHCP. Idempotent, so that a restarted Telar calls it again. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../../apimachinery/errno.ts';
import type { Instance } from '../../apimachinery/instance.ts';
import { command } from '../network/command.ts';
import { clusterSearches, hostResolvConf } from '../network/poddns.ts';
import type { Sandbox } from '../network/podnetwork.ts';
import { dnsmasqArguments, guestAddresses, renderGuestRules, ROUTER_MAC, TAP, type GuestPort } from './rules.ts';

export interface GuestNetworkOptions {
  sandbox: Sandbox;
  /** User that runs QEMU: may open the tap without any capability. */
  uid: number;
  /** MAC of the guest's interface. */
  mac: string;
  /** Sent to the guest with its lease. */
  hostname: string;
  /** Namespace of the pod: decides the guest's DNS search list. */
  namespace: string;
  /** The interface's `ports`; without any, every port and protocol of the pod's address is the guest's. */
  ports?: readonly GuestPort[];
  /** `networks[].pod.vmNetworkCIDR`, default 10.0.2.0/24. */
  vmNetworkCidr?: string;
  instance: Pick<Instance, 'runDir' | 'dnsAddress' | 'clusterDomain'>;
}

export interface GuestNetwork {
  /** Link for QEMU's `-netdev tap,ifname=…,script=no,downscript=no`. */
  tap: string;
  mac: string;
  mtu: number;
}

const MAC = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/;
const HOSTNAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
/** How long dnsmasq may take to go after SIGTERM, in steps. */
const STOP_STEPS = 20;
const STOP_STEP_MS = 25;

function stateDir(instance: Pick<Instance, 'runDir'>, podUid: string): string {
  return join(instance.runDir, 'guestnet', podUid);
}

/** Everything in one process group inside the namespace; answers the MTU. All values are checked before they come here. */
function setupScript(uid: number, router: string, rules: string): string {
  return [
    'set -e',
    `[ -e /proc/sys/net/ipv4/conf/${TAP} ] || ip tuntap add dev ${TAP} mode tap user ${uid}`,
    'mtu=$(ip -o link show dev eth0 | sed -n "s/.* mtu \\([0-9]*\\) .*/\\1/p")',
    'echo 1 > /proc/sys/net/ipv4/ip_forward',
    `echo 1 > /proc/sys/net/ipv4/conf/${TAP}/route_localnet`,
    'ip -batch - <<END',
    `link set dev ${TAP} address ${ROUTER_MAC} mtu $mtu up`,
    `addr replace ${router} dev ${TAP}`,
    'END',
    `nft -f - <<'END'`,
    rules,
    'END',
    'echo $mtu',
    '',
  ].join('\n');
}

/** Throws RangeError for values that cannot be honoured, CommandError when a tool fails. */
export async function setupGuestNetwork(options: GuestNetworkOptions): Promise<GuestNetwork> {
  const { sandbox, instance } = options;
  const mac = options.mac.toLowerCase();
  // A multicast MAC would be nobody's.
  if (!MAC.test(mac) || (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1) {
    throw new RangeError(`${options.mac} is not a MAC address that a guest can have`);
  }
  if (!HOSTNAME.test(options.hostname) || !Number.isInteger(options.uid) || options.uid < 0) {
    throw new RangeError(`a guest's host name must be a DNS label and its user a number, not ${options.hostname} and ${options.uid}`);
  }
  const addresses = guestAddresses(options.vmNetworkCidr);
  const rules = renderGuestRules(sandbox.ip, addresses, options.ports ?? []);
  const output = await command('nsenter', [`--net=${sandbox.netns}`, 'sh', '-s'], {
    input: setupScript(options.uid, `${addresses.router}/${addresses.prefix}`, rules),
  });
  const mtu = Number(output.trim());
  if (!Number.isInteger(mtu) || mtu <= 0) {
    throw new Error(`the pod's link has no MTU: ${output}`);
  }
  const pidFile = await ensureStateDir(instance, sandbox.uid);
  if ((await runningDhcp(pidFile)) === undefined) {
    await command('nsenter', [`--net=${sandbox.netns}`, 'dnsmasq', ...dnsmasqArguments({
      addresses, mac, hostname: options.hostname, dnsAddress: instance.dnsAddress, mtu, pidFile,
      searches: [...clusterSearches(options.namespace, instance.clusterDomain), ...hostResolvConf().searches],
    })]);
  }
  return { tap: TAP, mac, mtu };
}

async function ensureStateDir(instance: Pick<Instance, 'runDir'>, podUid: string): Promise<string> {
  const dir = stateDir(instance, podUid);
  await mkdir(dir, { recursive: true });
  return join(dir, 'dnsmasq.pid');
}

/** Process id of the DHCP server that wrote this pid file, if it lives: the file's path is on its command line, so a reused id is told apart. */
async function runningDhcp(pidFile: string): Promise<number | undefined> {
  if (!existsSync(pidFile)) {
    return undefined;
  }
  const pid = Number((await readFile(pidFile, 'utf8')).trim());
  if (!Number.isInteger(pid) || pid <= 1) {
    return undefined;
  }
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch((error: unknown) => {
    if (isMissing(error)) {
      return '';
    }
    throw error;
  });
  return commandLine.split('\0').includes(`--pid-file=${pidFile}`) ? pid : undefined;
}

/** Stop the guest's DHCP server and forget its state; tap and rules go with the namespace. What does not exist is fine. */
export async function teardownGuestNetwork(options: { podUid: string; instance: Pick<Instance, 'runDir'> }): Promise<void> {
  const dir = stateDir(options.instance, options.podUid);
  const pidFile = join(dir, 'dnsmasq.pid');
  for (let step = 0; ; step++) {
    const pid = await runningDhcp(pidFile);
    if (pid === undefined) {
      break;
    }
    try {
      process.kill(pid, step < STOP_STEPS ? 'SIGTERM' : 'SIGKILL');
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) {
        throw error;
      }
    }
    await new Promise((resolve) => { setTimeout(resolve, STOP_STEP_MS); });
  }
  await rm(dir, { recursive: true, force: true });
}

/** Stop every guest's DHCP server of the instance, also those of a Telar that is gone. */
export async function removeGuestNetworks(instance: Pick<Instance, 'runDir'>): Promise<void> {
  const root = join(instance.runDir, 'guestnet');
  if (existsSync(root)) {
    await Promise.all((await readdir(root)).map((podUid) => teardownGuestNetwork({ podUid, instance })));
    await rm(root, { recursive: true, force: true });
  }
}
