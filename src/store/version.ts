/** Versions of keys as they are held in memory: JSON text first, the object when somebody asks for it. */
import type { KubeObject } from '../apimachinery/object.ts';
import type { Revision, Stored } from './store.ts';

/** One version of one key; `deleted` tells a tombstone, which still shows the object's last state. */
export interface Version extends Stored {
  readonly deleted: boolean;
}

export class LiveVersion implements Version {
  readonly key: string;
  readonly revision: Revision;
  readonly createRevision: Revision;
  readonly json: string;
  readonly deleted = false;
  #object: KubeObject | undefined;

  constructor(key: string, revision: Revision, createRevision: Revision, content: { json: string; object?: KubeObject }) {
    this.key = key;
    this.revision = revision;
    this.createRevision = createRevision;
    this.json = content.json;
    this.#object = content.object;
  }

  get object(): KubeObject {
    // The text was made from a KubeObject by this store.
    return (this.#object ??= JSON.parse(this.json) as KubeObject);
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
