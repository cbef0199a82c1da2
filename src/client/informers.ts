/** The informers of a process: one per resource, over all namespaces, shared by every controller. */
import type { KubeObject } from '../apimachinery/object.ts';
import { silentLog, type Log } from '../apimachinery/log.ts';
import type { Client } from './client.ts';
import { Informer } from './informer.ts';
import { resourceName, type Resource } from './resource.ts';

const nameOf = (resource: Resource): string => `${resourceName(resource)}/${resource.version}`;

export class Informers {
  readonly #client: Client;
  readonly #log: Log;
  readonly #informers = new Map<string, unknown>();
  readonly #all = new Set<Informer<KubeObject>>();
  #signal: AbortSignal | undefined;

  constructor(client: Client, log: Log = silentLog) {
    this.#client = client;
    this.#log = log;
  }

  /** The informer of a resource; one asked for after `start` starts at once. */
  for<T extends KubeObject>(resource: Resource<T>): Informer<T> {
    const name = nameOf(resource);
    const known = this.#informers.get(name);
    if (known !== undefined) {
      // The map's key names the resource, and a resource has one object type.
      return known as Informer<T>;
    }
    const informer = new Informer(this.#client, resource, { log: this.#log });
    this.#informers.set(name, informer);
    // Only started and awaited through this list, never read as T.
    this.#all.add(informer as unknown as Informer<KubeObject>);
    if (this.#signal) {
      informer.start(this.#signal).catch((error: unknown) => {
        this.#log.debug({ err: error, informer: name }, 'informer stopped before it was synced');
      });
    }
    return informer;
  }

  /** Stops the informer of a resource that is served no more, for everybody; who asks again later gets a new one. */
  drop(informer: Informer<KubeObject>): void {
    informer.stop();
    this.#all.delete(informer);
    this.#informers.delete(nameOf(informer.resource));
  }

  /** Starts all informers asked for so far; resolves when they are synced. Call again to wait for later ones. */
  async start(signal: AbortSignal): Promise<void> {
    this.#signal ??= signal;
    await Promise.all([...this.#all].map((informer) => informer.start(this.#signal ?? signal)));
  }
}
