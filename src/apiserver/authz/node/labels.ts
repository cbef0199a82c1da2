/** Which labels a node may put on itself: its own description, never what others sort nodes by. */

const DESCRIBING: ReadonlySet<string> = new Set([
  'kubernetes.io/hostname', 'kubernetes.io/os', 'kubernetes.io/arch', 'beta.kubernetes.io/os', 'beta.kubernetes.io/arch',
  'node.kubernetes.io/instance-type', 'beta.kubernetes.io/instance-type', 'node.kubernetes.io/windows-build',
  'topology.kubernetes.io/zone', 'topology.kubernetes.io/region', 'failure-domain.beta.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/region',
]);
const DESCRIBING_DOMAINS = ['kubelet.kubernetes.io', 'node.kubernetes.io'];
const RESTRICTED_DOMAIN = 'node-restriction.kubernetes.io';
const KUBERNETES_DOMAINS = ['kubernetes.io', 'k8s.io'];

const within = (domain: string, parent: string): boolean => domain === parent || domain.endsWith(`.${parent}`);

function isForbidden(label: string): boolean {
  const slash = label.indexOf('/');
  const domain = slash < 0 ? '' : label.slice(0, slash);
  if (within(domain, RESTRICTED_DOMAIN)) {
    return true;
  }
  return KUBERNETES_DOMAINS.some((one) => within(domain, one)) && !DESCRIBING.has(label) && !DESCRIBING_DOMAINS.some((one) => within(domain, one));
}

/** Labels that differ and that a node may not touch, in order. */
export function forbiddenChanges(now: Readonly<Record<string, string>>, before: Readonly<Record<string, string>>): string[] {
  const names = new Set([...Object.keys(now), ...Object.keys(before)]);
  return [...names].filter((name) => now[name] !== before[name] && isForbidden(name)).sort();
}
