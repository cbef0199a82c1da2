/** Network namespaces, virtual links and address translation, tried in a namespace that goes with the trial. */
import { attempt } from './command.ts';
import { missing, ok } from './probe.ts';
import type { Probe } from './probe.ts';

/** Made inside the namespace: a veth pair, as each pod gets, and a table like the one services use. */
const TRIAL = `set -e
ip link set lo up
ip link add telar0 type veth peer name telar1
ip address add 192.0.2.1/32 dev telar0
ip link set telar0 up
nft -f - <<'RULES'
table ip telar-probe {
  map services { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    dnat ip to ip daddr . ip protocol . th dport map @services
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr 192.0.2.1 masquerade
  }
}
RULES
`;

export const networkProbe: Probe = {
  name: 'network',
  packages: ['iproute2', 'nftables'],
  async run() {
    for (const program of ['ip', 'nft']) {
      const version = await attempt(program, [program === 'ip' ? '-Version' : '--version']);
      if (version.absent) {
        return missing(`${program} is not installed`);
      }
    }
    const trial = await attempt('unshare', ['--net', 'sh'], { input: TRIAL });
    return trial.ok ? ok('a namespace with links and address translation') : missing(trial.why);
  },
};

export const dhcpProbe: Probe = {
  name: 'dhcp',
  packages: ['dnsmasq-base'],
  async run() {
    const trial = await attempt('unshare', ['--net', 'dnsmasq', '--test', '--conf-file=', '--port=0', '--dhcp-range=192.0.2.2,192.0.2.9']);
    if (!trial.ok) {
      const absent = (await attempt('dnsmasq', ['--version'])).absent;
      return missing(absent ? 'dnsmasq is not installed' : trial.why);
    }
    return ok('dnsmasq');
  },
};
