/** Making room: when nothing fits, one thing that is cheap to move goes elsewhere, if that lets the request in. */
import type { Chooser } from './chooser.ts';
import { allows, DEVICE, isShare, type Estate, type Placement, type Request } from './estate.ts';

/** Something that runs and may be moved. */
export interface Movable {
  readonly request: Request;
  placement: Placement;
}

export interface Relocation {
  moved: Movable;
  to: Placement;
  /** Where the request goes then. */
  placement: Placement;
}

/** Machines looked at for one request, best first: beyond these the gain is none and the cost grows. */
const MAX_MACHINES = 64;
/** Moves thought through for one request: each looks for a place among all machines. */
const MAX_TRIALS = 24;

/** Whether the devices that `movable` would leave are room enough. */
function frees(estate: Estate, request: Request, { request: held, placement: { machine, devices } }: Movable): boolean {
  const left = devices.map((device) => (estate.deviceFree[machine * estate.width + device] ?? 0) + held.milli);
  return isShare(request) ? left.some((milli) => milli >= request.milli)
    : (estate.idle[machine] ?? 0) + left.filter((milli) => milli === DEVICE).length >= request.devices;
}

/** Machines that lack one thing's worth of room, those with the most free devices first. */
function candidates(estate: Estate, request: Request): number[] {
  const free = (machine: number): number => {
    let sum = 0;
    for (let device = 0; device < estate.devicesOf(machine); device += 1) {
      sum += estate.deviceFree[machine * estate.width + device] ?? 0;
    }
    return sum;
  };
  return [...estate.machines.keys()]
    .filter((machine) => allows(request.models, estate.modelOf(machine)) && estate.devicesOf(machine) >= request.devices && (estate.cpuFree[machine] ?? 0) >= request.cpuMilli)
    .sort((a, b) => free(b) - free(a)).slice(0, MAX_MACHINES);
}

/**
 * One move that lets `request` in; the smallest thing that does. The estate is as before afterwards: the caller places both.
 * `on` answers what runs on a machine and may be moved.
 */
export function relocate(estate: Estate, chooser: Chooser, request: Request, on: (machine: number) => readonly Movable[]): Relocation | undefined {
  let trials = 0;
  for (const machine of candidates(estate, request)) {
    const movables = on(machine).filter((movable) => movable.request.devices > 0 && frees(estate, request, movable))
      .toSorted((a, b) => a.request.devices * a.request.milli - b.request.devices * b.request.milli);
    for (const moved of movables) {
      if ((trials += 1) > MAX_TRIALS) {
        return undefined;
      }
      const way = estate.without(moved.request, moved.placement, () => elsewhere(estate, chooser, moved, request));
      if (way !== undefined) {
        return { moved, ...way };
      }
    }
  }
  return undefined;
}

/** A place for `moved`, which is away, while `request` has its machine. */
function elsewhere(estate: Estate, chooser: Chooser, moved: Movable, request: Request): Pick<Relocation, 'to' | 'placement'> | undefined {
  const placement = chooser.chooseOn(request, moved.placement.machine);
  const to = placement === undefined ? undefined : estate.with(request, placement, () => chooser.choose(moved.request));
  return placement === undefined || to === undefined ? undefined : { to, placement };
}
