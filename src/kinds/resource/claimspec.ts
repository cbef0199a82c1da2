/** The spec of a claim, wherever it stands: its defaults and what is wrong with it. */
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import type { DeviceClaim, DeviceConstraint, DeviceRequest, DeviceSubRequest, DeviceToleration, ExactDeviceRequest, ResourceClaimSpec } from '../generated/resource.ts';
import { className, configErrors, fullyQualifiedName, labelName, limited, limitedSet, MAX_CONFIGS, selectorErrors, tolerationErrors } from './names.ts';

export const MAX_REQUESTS = 32;
const MAX_CONSTRAINTS = 32;
const MAX_ALTERNATIVES = 8;
const ONE_KIND = 'exactly one of `exactly` or `firstAvailable` is required';
const NO_SUCH_REQUEST = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

type Asked = ExactDeviceRequest | DeviceSubRequest;

function defaultAsked(asked: Asked): void {
  asked.allocationMode ||= 'ExactCount';
  if (asked.allocationMode === 'ExactCount') {
    asked.count ||= 1;
  }
  asked.tolerations?.forEach(defaultToleration);
}

export function defaultToleration(toleration: DeviceToleration): void {
  toleration.operator ||= 'Equal';
}

export function defaultClaimSpec(spec: ResourceClaimSpec | undefined): void {
  for (const { exactly, firstAvailable } of spec?.devices?.requests ?? []) {
    for (const asked of [...(exactly === undefined ? [] : [exactly]), ...firstAvailable ?? []]) {
      defaultAsked(asked);
    }
  }
}

/** Names of the requests of a claim, and with a slash those of their alternatives. */
export function requestNames(claim: DeviceClaim | undefined): ReadonlySet<string> {
  return new Set((claim?.requests ?? []).flatMap(({ name, firstAvailable }) => [name, ...(firstAvailable ?? []).map((one) => `${name}/${one.name}`)]));
}

export function requestRefErrors(field: string, name: string, known: ReadonlySet<string>): FieldError[] {
  const parts = name.split('/');
  if (parts.length > 2) {
    return [fieldError.invalid(field, name, NO_SUCH_REQUEST)];
  }
  return [...parts.flatMap((part) => labelName(field, part)), ...(known.has(name) ? [] : [fieldError.invalid(field, name, NO_SUCH_REQUEST)])];
}

export const requestRefsErrors = (field: string, names: readonly string[] | undefined, known: ReadonlySet<string>): FieldError[] =>
  limitedSet(field, names, MAX_REQUESTS, { check: (at, name) => requestRefErrors(at, name, known), key: (name) => name });

function countErrors(field: string, { allocationMode = '', count = 0 }: Asked): FieldError[] {
  switch (allocationMode) {
    case 'All': return count === 0 ? [] : [fieldError.invalid(`${field}.count`, count, "must not be specified when allocationMode is 'All'")];
    case 'ExactCount': return count > 0 ? [] : [fieldError.invalid(`${field}.count`, count, 'must be greater than zero')];
    default: return [fieldError.notSupported(`${field}.allocationMode`, allocationMode, ['All', 'ExactCount'])];
  }
}

const askedErrors = (field: string, asked: Asked): FieldError[] => [
  ...className(`${field}.deviceClassName`, asked.deviceClassName),
  ...selectorErrors(`${field}.selectors`, asked.selectors),
  ...countErrors(field, asked),
  ...(asked.tolerations ?? []).flatMap((one, index) => tolerationErrors(`${field}.tolerations[${index}]`, one)),
];

function requestErrors(field: string, { name, exactly, firstAvailable = [] }: DeviceRequest): FieldError[] {
  const errors = labelName(`${field}.name`, name);
  if (exactly === undefined && firstAvailable.length === 0) {
    return [...errors, fieldError.required(field, ONE_KIND)];
  }
  if (exactly !== undefined) {
    return firstAvailable.length > 0 ? [...errors, fieldError.invalid(field, null, `${ONE_KIND}, but multiple fields are set`)]
      : [...errors, ...askedErrors(`${field}.exactly`, exactly)];
  }
  return [...errors, ...limitedSet(`${field}.firstAvailable`, firstAvailable, MAX_ALTERNATIVES, {
    check: (at, one) => [...labelName(`${at}.name`, one.name), ...askedErrors(at, one)], key: (one) => one.name,
  })];
}

function constraintErrors(field: string, constraint: DeviceConstraint, known: ReadonlySet<string>): FieldError[] {
  const { matchAttribute, distinctAttribute } = constraint;
  return [
    ...requestRefsErrors(`${field}.requests`, constraint.requests, known),
    ...(matchAttribute !== undefined ? fullyQualifiedName(`${field}.matchAttribute`, matchAttribute)
      : distinctAttribute !== undefined ? fullyQualifiedName(`${field}.distinctAttribute`, distinctAttribute)
        : [fieldError.required(field, 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set')]),
  ];
}

/** Everything wrong with a claim's spec that has its defaults. */
export function claimSpecErrors(field: string, spec: ResourceClaimSpec | undefined): FieldError[] {
  const { requests, constraints, config } = spec?.devices ?? {};
  const known = requestNames(spec?.devices);
  const at = `${field}.devices`;
  return [
    ...limitedSet(`${at}.requests`, requests, MAX_REQUESTS, { check: requestErrors, key: ({ name }) => name }),
    ...limited(`${at}.constraints`, constraints, MAX_CONSTRAINTS, (path, one) => constraintErrors(path, one, known)),
    ...limited(`${at}.config`, config, MAX_CONFIGS, (path, one) => [...requestRefsErrors(`${path}.requests`, one.requests, known), ...configErrors(path, one)]),
  ];
}
