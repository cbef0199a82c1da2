/**
 * How pods ask for accelerators. The field has several conventions: whole devices and hardware partitions as extended resources (NVIDIA),
 * memory and cores of devices as extended resources (HAMi), fractions in annotations (KAI), and ResourceClaims. All are read into one form;
 * a pod that mixes them is refused, for each would count the same devices in another way.
 */
import type { Container, PodSpec } from '../kinds/generated/core.ts';
import { quantityToNumber } from './quantity.ts';
import { fieldError, type FieldError } from './status.ts';

export const GPU_RESOURCE = 'nvidia.com/gpu';
export const MIG_PREFIX = 'nvidia.com/mig-';
/** The driver of NVIDIA's devices, real or declared. */
export const GPU_DRIVER = 'gpu.nvidia.com';

const MEMORY = 'nvidia.com/gpumem';
const MEMORY_PERCENTAGE = 'nvidia.com/gpumem-percentage';
const CORES = 'nvidia.com/gpucores';
const PARTS = [MEMORY, MEMORY_PERCENTAGE, CORES] as const;

const FRACTION = 'gpu-fraction';
const FRACTION_MEMORY = 'gpu-memory';
const FRACTION_DEVICES = 'gpu-fraction-num-devices';
const FRACTION_CONTAINER = 'gpu-fraction-container-name';
const USE_TYPE = 'nvidia.com/use-gputype';
const AVOID_TYPE = 'nvidia.com/nouse-gputype';
const USE_UUID = 'nvidia.com/use-gpuuuid';
const AVOID_UUID = 'nvidia.com/nouse-gpuuuid';
const MODE = 'nvidia.com/vgpu-mode';

/** Annotations that say how much is asked for; they may not change any more once a pod has its node. */
export const ACCELERATOR_ANNOTATIONS = [FRACTION, FRACTION_MEMORY, FRACTION_DEVICES, FRACTION_CONTAINER, USE_TYPE, AVOID_TYPE, USE_UUID, AVOID_UUID] as const;

/** A whole device, and a hundred percent, in thousandths. */
const WHOLE = 1000;
/** Devices one request may ask for; a claim holds no more (resource.k8s.io). */
export const MAX_DEVICES = 32;

/**
 * - `devices`: `nvidia.com/gpu`, whole. `parts`: with `gpumem`, `gpumem-percentage`, `gpucores`. `fraction`: the annotations `gpu-fraction`, `gpu-memory`.
 * - `partitions`: `nvidia.com/mig-…`. `claims`: `spec.resourceClaims`.
 */
export type AcceleratorConvention = 'devices' | 'parts' | 'fraction' | 'partitions' | 'claims';

/** So much of a device. Memory either in MiB or in thousandths of what the device has. */
export interface DevicePart {
  readonly memoryMib?: number;
  readonly memoryMilli?: number;
  /** Thousandths of the compute; 0: what others leave. Absent: as large a part as that of the memory. */
  readonly coreMilli?: number;
}

/** So much of each of `count` different devices of one node. */
export interface AcceleratorRequest {
  readonly convention: Exclude<AcceleratorConvention, 'claims'>;
  readonly container: string;
  /** An init container that ends before the others begin: it can have the devices of those. */
  readonly init: boolean;
  /** Field of the pod that asks. */
  readonly field: string;
  /** What DeviceClasses are found by: `nvidia.com/gpu`, `nvidia.com/mig-1g.10gb`. */
  readonly resource: string;
  readonly count: number;
  /** Absent: all of it, nobody else on it. */
  readonly part?: DevicePart;
  readonly filter?: DeviceFilter;
}

/** Which devices, by HAMi's annotations: product names by a part of them, whatever the case; UUIDs exactly. */
export interface DeviceFilter {
  readonly types: readonly string[];
  readonly avoidTypes: readonly string[];
  readonly uuids: readonly string[];
  readonly avoidUuids: readonly string[];
}

/** A pod or its template. */
export interface AsksForAccelerators {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec?: PodSpec;
}

interface Asked {
  readonly requests: readonly AcceleratorRequest[];
  readonly errors: readonly FieldError[];
  /** Convention → the first field that uses it. */
  readonly fields: ReadonlyMap<AcceleratorConvention, string>;
}

/** A pod's request cannot be read; the text names the fields. */
export class AcceleratorRequestError extends Error { override name = 'AcceleratorRequestError'; }

const words = (text: string | undefined): string[] => (text ?? '').split(',').map((one) => one.trim()).filter((one) => one !== '');

function filterOf(annotations: Readonly<Record<string, string>>): DeviceFilter | undefined {
  const filter = { types: words(annotations[USE_TYPE]), avoidTypes: words(annotations[AVOID_TYPE]), uuids: words(annotations[USE_UUID]), avoidUuids: words(annotations[AVOID_UUID]) };
  return Object.values(filter).every((list) => list.length === 0) ? undefined : filter;
}

interface At {
  readonly container: Container;
  readonly field: string;
  readonly init: boolean;
}

