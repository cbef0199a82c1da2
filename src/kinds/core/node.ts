import { findCondition } from '../../apimachinery/conditions.ts';
import { validateLabelValue, validateQualifiedName } from '../../apimachinery/names.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { AGE, column, NAME, NONE, UNKNOWN, wide } from '../columns.ts';
import { duplicates, isCidr, nameErrors, nonNegativeQuantity, requiredOneOf } from '../checks.ts';
import type { Node, Taint } from '../generated/core.ts';
import { defineKind } from '../kind.ts';
import { keepStatus } from '../strategy.ts';

const ROLE_PREFIX = 'node-role.kubernetes.io/';
const ROLE = 'kubernetes.io/role';

function statusWord({ spec, status }: Node): string {
  const ready = findCondition(status?.conditions, 'Ready');
  const words = [ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady'];
  if (spec?.unschedulable === true) {
    words.push('SchedulingDisabled');
  }
  return words.join(',');
}

function roles({ metadata }: Node): string {
  const found = new Set<string>();
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    if (key.startsWith(ROLE_PREFIX) && key.length > ROLE_PREFIX.length) {
      found.add(key.slice(ROLE_PREFIX.length));
    } else if (key === ROLE && value !== '') {
      found.add(value);
    }
  }
  return [...found].sort().join(',') || NONE;
}

const address = ({ status }: Node, type: string): string => status?.addresses?.find((one) => one.type === type)?.address || NONE;

function taint(field: string, one: Taint): FieldError[] {
  return [
    ...nameErrors(`${field}.key`, one.key ?? '', validateQualifiedName),
    ...(one.value ? nameErrors(`${field}.value`, one.value, validateLabelValue) : []),
    ...requiredOneOf(`${field}.effect`, one.effect, ['NoSchedule', 'PreferNoSchedule', 'NoExecute']),
  ];
}

function statusErrors({ status }: Node): FieldError[] {
  return [
    ...duplicates((status?.addresses ?? []).map((one) => `${one.type}/${one.address}`), (index) => `status.addresses[${index}]`),
    ...(['capacity', 'allocatable'] as const).flatMap((part) => Object.entries(status?.[part] ?? {})
      .flatMap(([name, value]) => nonNegativeQuantity(`status.${part}.${name}`, value))),
  ];
}

/** At most one of each family. */
function rangesErrors(ranges: readonly string[] = []): FieldError[] {
  const families = new Set(ranges.map((cidr) => cidr.includes(':')));
  return [
    ...ranges.flatMap((cidr, index) => (isCidr(cidr) ? []
      : [fieldError.invalid(`spec.podCIDRs[${index}]`, cidr, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)')])),
    ...(families.size < ranges.length ? [fieldError.invalid('spec.podCIDRs', ranges, 'may specify no more than one CIDR for each IP family')] : []),
  ];
}

function validate(object: Node): FieldError[] {
  const { spec } = object;
  const seen = new Set<string>();
  return [
    ...(spec.taints ?? []).flatMap((one, index) => {
      const errors = taint(`spec.taints[${index}]`, one);
      const key = `${one.key}:${one.effect}`;
      if (seen.has(key)) {
        errors.push(fieldError.duplicate(`spec.taints[${index}]`, one));
      }
      seen.add(key);
      return errors;
    }),
    ...rangesErrors(spec.podCIDRs),
    ...statusErrors(object),
  ];
}

function validateUpdate({ spec }: Node, { spec: old }: Node): FieldError[] {
  const errors: FieldError[] = [];
  if (old.podCIDRs?.length && JSON.stringify(spec.podCIDRs) !== JSON.stringify(old.podCIDRs)) {
    errors.push(fieldError.forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'));
  }
  if (old.providerID && spec.providerID !== old.providerID) {
    errors.push(fieldError.forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid'));
  }
  return errors;
}

/** Unless the node keeps something back, pods may have all of it. */
function defaultStatus(object: Node): void {
  const { allocatable, capacity } = object.status ?? {};
  if (allocatable === undefined && capacity !== undefined) {
    object.status = { ...object.status, allocatable: { ...capacity } };
  }
}

export const node = defineKind<Node>({
  group: '', version: 'v1', kind: 'Node', plural: 'nodes', singular: 'node',
  namespaced: false, type: 'core/v1.Node', origin: 'builtin',
  shortNames: ['no'], status: true,
  subresources: { proxy: { kind: 'NodeProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] } },
  columns: [
    NAME,
    column('Status', statusWord, { description: 'The status of the node' }),
    column('Roles', roles, { description: 'The roles of the node' }),
    AGE,
    column('Version', ({ status }) => status?.nodeInfo?.kubeletVersion ?? '', { description: 'Kubelet Version reported by the node.' }),
    wide('Internal-IP', (object) => address(object, 'InternalIP')),
    wide('External-IP', (object) => address(object, 'ExternalIP')),
    wide('OS-Image', ({ status }) => status?.nodeInfo?.osImage || UNKNOWN),
    wide('Kernel-Version', ({ status }) => status?.nodeInfo?.kernelVersion || UNKNOWN),
    wide('Container-Runtime', ({ status }) => status?.nodeInfo?.containerRuntimeVersion || UNKNOWN),
  ],
  selectableFields: { 'spec.unschedulable': ({ spec }) => String(spec?.unschedulable === true) },
  rules: {
    generation: false,
    defaults(object) {
      object.spec ??= {};
      if (object.spec.podCIDR && object.spec.podCIDRs === undefined) {
        object.spec.podCIDRs = [object.spec.podCIDR];
      }
    },
    // A node that registers itself brings its status along.
    prepareCreate(object) {
      object.status ??= {};
      defaultStatus(object);
    },
    defaultStatus,
    prepareUpdate: keepStatus,
    validate,
    validateUpdate,
    validateStatus: statusErrors,
  },
});
