/** Devices as their driver publishes them in a slice. */
import { validateDns1123Subdomain } from '../../apimachinery/names.ts';
import { compareQuantities } from '../../apimachinery/quantity.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { nameErrors } from '../checks.ts';
import { validateNodeSelector } from '../core/podspec/nodeselector.ts';
import type { Counter, Device, DeviceAttribute, DeviceCounterConsumption } from '../generated/resource.ts';
import { capacityErrors } from './capacity.ts';
import { bindingErrors, labelName, limited, limitedSet, qualifiedName, taintErrors } from './names.ts';

const MAX_ATTRIBUTES_AND_CAPACITIES = 32;
const MAX_ATTRIBUTE_VALUES = 48;
const MAX_TAINTS = 16;
const MAX_CONSUMPTIONS = 2;
export const MAX_COUNTERS = 32;
const MAX_VALUE_LENGTH = 64;
const ONE_PLACE = 'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
const NO_PLACE = '`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
const NUMBER = '(?:0|[1-9]\\d*)';
const WORD = '(?:0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)';
const SEMVER = new RegExp(`^${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-${WORD}(?:\\.${WORD})*)?(?:\\+[0-9a-zA-Z-]+(?:\\.[0-9a-zA-Z-]+)*)?$`);
const LISTS = ['bools', 'ints', 'strings', 'versions'] as const;
const SINGLES = ['bool', 'int', 'string', 'version'] as const;

const textErrors = (field: string, value: string): FieldError[] => (value.length > MAX_VALUE_LENGTH ? [fieldError.tooLong(field, MAX_VALUE_LENGTH)] : []);

const versionErrors = (field: string, value: string): FieldError[] => [
  ...(SEMVER.test(value) ? [] : [fieldError.invalid(field, value, 'must be a string compatible with semver.org spec 2.0.0')]), ...textErrors(field, value),
];

function attributeErrors(field: string, attribute: DeviceAttribute): FieldError[] {
  const present = [...SINGLES, ...LISTS].filter((name) => attribute[name] !== undefined).length;
  return [
    ...(attribute.string === undefined ? [] : textErrors(`${field}.string`, attribute.string)),
    ...(attribute.version === undefined ? [] : versionErrors(`${field}.version`, attribute.version)),
    ...LISTS.filter((name) => attribute[name]?.length === 0).map((name) => fieldError.invalid(`${field}.${name}`, [], 'must not be empty if specified')),
    ...(attribute.strings ?? []).flatMap((one, index) => textErrors(`${field}.strings[${index}]`, one)),
    ...(attribute.versions ?? []).flatMap((one, index) => versionErrors(`${field}.versions[${index}]`, one)),
    ...(present === 1 ? [] : [fieldError.invalid(field, present === 0 ? '' : attribute, 'exactly one value must be specified')]),
  ];
}

/** How many values there are, each item of a list counted. */
const valuesOf = (attributes: Readonly<Record<string, DeviceAttribute>>): number => Object.values(attributes)
  .reduce((total, attribute) => total + (LISTS.reduce((sum, name) => sum + (attribute[name]?.length ?? 0), 0) || 1), 0);

export function countersErrors(field: string, counters: Readonly<Record<string, Counter>> | undefined): FieldError[] {
  const entries = Object.keys(counters ?? {});
  if (entries.length === 0) {
    return [fieldError.required(field)];
  }
  return entries.length > MAX_COUNTERS ? [fieldError.tooMany(field, entries.length, MAX_COUNTERS)] : entries.flatMap((name) => labelName(field, name));
}

const consumptionErrors = (field: string, { counterSet, counters }: DeviceCounterConsumption): FieldError[] => [
  ...(counterSet ? labelName(`${field}.counterSet`, counterSet) : [fieldError.required(`${field}.counterSet`)]), ...countersErrors(`${field}.counters`, counters),
];

function placeErrors(field: string, { nodeName, nodeSelector, allNodes }: Device, perDevice: boolean): FieldError[] {
  if (!perDevice) {
    return nodeName === undefined && nodeSelector === undefined && allNodes === undefined ? [] : [fieldError.invalid(field, null, NO_PLACE)];
  }
  const places = [...(nodeName ? ['`nodeName`'] : []), ...(nodeSelector === undefined ? [] : ['`nodeSelector`']), ...(allNodes === true ? ['`allNodes`'] : [])];
  return [
    ...(nodeName === undefined ? [] : nodeName === '' ? [fieldError.invalid(`${field}.nodeName`, nodeName, 'must not be empty')]
      : nameErrors(`${field}.nodeName`, nodeName, validateDns1123Subdomain)),
    ...(nodeSelector === undefined ? [] : validateNodeSelector(`${field}.nodeSelector`, nodeSelector)),
    ...(allNodes === false ? [fieldError.invalid(`${field}.allNodes`, false, 'must be either unset or set to true')] : []),
    ...(places.length === 1 ? [] : places.length === 0 ? [fieldError.required(field, ONE_PLACE)]
      : [fieldError.invalid(field, `{${places.join(', ')}}`, ONE_PLACE)]),
  ];
}

function sizeErrors(field: string, attributes: Readonly<Record<string, DeviceAttribute>>, capacities: number): FieldError[] {
  const [total, values] = [Object.keys(attributes).length + capacities, valuesOf(attributes)];
  return [
    ...(total > MAX_ATTRIBUTES_AND_CAPACITIES
      ? [fieldError.invalid(field, total, `the total number of attributes and capacities must not exceed ${MAX_ATTRIBUTES_AND_CAPACITIES}`)] : []),
    ...(values > MAX_ATTRIBUTE_VALUES ? [fieldError.invalid(field, values, `the total number of attribute values must not exceed ${MAX_ATTRIBUTE_VALUES}`)] : []),
  ];
}

function mappingErrors(field: string, { nodeAllocatableResourceMappings: mappings = {}, capacity = {} }: Device): FieldError[] {
  return Object.entries(mappings).flatMap(([resource, { capacityKey, allocationMultiplier: factor }]) => {
    const at = `${field}[${resource}]`;
    return [
      ...(capacityKey === undefined || capacityKey in capacity ? [] : [fieldError.notFound(`${at}.capacityKey`, capacityKey)]),
      ...(factor === undefined || compareQuantities(factor, '0') > 0 ? [] : [fieldError.invalid(`${at}.allocationMultiplier`, factor, 'must be positive')]),
    ];
  });
}

export function deviceErrors(field: string, device: Device, perDevice: boolean): FieldError[] {
  const { attributes = {}, capacity = {} } = device;
  return [
    ...labelName(`${field}.name`, device.name),
    ...sizeErrors(field, attributes, Object.keys(capacity).length),
    ...Object.entries(attributes).flatMap(([name, one]) => [...qualifiedName(`${field}.attributes`, name), ...attributeErrors(`${field}.attributes[${name}]`, one)]),
    ...Object.entries(capacity).flatMap(([name, one]) => [
      ...qualifiedName(`${field}.capacity`, name), ...capacityErrors(`${field}.capacity[${name}]`, one, device.allowMultipleAllocations === true),
    ]),
    ...limited(`${field}.taints`, device.taints, MAX_TAINTS, taintErrors),
    ...limitedSet(`${field}.consumesCounters`, device.consumesCounters, MAX_CONSUMPTIONS, { check: consumptionErrors, key: ({ counterSet }) => counterSet }),
    ...placeErrors(field, device, perDevice),
    ...bindingErrors(field, device),
    ...mappingErrors(`${field}.nodeAllocatableResourceMappings`, device),
  ];
}
