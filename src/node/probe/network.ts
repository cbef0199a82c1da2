/** Network namespaces, virtual links and address translation, tried in a namespace that goes with the trial. */
import { attempt } from './command.ts';
import { checkForwarding, trialRules } from '../network/index.ts';
import { limited, missing, ok } from './probe.ts';
import type { Probe } from './probe.ts';

/** Made inside the namespace: a veth pair, as each pod gets, and the very rules of pods and services. */
const trial = (): string => `set -e
ip link set lo up
ip link add telar0 type veth peer name telar1
ip address add 192.0.2.1/32 dev telar0
ip link set telar0 up
nft -f - <<'RULES'
${trialRules()}RULES
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
    const made = await attempt('unshare', ['--net', 'sh'], { input: trial() });
    if (!made.ok) {
      return missing(made.why);
    }
    // Of every instance: which one is asked for is not known yet.
    const { problems } = await checkForwarding({ id: '' });
    return problems.length === 0
      ? ok('a namespace with links and address translation')
      : limited(problems.map(({ detail, fix }) => `${detail} (${fix})`).join('; '));
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
