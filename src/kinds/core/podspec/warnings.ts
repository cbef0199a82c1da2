/** What Kubernetes warns about in pods and templates: accepted, but hardly what was meant. */
import { validateDns1123Label } from '../../../apimachinery/names.ts';
import { quantityToMilli } from '../../../apimachinery/quantity.ts';
import type { Container, PodSpec, PodTemplateSpec } from '../../generated/core.ts';

const BYTES = new Set(['memory', 'ephemeral-storage']);

const DEPRECATED_LABELS: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
};

/** `100m` of memory is a tenth of a byte: somebody meant `100M`. */
function fractionalBytes(field: string, { resources }: Container): string[] {
  return (['limits', 'requests'] as const).flatMap((list) => Object.entries(resources?.[list] ?? {})
    .filter(([name, value]) => BYTES.has(name) && quantityToMilli(value) % 1000 !== 0)
    .map(([name, value]) => `${field}.resources.${list}[${name}]: fractional byte value "${value}" is invalid, must be an integer`));
}

function hiddenEnv(field: string, { env = [] }: Container): string[] {
  const seen = new Set<string>();
  return env.flatMap(({ name }, index) => {
    const hides = seen.has(name);
    seen.add(name);
    return hides ? [`${field}.env[${index}]: hides previous definition of "${name}", which may be dropped when using apply`] : [];
  });
}

function duplicatePorts(field: string, { ports = [] }: Container): string[] {
  const first = new Map<string, number>();
  return ports.flatMap(({ containerPort, protocol, hostPort, hostIP }, index) => {
    const key = `${containerPort}/${protocol ?? ''}/${hostPort ?? ''}/${hostIP ?? ''}`;
    const before = first.get(key);
    first.set(key, before ?? index);
    return before === undefined ? [] : [`${field}.ports[${index}]: duplicate port definition with ${field}.ports[${before}]`];
  });
}

/** What the node here does not hold pods to: the disk they fill. */
function diskLimits(field: string, spec: PodSpec | undefined): string[] {
  return [
    ...(spec?.volumes ?? []).flatMap(({ emptyDir }, index) => (emptyDir?.sizeLimit === undefined || emptyDir.medium === 'Memory' ? []
      : [`${field}.volumes[${index}].emptyDir.sizeLimit: is not enforced here yet, except for the medium "Memory"`])),
    ...(spec?.containers ?? []).flatMap(({ resources }, index) => (resources?.limits?.['ephemeral-storage'] === undefined ? []
      : [`${field}.containers[${index}].resources.limits[ephemeral-storage]: is not enforced here yet`])),
  ];
}

/** Warnings of a spec; `field` is `spec` or `spec.template.spec`. */
export function podSpecWarnings(field: string, spec: PodSpec | undefined): string[] {
  const lists = [['initContainers', spec?.initContainers ?? []], ['containers', spec?.containers ?? []]] as const;
  const grace = spec?.terminationGracePeriodSeconds ?? 0;
  return [
    ...Object.keys(spec?.nodeSelector ?? {}).flatMap((key) => {
      const why = DEPRECATED_LABELS[key];
      return why === undefined ? [] : [`${field}.nodeSelector[${key}]: ${why}`];
    }),
    ...(spec?.imagePullSecrets ?? []).flatMap(({ name }, index) => (name ? [] : [`${field}.imagePullSecrets[${index}].name: invalid empty name ""`])),
    ...(grace < 0 ? [`${field}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`] : []),
    ...diskLimits(field, spec),
    ...lists.flatMap(([name, containers]) => containers.flatMap((container, index) => {
      const path = `${field}.${name}[${index}]`;
      return [...fractionalBytes(path, container), ...hiddenEnv(path, container), ...duplicatePorts(path, container)];
    })),
  ];
}

export const templateWarnings = (template: PodTemplateSpec | undefined, field = 'spec.template.spec'): string[] => podSpecWarnings(field, template?.spec);

/** A pod's name is its host name too. */
export function hostnameWarnings(name: string, spec: PodSpec): string[] {
  const errors = spec.hostname ? [] : validateDns1123Label(name);
  return errors.length === 0 ? []
    : [`metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [${errors.join(' ')}]`];
}