function containersOf(spec: PodSpec, prefix: string): At[] {
  const list = (name: 'containers' | 'initContainers'): At[] => (spec[name] ?? []).map((container, index) => ({
    container, field: `${prefix}spec.${name}[${index}].resources.limits`, init: name === 'initContainers' && container.restartPolicy !== 'Always',
  }));
  return [...list('containers'), ...list('initContainers')];
}

/** What a container asks for of a resource; quantities that are none are the business of their own validation. */
function amount({ container: { resources } }: At, name: string): number {
  const text = resources?.limits?.[name] ?? resources?.requests?.[name];
  try {
    return text === undefined ? 0 : quantityToNumber(text);
  } catch {
    return 0;
  }
}

class Reading {
  readonly requests: AcceleratorRequest[] = [];
  readonly errors: FieldError[] = [];
  readonly fields = new Map<AcceleratorConvention, string>();
  readonly #filter: DeviceFilter | undefined;

  constructor(filter: DeviceFilter | undefined) {
    this.#filter = filter;
  }

  use(convention: AcceleratorConvention, field: string): void {
    if (!this.fields.has(convention)) {
      this.fields.set(convention, field);
    }
  }

  add(request: AcceleratorRequest): void {
    this.use(request.convention, request.field);
    if (request.count > MAX_DEVICES) {
      this.errors.push(fieldError.invalid(request.field, request.count, `at most ${MAX_DEVICES} devices can be asked for`));
    }
    this.requests.push(this.#filter === undefined ? request : { ...request, filter: this.#filter });
  }
}

function readContainer(at: At, reading: Reading): void {
  const { container: { name, resources }, field, init } = at;
  const names = Object.keys({ ...resources?.requests, ...resources?.limits });
  for (const resource of names.filter((one) => one.startsWith(MIG_PREFIX) && amount(at, one) > 0)) {
    reading.add({ convention: 'partitions', container: name, init, field: `${field}[${resource}]`, resource, count: amount(at, resource) });
  }
  const [count, memoryMib, percentage, cores] = [GPU_RESOURCE, ...PARTS].map((one) => amount(at, one));
  const part = PARTS.find((one) => amount(at, one) > 0);
  if (part === undefined) {
    if (count !== undefined && count > 0) {
      reading.add({ convention: 'devices', container: name, init, field: `${field}[${GPU_RESOURCE}]`, resource: GPU_RESOURCE, count });
    }
    return;
  }
  for (const [resource, percent] of [[MEMORY_PERCENTAGE, percentage], [CORES, cores]] as const) {
    if (percent !== undefined && percent > 100) {
      reading.errors.push(fieldError.invalid(`${field}[${resource}]`, percent, 'must be between 0 and 100, a percentage of one device'));
    }
  }
  if (memoryMib && percentage) {
    reading.errors.push(fieldError.forbidden(`${field}[${MEMORY_PERCENTAGE}]`, `may not be set beside ${MEMORY}`));
  }
  const memory = memoryMib ? { memoryMib } : { memoryMilli: percentage ? percentage * 10 : WHOLE };
  reading.add({
    convention: 'parts', container: name, init, field: `${field}[${part}]`, resource: GPU_RESOURCE, count: count || 1, part: { ...memory, coreMilli: (cores ?? 0) * 10 },
  });
}

/** A fraction has at most so many decimals: thousandths are what devices are counted in. */
const FRACTION_GRAMMAR = /^(?:0?\.\d{1,3}|1(?:\.0{1,3})?)$/;
const COUNT_GRAMMAR = /^[1-9]\d{0,9}$/;

/** The part that the annotations ask for, with the field that says so; undefined without them or when they are wrong. */
function fractionOf(annotations: Readonly<Record<string, string>>, prefix: string, reading: Reading): { part: DevicePart; field: string } | undefined {
  const path = (name: string): string => `${prefix}metadata.annotations[${name}]`;
  const [fraction, memory] = [annotations[FRACTION], annotations[FRACTION_MEMORY]];
  if (fraction !== undefined && memory !== undefined) {
    reading.errors.push(fieldError.forbidden(path(FRACTION_MEMORY), `may not be set beside ${FRACTION}`));
    return undefined;
  }
  if (fraction !== undefined) {
    const milli = FRACTION_GRAMMAR.test(fraction) ? Math.round(Number(fraction) * WHOLE) : 0;
    if (milli === 0) {
      reading.errors.push(fieldError.invalid(path(FRACTION), fraction, 'must be a number above 0 and at most 1 with at most three decimals, as in "0.5"'));
      return undefined;
    }
    return { part: { memoryMilli: milli, coreMilli: milli }, field: path(FRACTION) };
  }
  if (memory !== undefined) {
    if (!COUNT_GRAMMAR.test(memory)) {
      reading.errors.push(fieldError.invalid(path(FRACTION_MEMORY), memory, 'must be a whole number of MiB, as in "4096"'));
      return undefined;
    }
    return { part: { memoryMib: Number(memory) }, field: path(FRACTION_MEMORY) };
  }
  for (const name of [FRACTION_DEVICES, FRACTION_CONTAINER]) {
    if (annotations[name] !== undefined) {
      reading.errors.push(fieldError.invalid(path(name), annotations[name], `means nothing without ${FRACTION} or ${FRACTION_MEMORY}`));
    }
  }
  return undefined;
}

function readFraction(annotations: Readonly<Record<string, string>>, spec: PodSpec, prefix: string, reading: Reading): void {
  const found = fractionOf(annotations, prefix, reading);
  if (found === undefined) {
    return;
  }
  const { part, field } = found;
  const path = (name: string): string => `${prefix}metadata.annotations[${name}]`;
  const devices = annotations[FRACTION_DEVICES] ?? '1';
  if (!COUNT_GRAMMAR.test(devices)) {
    reading.errors.push(fieldError.invalid(path(FRACTION_DEVICES), devices, 'must be a whole number of devices, as in "2"'));
  }
  const named = annotations[FRACTION_CONTAINER];
  const all = [...spec.containers, ...spec.initContainers ?? []];
  if (named !== undefined && !all.some(({ name }) => name === named)) {
    reading.errors.push(fieldError.notFound(path(FRACTION_CONTAINER), named));
  }
  const container = named ?? spec.containers[0]?.name ?? '';
  const init = (spec.initContainers ?? []).some((one) => one.name === container && one.restartPolicy !== 'Always');
  reading.add({ convention: 'fraction', container, init, field, resource: GPU_RESOURCE, count: Number(devices), part });
}

const NAMES: Readonly<Record<AcceleratorConvention, string>> = {
  devices: 'whole devices', parts: 'parts of devices by memory and cores', fraction: 'fractions of devices', partitions: 'partitions of devices', claims: 'claims',
};

/** Whole devices beside parts are one convention: HAMi's containers without memory and cores get whole ones. */
const COMPATIBLE: readonly AcceleratorConvention[] = ['devices', 'parts'];

function mixErrors(fields: ReadonlyMap<AcceleratorConvention, string>): FieldError[] {
  const [first, ...others] = [...fields].filter(([name]) => name !== 'devices' || !fields.has('parts'));
  return first === undefined ? [] : others.map(([convention, field]) => fieldError.forbidden(field,
    `a pod asks for accelerators in one way: ${NAMES[convention]} may not be asked for beside ${NAMES[first[0]]} (${first[1]})`));
}

function read({ metadata, spec }: AsksForAccelerators, prefix: string): Asked {
  const annotations = metadata?.annotations ?? {};
  const reading = new Reading(filterOf(annotations));
  if (spec !== undefined) {
    for (const at of containersOf(spec, prefix)) {
      readContainer(at, reading);
    }
    readFraction(annotations, spec, prefix, reading);
    if ((spec.resourceClaims ?? []).length > 0) {
      reading.use('claims', `${prefix}spec.resourceClaims`);
    }
  }
  const mode = annotations[MODE];
  if (mode !== undefined && mode !== 'hami-core') {
    reading.errors.push(fieldError.notSupported(`${prefix}metadata.annotations[${MODE}]`, mode, ['hami-core']));
  }
  return reading;
}

/** What is wrong with how a pod or template asks for accelerators. `prefix` stands before `metadata` and `spec`: empty, or `spec.template.`. */
export function acceleratorErrors(pod: AsksForAccelerators, prefix = ''): FieldError[] {
  const { errors, fields } = read(pod, prefix);
  return [...errors, ...mixErrors(fields)];
}

/**
 * What a pod asks for besides its claims, container by container. Throws AcceleratorRequestError for what `acceleratorErrors` names, which
 * only an API server that does not check lets through.
 */
export function acceleratorRequests(pod: AsksForAccelerators): readonly AcceleratorRequest[] {
  const { requests, errors, fields } = read(pod, '');
  const [first] = [...errors, ...mixErrors(fields)];
  if (first !== undefined) {
    throw new AcceleratorRequestError(`${first.field}: ${first.detail}`);
  }
  return requests;
}

/** The convention a pod uses; undefined when it asks for none. */
export function acceleratorConvention(pod: AsksForAccelerators): AcceleratorConvention | undefined {
  const { fields } = read(pod, '');
  return COMPATIBLE.every((one) => fields.has(one)) ? 'parts' : fields.keys().next().value;
}

/** Resources that are given out as devices and their parts, never counted on a node by themselves where its devices are published. */
export const isAcceleratorResource = (name: string): boolean =>
  name === GPU_RESOURCE || name.startsWith(MIG_PREFIX) || PARTS.some((one) => one === name);

/** What of a pod's accelerators may not change once it has a node: its devices were chosen by them. */
export function acceleratorUpdateErrors(pod: AsksForAccelerators, old: AsksForAccelerators): FieldError[] {
  if (!old.spec?.nodeName) {
    return [];
  }
  const [now, before] = [pod.metadata?.annotations ?? {}, old.metadata?.annotations ?? {}];
  return ACCELERATOR_ANNOTATIONS.filter((name) => now[name] !== before[name])
    .map((name) => fieldError.forbidden(`metadata.annotations[${name}]`, 'may not be changed any more: the pod has its devices'));
}
