/** Work in steps: who has no time to lose runs them with pauses between, everybody else in one go. */

export type Steps<T> = Generator<undefined, T, undefined>;

/** The result, without pauses. */
export function finish<T>(steps: Steps<T>): T {
  let step = steps.next();
  while (step.done !== true) {
    step = steps.next();
  }
  return step.value;
}
