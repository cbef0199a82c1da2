/** Versions of keys as they are held in memory: JSON text first, the object when somebody asks for it. */
import type { KubeObject } from '../apimachinery/object.ts';
import { ParsedObjects, type Parsed } from './parsed.ts';
import type { Revision, Stored } from './store.ts';

/** One version of one key; `deleted` tells a tombstone, which still shows the object's last state. */
export interface Version extends Stored {
  readonly deleted: boolean;
}

/** Of all stores of the process: it is the process's memory that they share. */
const parsedObjects = new ParsedObjects();

export class LiveVersion implements Version, Parsed {
  readonly key: string;
  readonly revision: Revision;
  readonly createRevision: Revision;
  readonly json: string;
  readonly deleted = false;
  #object: KubeObject | undefined;
  #asked = false;

  constructor(key: string, revision: Revision, createRevision: Revision, content: { json: string; object?: KubeObject }) {
    this.key = key;
    this.revision = revision;
    this.createRevision = createRevision;
    this.json = content.json;
    this.#object = content.object;
    if (content.object !== undefined) {
      parsedObjects.add(this);
    }
  }

  get object(): KubeObject {
    this.#asked = true;
    if (this.#object === undefined) {
      // The text was made from a KubeObject by this store.
      this.#object = JSON.parse(this.json) as KubeObject;
      parsedObjects.add(this);
    }
    return this.#object;
  }

  get parsed(): boolean {
    return this.#object !== undefined;
  }

  renew(): boolean {
    const asked = this.#asked;
    this.#asked = false;
    if (!asked) {
      this.#object = undefined;
    }
    return asked;
  }
}

export class DeletedVersion implements Version {
  readonly key: string;
  readonly revision: Revision;
  readonly createRevision: Revision;
  readonly deleted = true;
  readonly #last: Stored;
  #object: KubeObject | undefined;
  #json: string | undefined;

  constructor(last: Stored, revision: Revision) {
    this.key = last.key;
    this.revision = revision;
    this.createRevision = last.createRevision;
    this.#last = last;
  }

  get object(): KubeObject {
    const last = this.#last.object;
    return (this.#object ??= { ...last, metadata: { ...last.metadata, resourceVersion: String(this.revision) } });
  }

  get json(): string {
    return (this.#json ??= JSON.stringify(this.object));
  }
}
