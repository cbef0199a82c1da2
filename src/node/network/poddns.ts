/** What a pod's /etc/resolv.conf says, by its dnsPolicy and dnsConfig (core/v1), as the kubelet writes it. */
import { readFileSync } from 'node:fs';
import { isMissing } from '../../apimachinery/errno.ts';
import type { Instance } from '../../apimachinery/instance.ts';
import type { Pod } from '../../kinds/generated/core.ts';

/** Kubernetes' own limits of a resolv.conf. */
const MAX_NAMESERVERS = 3;
const MAX_SEARCHES = 32;
const MAX_SEARCH_CHARS = 2048;
const CLUSTER_OPTIONS = ['ndots:5'];
/** Where the resolvers are when /etc/resolv.conf names only systemd-resolved's stub, which a pod cannot reach. */
const RESOLVED_CONF = '/run/systemd/resolve/resolv.conf';
const HOST_CONF = '/etc/resolv.conf';

export interface ResolvConf {
  nameservers: string[];
  searches: string[];
  options: string[];
}

export function parseResolvConf(text: string): ResolvConf {
  const conf: ResolvConf = { nameservers: [], searches: [], options: [] };
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line.replace(/[#;].*$/, '').trim().split(/\s+/);
    if (keyword === 'nameserver' && values[0] !== undefined) {
      conf.nameservers.push(values[0]);
    } else if (keyword === 'search' || keyword === 'domain') {
      conf.searches = values;
    } else if (keyword === 'options') {
      conf.options = values;
    }
  }
  return conf;
}

/** The machine's resolvers, as a process of another network namespace can use them. */
export function hostResolvConf(): ResolvConf {
  const read = (path: string): ResolvConf => {
    try {
      return parseResolvConf(readFileSync(path, 'utf8'));
    } catch (error) {
      if (isMissing(error)) {
        return { nameservers: [], searches: [], options: [] };
      }
      throw error;
    }
  };
  const conf = read(HOST_CONF);
  const local = conf.nameservers.length > 0 && conf.nameservers.every((server) => server.startsWith('127.') || server === '::1');
  const behind = local ? read(RESOLVED_CONF) : conf;
  return behind.nameservers.length > 0 ? { ...behind, options: conf.options } : conf;
}

/** Search list of a namespace's pods. */
export function clusterSearches(namespace: string, clusterDomain: string): string[] {
  return [`${namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain];
}

function render(conf: ResolvConf): string {
  const searches: string[] = [];
  let chars = 0;
  for (const search of [...new Set(conf.searches)].slice(0, MAX_SEARCHES)) {
    chars += search.length + 1;
    if (chars > MAX_SEARCH_CHARS) {
      break;
    }
    searches.push(search);
  }
  const lines = [
    ...(searches.length > 0 ? [`search ${searches.join(' ')}`] : []),
    ...[...new Set(conf.nameservers)].slice(0, MAX_NAMESERVERS).map((server) => `nameserver ${server}`),
    ...(conf.options.length > 0 ? [`options ${conf.options.join(' ')}`] : []),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** Later options replace earlier ones of the same name. */
function mergeOptions(base: readonly string[], extra: readonly string[]): string[] {
  const byName = new Map<string, string>();
  for (const option of [...base, ...extra]) {
    byName.set(option.split(':')[0] ?? option, option);
  }
  return [...byName.values()];
}

/** What the pod's dnsPolicy alone gives it. */
function byPolicy(pod: Pod, instance: Pick<Instance, 'clusterDomain' | 'dnsAddress'>, host: () => ResolvConf): ResolvConf {
  const policy = pod.spec?.dnsPolicy ?? 'ClusterFirst';
  if (policy === 'None') {
    return { nameservers: [], searches: [], options: [] };
  }
  if (policy === 'Default' || (policy === 'ClusterFirst' && pod.spec?.hostNetwork === true)) {
    return host();
  }
  return {
    nameservers: [instance.dnsAddress],
    searches: [...clusterSearches(pod.metadata.namespace ?? 'default', instance.clusterDomain), ...host().searches],
    options: CLUSTER_OPTIONS,
  };
}

/** The text of the pod's resolv.conf. */
export function podDns(pod: Pod, instance: Pick<Instance, 'clusterDomain' | 'dnsAddress'>, host: () => ResolvConf = hostResolvConf): { resolvConf: string } {
  const conf = byPolicy(pod, instance, host);
  const extra = pod.spec?.dnsConfig;
  const options = (extra?.options ?? []).map(({ name = '', value = '' }) => (value === '' ? name : `${name}:${value}`));
  return {
    resolvConf: render({
      nameservers: [...conf.nameservers, ...(extra?.nameservers ?? [])],
      searches: [...conf.searches, ...(extra?.searches ?? [])],
      options: mergeOptions(conf.options, options),
    }),
  };
}
