/** Owner references name kinds; requests need resources. What is served is asked of the server, again when a kind is unknown. */
import { parseApiVersion } from '../../apimachinery/object.ts';
import type { Client } from '../../client/client.ts';
import { discover, type DiscoveredResource } from '../../client/discovery.ts';
import { resourceName, type Resource } from '../../client/resource.ts';

/** Asked at most so often for kinds that are unknown, milliseconds. */
const REFRESH_MS = 30_000;
/** Nobody owns through events, and there are many of them. */
const IGNORED = new Set(['events', 'events.events.k8s.io']);
const NEEDED = ['get', 'list', 'watch', 'delete'];

export class ServedKinds {
  readonly #client: Client;
  #byKind = new Map<string, Resource>();
  #asked = -Infinity;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Reads discovery; returns the resources whose objects can be collected. */
  async refresh(): Promise<DiscoveredResource[]> {
    this.#asked = performance.now();
    const { resources, failures } = await discover(this.#client);
    // Kinds that are served no more must not be asked for: that no owner is found would mean nothing.
    const kept = [...this.#byKind].filter(([, { group, version }]) => failures.has(`${group}/${version}`));
    this.#byKind = new Map([...resources.map((one): [string, Resource] => [`${one.group}/${one.kind}`, one]), ...kept]);
    return resources.filter((one) => !IGNORED.has(resourceName(one)) && NEEDED.every((verb) => one.verbs.has(verb)));
  }

  /** Whether the resource in this version is what the kind was last seen as. */
  isServed({ group, kind, version }: Resource): boolean {
    return this.#byKind.get(`${group}/${kind}`)?.version === version;
  }

  /** Whatever version the reference names: the group serves the kind in its preferred one. */
  find(apiVersion: string, kind: string): Resource | undefined {
    return this.#byKind.get(`${parseApiVersion(apiVersion).group}/${kind}`);
  }

  /** True when asking again may help. */
  get stale(): boolean {
    return performance.now() - this.#asked > REFRESH_MS;
  }
}
