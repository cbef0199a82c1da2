/** Kinds that are served, checked and stored, but that nothing acts on: writes of them say so. */

/** The warning of a kind without a controller here. `what` completes "…: ". */
export const inert = (kind: string, what = 'nothing acts on it here yet'): (() => string[]) =>
  () => [`${kind} is stored, but ${what}`];
