/**
 * Machines with shared devices as flat numbers: what is free of each, kept in step placement by placement. Thousands of machines
 * are scored for every request, so nothing here allocates while it is asked.
 */

/** A whole device, and what a share of it is counted in: thousandths. */
export const DEVICE = 1000;

/** What is asked for. `milli` is of each of `devices`; shares (below 1,000) come one at a time. `models` is a bit set of those it runs on; 0 is any. */
export interface Request {
  readonly cpuMilli: number;
  readonly memoryMib: number;
  readonly devices: number;
  readonly milli: number;
  readonly models: number;
}

/** A machine with nothing on it. `model` is the index of its devices' model, -1 without devices. */
export interface Machine {
  readonly cpuMilli: number;
  readonly memoryMib: number;
  readonly devices: number;
  readonly model: number;
}

/** Where a request went: the machine and its devices, by index. */
export interface Placement {
  readonly machine: number;
  readonly devices: readonly number[];
}

export const isShare = (request: Request): boolean => request.devices === 1 && request.milli < DEVICE;
/** Thousandths of devices in all. */
export const demand = ({ devices, milli }: Pick<Request, 'devices' | 'milli'>): number => devices * milli;
export const allows = (models: number, model: number): boolean => models === 0 || (model >= 0 && (models & (1 << model)) !== 0);

export class Estate {
  /**
   * One that always lives: when the last object of a shape is collected, V8 (in Node 24) forgets the shape, and code that was compiled for it is
   * thrown away and compiled again for ever, at a tenth of the speed.
   */
  static readonly NONE = new Estate([]);

  readonly machines: readonly Machine[];
  readonly cpuFree: Float64Array;
  readonly memoryFree: Float64Array;
  /** Free thousandths of device `d` of machine `m` at `m * width + d`. */
  readonly deviceFree: Int32Array;
  /** Devices of a machine with nothing on them. */
  readonly idle: Int32Array;
  /** A number for the machine's state that no other state of it has had: for caches. */
  readonly version: Float64Array;
  /** Most devices in one machine. */
  readonly width: number;
  #changes = 0;

  constructor(machines: readonly Machine[]) {
    this.machines = machines;
    this.width = machines.reduce((most, { devices }) => Math.max(most, devices), 1);
    this.cpuFree = Float64Array.from(machines, ({ cpuMilli }) => cpuMilli);
    this.memoryFree = Float64Array.from(machines, ({ memoryMib }) => memoryMib);
    this.deviceFree = new Int32Array(machines.length * this.width);
    this.idle = Int32Array.from(machines, ({ devices }) => devices);
    this.version = new Float64Array(machines.length);
    for (const [index, { devices }] of machines.entries()) {
      this.deviceFree.fill(DEVICE, index * this.width, index * this.width + devices);
    }
  }

  modelOf(machine: number): number {
    return this.machines[machine]?.model ?? -1;
  }

  devicesOf(machine: number): number {
    return this.machines[machine]?.devices ?? 0;
  }

  fits(request: Request, machine: number): boolean {
    if ((this.cpuFree[machine] ?? -1) < request.cpuMilli || (this.memoryFree[machine] ?? -1) < request.memoryMib) {
      return false;
    }
    if (request.devices === 0) {
      return true;
    }
    if (!allows(request.models, this.modelOf(machine))) {
      return false;
    }
    return isShare(request) ? this.#roomiest(machine) >= request.milli : (this.idle[machine] ?? 0) >= request.devices;
  }

  #roomiest(machine: number): number {
    const [from, to] = [machine * this.width, machine * this.width + this.devicesOf(machine)];
    let most = 0;
    for (let at = from; at < to; at += 1) {
      most = Math.max(most, this.deviceFree[at] ?? 0);
    }
    return most;
  }

  /** The first idle devices of a machine, as many as asked. */
  firstIdle(machine: number, count: number): number[] {
    const found: number[] = [];
    for (let device = 0; device < this.devicesOf(machine) && found.length < count; device += 1) {
      if (this.deviceFree[machine * this.width + device] === DEVICE) {
        found.push(device);
      }
    }
    return found;
  }

  place(request: Request, placement: Placement): void {
    this.#change(request, placement, -1);
  }

  release(request: Request, placement: Placement): void {
    this.#change(request, placement, 1);
  }

  /** Looks at the estate as if something were not there; afterwards it is as before, and what caches know of it holds. */
  without<T>(request: Request, placement: Placement, look: () => T): T {
    return this.#supposing(request, placement, { sign: 1, look });
  }

  /** The same as if something were there. */
  with<T>(request: Request, placement: Placement, look: () => T): T {
    return this.#supposing(request, placement, { sign: -1, look });
  }

  /** Makes a machine what it is seen to be, device by device; its version changes only if that is new. Missing devices are taken for full. */
  observe(machine: number, { cpuFree, memoryFree, devices }: { cpuFree: number; memoryFree: number; devices: readonly number[] }): void {
    const from = machine * this.width;
    const count = this.devicesOf(machine);
    let changed = this.cpuFree[machine] !== cpuFree || this.memoryFree[machine] !== memoryFree;
    let idle = 0;
    for (let device = 0; device < count; device += 1) {
      const free = devices[device] ?? 0;
      changed ||= this.deviceFree[from + device] !== free;
      this.deviceFree[from + device] = free;
      idle += free === DEVICE ? 1 : 0;
    }
    if (changed) {
      this.cpuFree[machine] = cpuFree;
      this.memoryFree[machine] = memoryFree;
      this.idle[machine] = idle;
      this.#changes += 1;
      this.version[machine] = this.#changes;
    }
  }

  #supposing<T>(request: Request, placement: Placement, { sign, look }: { sign: 1 | -1; look: () => T }): T {
    const version = this.version[placement.machine] ?? 0;
    this.#change(request, placement, sign);
    try {
      return look();
    } finally {
      this.#change(request, placement, sign === 1 ? -1 : 1);
      this.version[placement.machine] = version;
    }
  }

  #change(request: Request, { machine, devices }: Placement, sign: 1 | -1): void {
    this.cpuFree[machine] = (this.cpuFree[machine] ?? 0) + sign * request.cpuMilli;
    this.memoryFree[machine] = (this.memoryFree[machine] ?? 0) + sign * request.memoryMib;
    for (const device of devices) {
      const at = machine * this.width + device;
      const before = this.deviceFree[at] ?? 0;
      const after = before + sign * request.milli;
      this.deviceFree[at] = after;
      this.idle[machine] = (this.idle[machine] ?? 0) + (after === DEVICE ? 1 : 0) - (before === DEVICE ? 1 : 0);
    }
    this.#changes += 1;
    this.version[machine] = this.#changes;
  }
}
