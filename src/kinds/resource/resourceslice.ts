import { validateDns1123Subdomain } from '../../apimachinery/names.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { immutable, nameErrors } from '../checks.ts';
import { AGE, column, NAME } from '../columns.ts';
import { validateNodeSelector } from '../core/podspec/nodeselector.ts';
import type { CounterSet, ResourcePool, ResourceSlice, ResourceSliceSpec } from '../generated/resource.ts';
import { defineKind } from '../kind.ts';
import { driverName } from '../namechecks.ts';
import { countersErrors, deviceErrors } from './device.ts';
import { labelName, limitedSet, poolName } from './names.ts';

const MAX_DEVICES = 128;
/** Of devices with taints, counters or lists of values, which cost the scheduler more. */
const MAX_COSTLY_DEVICES = 64;
const MAX_COUNTER_SETS = 8;
const ONE_PLACE = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';

const poolErrors = (field: string, { name, resourceSliceCount: count = 0, generation = 0 }: Partial<ResourcePool>): FieldError[] => [
  ...poolName(`${field}.name`, name),
  ...(count <= 0 ? [fieldError.invalid(`${field}.resourceSliceCount`, count, 'must be greater than zero')] : []),
  ...(generation < 0 ? [fieldError.invalid(`${field}.generation`, generation, 'must be greater than or equal to zero')] : []),
];

const setErrors = (field: string, { name, counters }: CounterSet): FieldError[] => [
  ...(name ? labelName(`${field}.name`, name) : [fieldError.required(`${field}.name`)]), ...countersErrors(`${field}.counters`, counters),
];

function placeErrors({ nodeName, nodeSelector, allNodes, perDeviceNodeSelection }: Partial<ResourceSliceSpec>): FieldError[] {
  const flags = { allNodes, perDeviceNodeSelection };
  const places = [
    ...(nodeName ? ['`nodeName`'] : []), ...(nodeSelector === undefined ? [] : ['`nodeSelector`']),
    ...Object.entries(flags).filter(([, value]) => value === true).map(([name]) => `\`${name}\``),
  ];
  const terms = nodeSelector?.nodeSelectorTerms ?? [];
  return [
    ...(nodeName === undefined ? [] : nodeName === '' ? [fieldError.invalid('spec.nodeName', nodeName, 'must be either unset or set to a non-empty string')]
      : nameErrors('spec.nodeName', nodeName, validateDns1123Subdomain)),
    ...(nodeSelector === undefined ? [] : [
      ...validateNodeSelector('spec.nodeSelector', nodeSelector),
      ...(terms.length === 1 ? [] : [fieldError.invalid('spec.nodeSelector.nodeSelectorTerms', terms, 'must have exactly one node selector term')]),
    ]),
    ...Object.entries(flags).filter(([, value]) => value === false).map(([name]) => fieldError.invalid(`spec.${name}`, false, 'must be either unset or set to true')),
    ...(places.length === 1 ? [] : places.length === 0 ? [fieldError.required('spec', ONE_PLACE)]
      : [fieldError.invalid('spec', `{${places.join(', ')}}`, `${ONE_PLACE}, but multiple fields are set`)]),
  ];
}

function validate({ spec }: ResourceSlice): FieldError[] {
  const { devices = [], sharedCounters } = spec;
  const costly = devices.some(({ taints = [], consumesCounters = [], attributes = {} }) => taints.length + consumesCounters.length > 0
    || Object.values(attributes).some(({ bools, ints, strings, versions }) => (bools ?? ints ?? strings ?? versions) !== undefined));
  return [
    ...driverName('spec.driver', spec.driver),
    ...poolErrors('spec.pool', spec.pool ?? {}),
    ...placeErrors(spec),
    ...(sharedCounters !== undefined && spec.devices !== undefined ? [fieldError.invalid('spec', '', 'only one of `sharedCounters` or `devices` is allowed')] : []),
    ...limitedSet('spec.devices', devices, costly ? MAX_COSTLY_DEVICES : MAX_DEVICES, {
      check: (at, one) => deviceErrors(at, one, spec.perDeviceNodeSelection === true), key: ({ name }) => name,
    }),
    ...limitedSet('spec.sharedCounters', sharedCounters, MAX_COUNTER_SETS, { check: setErrors, key: ({ name }) => name }),
  ];
}

/** Now, to the second; taints say since when they stand. */
const now = (): string => `${new Date().toISOString().slice(0, 19)}Z`;

export const resourceSlice = defineKind<ResourceSlice>({
  group: 'resource.k8s.io', version: 'v1', kind: 'ResourceSlice', plural: 'resourceslices', singular: 'resourceslice',
  namespaced: false, type: 'resource/v1.ResourceSlice', origin: 'builtin',
  columns: [
    NAME, column('Node', ({ spec }) => spec.nodeName ?? '<unset>'), column('Driver', ({ spec }) => spec.driver ?? ''),
    column('Pool', ({ spec }) => spec.pool?.name ?? ''), AGE,
  ],
  selectableFields: { 'spec.nodeName': ({ spec }) => spec.nodeName ?? '', 'spec.driver': ({ spec }) => spec.driver ?? '' },
  rules: {
    defaults(object) {
      object.spec ??= { driver: '', pool: { name: '', generation: 0, resourceSliceCount: 0 } };
      for (const taint of (object.spec.devices ?? []).flatMap(({ taints }) => taints ?? [])) {
        taint.timeAdded ??= now();
      }
    },
    validate,
    validateUpdate: ({ spec }, { spec: old }) => [
      ...immutable('spec.pool.name', spec.pool?.name, old.pool?.name),
      ...immutable('spec.driver', spec.driver, old.driver),
      ...immutable('spec.nodeName', spec.nodeName, old.nodeName),
    ],
  },
});
