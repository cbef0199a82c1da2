/** How writes to the main resource treat what only the server or `/status` may set. */
import type { KubeObject } from '../apimachinery/object.ts';

interface WithStatus<S> extends KubeObject {
  status?: S;
}

/** Gives `object` the status of `old`, or none where that has none. */
export function keepStatus<S>(object: WithStatus<S>, old: WithStatus<S>): void {
  if (old.status === undefined) {
    delete object.status;
  } else {
    object.status = old.status;
  }
}

/** Rules of a kind whose status starts empty and changes through `/status` only. */
export function ownStatus<S>(initial: () => S): {
  prepareCreate(object: WithStatus<S>): void;
  prepareUpdate(object: WithStatus<S>, old: WithStatus<S>): void;
} {
  return {
    prepareCreate: (object) => { object.status = initial(); },
    prepareUpdate: keepStatus,
  };
}
