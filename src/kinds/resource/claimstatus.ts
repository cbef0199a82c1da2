/** What drivers and the scheduler may say of a claim. */
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { validateNodeSelector } from '../core/podspec/nodeselector.ts';
import { immutable, isCidr } from '../checks.ts';
import type {
  AllocatedDeviceStatus, AllocationResult, DeviceAllocationConfiguration, DeviceRequestAllocationResult, ResourceClaim, ResourceClaimConsumerReference,
} from '../generated/resource.ts';
import { conditionsErrors } from '../conditions.ts';
import { driverName } from '../namechecks.ts';
import { requestNames, requestRefErrors, requestRefsErrors } from './claimspec.ts';
import { bindingErrors, configErrors, labelName, limited, limitedSet, MAX_CONFIGS, poolName, rawErrors, tolerationErrors } from './names.ts';

const MAX_CONSUMERS = 256;
const MAX_RESULTS = 32;
const MAX_DATA_BYTES = 10 * 1024;
const MAX_CONDITIONS = 8;
const MAX_IPS = 16;
const MAX_INTERFACE_NAME = 256;
const MAX_HARDWARE_ADDRESS = 128;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

type Requests = ReadonlySet<string>;

const deviceId = ({ driver, pool, device, shareID }: { driver: string; pool: string; device: string; shareID?: string }): string =>
  [driver, pool, device, ...(shareID === undefined ? [] : [shareID])].join('/');

const shareErrors = (field: string, id: string | undefined): FieldError[] => (id === undefined || UUID.test(id) ? []
  : [fieldError.invalid(field, id, 'uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters')]);

const consumerErrors = (field: string, consumer: ResourceClaimConsumerReference): FieldError[] =>
  (['resource', 'name', 'uid'] as const).flatMap((name) => (consumer[name] ? [] : [fieldError.required(`${field}.${name}`)]));

const resultErrors = (field: string, result: DeviceRequestAllocationResult, known: Requests): FieldError[] => [
  ...requestRefErrors(`${field}.request`, result.request ?? '', known),
  ...driverName(`${field}.driver`, result.driver), ...poolName(`${field}.pool`, result.pool), ...labelName(`${field}.device`, result.device),
  ...bindingErrors(field, result),
  ...(result.tolerations ?? []).flatMap((one, index) => tolerationErrors(`${field}.tolerations[${index}]`, one)),
  ...shareErrors(`${field}.shareID`, result.shareID),
];

function allocationConfigErrors(field: string, config: DeviceAllocationConfiguration, known: Requests): FieldError[] {
  const { source } = config;
  const sources = ['FromClaim', 'FromClass'];
  return [
    ...(source ? sources.includes(source) ? [] : [fieldError.notSupported(`${field}.source`, source, sources)] : [fieldError.required(`${field}.source`)]),
    ...requestRefsErrors(`${field}.requests`, config.requests, known), ...configErrors(field, config),
  ];
}

const allocationErrors = (field: string, { devices, nodeSelector }: AllocationResult, known: Requests): FieldError[] => [
  ...limited(`${field}.devices.results`, devices?.results, MAX_RESULTS, (at, one) => resultErrors(at, one, known)),
  ...limited(`${field}.devices.config`, devices?.config, 2 * MAX_CONFIGS, (at, one) => allocationConfigErrors(at, one, known)),
  ...(nodeSelector === undefined ? [] : validateNodeSelector(`${field}.nodeSelector`, nodeSelector)),
];

function deviceErrors(field: string, device: AllocatedDeviceStatus, allocated: Requests): FieldError[] {
  const { networkData: network = {}, conditions = [], data } = device;
  return [
    ...driverName(`${field}.driver`, device.driver), ...poolName(`${field}.pool`, device.pool), ...labelName(`${field}.device`, device.device),
    ...shareErrors(`${field}.shareID`, device.shareID),
    ...(allocated.has(deviceId(device)) ? [] : [fieldError.invalid(field, deviceId(device), 'must be an allocated device in the claim')]),
    ...(conditions.length > MAX_CONDITIONS ? [fieldError.tooMany(`${field}.conditions`, conditions.length, MAX_CONDITIONS)] : []),
    ...conditionsErrors(`${field}.conditions`, conditions),
    ...(data === undefined ? [] : rawErrors(`${field}.data`, data, MAX_DATA_BYTES)),
    ...((network.interfaceName ?? '').length > MAX_INTERFACE_NAME ? [fieldError.tooLong(`${field}.networkData.interfaceName`, MAX_INTERFACE_NAME)] : []),
    ...((network.hardwareAddress ?? '').length > MAX_HARDWARE_ADDRESS
      ? [fieldError.tooLong(`${field}.networkData.hardwareAddress`, MAX_HARDWARE_ADDRESS)] : []),
    ...limitedSet(`${field}.networkData.ips`, network.ips, MAX_IPS, {
      check: (at, address) => (isCidr(address) ? []
        : [fieldError.invalid(at, address, 'must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)')]),
      key: (address) => address,
    }),
  ];
}

/** Who may hold a claim: only of what is allocated, and nobody new once it is to go. */
function reservationErrors({ status = {}, metadata }: ResourceClaim, old: ResourceClaim): FieldError[] {
  const field = 'status.reservedFor';
  const holders = status.reservedFor ?? [];
  if (holders.length > 0 && status.allocation === undefined) {
    return [fieldError.forbidden(field, 'may not be specified when `allocated` is not set')];
  }
  const before = new Set((old.status?.reservedFor ?? []).map(({ uid }) => uid));
  return metadata.deletionTimestamp !== undefined && holders.some(({ uid }) => !before.has(uid))
    ? [fieldError.forbidden(field, 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set')] : [];
}

export function claimStatusErrors(object: ResourceClaim, old: ResourceClaim): FieldError[] {
  const { reservedFor, devices, allocation } = object.status ?? {};
  const allocated = new Set((allocation?.devices?.results ?? []).map(deviceId));
  const before = old.status?.allocation;
  return [
    ...limitedSet('status.reservedFor', reservedFor, MAX_CONSUMERS, { check: consumerErrors, key: ({ uid }) => uid }),
    ...limitedSet('status.devices', devices, Number.POSITIVE_INFINITY, { check: (at, one) => deviceErrors(at, one, allocated), key: deviceId }),
    ...reservationErrors(object, old),
    ...(allocation === undefined ? [] : before === undefined
      ? allocationErrors('status.allocation', allocation, requestNames(object.spec?.devices)) : immutable('status.allocation', allocation, before)),
  ];
}
