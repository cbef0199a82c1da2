/** Long work on the one thread there is: look at `due` now and then, and `rest` when it says so, so that everybody else gets a turn. */
import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { PACE_MS } from './limits.ts';

export class Pace {
  #until = performance.now() + PACE_MS;

  /** True when this has had the thread for long enough. */
  get due(): boolean {
    return performance.now() >= this.#until;
  }

  async rest(): Promise<void> {
    await setImmediate();
    this.#until = performance.now() + PACE_MS;
  }
}

/** A rest, when there is a pace and it says so: `await breath(pace)` between two things that both may take long. */
export const breath = (pace: Pace | undefined): Promise<void> | undefined => (pace?.due === true ? pace.rest() : undefined);

/** Work in steps, with rests between them; its result. */
export async function paced<T>(steps: Generator<undefined, T, undefined>): Promise<T> {
  const pace = new Pace();
  let step = steps.next();
  while (step.done !== true) {
    if (pace.due) {
      await pace.rest();
    }
    step = steps.next();
  }
  return step.value;
}
