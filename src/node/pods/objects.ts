/**
 * ConfigMaps and Secrets that pods of this node refer to: each watched on its own while a pod needs it, so that a node
 * neither polls nor holds what does not concern it.
 */
import type { Log } from '../../apimachinery/log.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import type { Client } from '../../client/client.ts';
import { Informer } from '../../client/informer.ts';
import type { Resource } from '../../client/resource.ts';
import { CONFIGMAPS, SECRETS } from '../../client/resources.ts';
import type { ConfigMap, Secret } from '../../kinds/generated/core.ts';

/** A watch nobody needs is kept this long, for pods that are replaced by their like. */
const LINGER_MS = 30_000;

interface Watched<T extends KubeObject> {
  informer: Informer<T>;
  abort: AbortController;
  users: Set<string>;
  linger?: NodeJS.Timeout;
}

class WatchedObjects<T extends KubeObject> {
  readonly #client: Client;
  readonly #resource: Resource<T>;
  readonly #changed: (uid: string) => void;
  readonly #log: Log;
  readonly #entries = new Map<string, Watched<T>>();

  constructor(client: Client, resource: Resource<T>, changed: (uid: string) => void, log: Log) {
    this.#client = client;
    this.#resource = resource;
    this.#changed = changed;
    this.#log = log;
  }

  async get(uid: string, namespace: string, name: string): Promise<T | undefined> {
    const key = `${namespace}/${name}`;
    const entry = this.#entries.get(key) ?? this.#watch(key, namespace, name);
    clearTimeout(entry.linger);
    entry.users.add(uid);
    await entry.informer.start(entry.abort.signal);
    return entry.informer.get(key);
  }

  release(uid: string): void {
    for (const [key, entry] of this.#entries) {
      if (entry.users.delete(uid) && entry.users.size === 0) {
        entry.linger = setTimeout(() => {
          this.#entries.delete(key);
          entry.abort.abort();
        }, LINGER_MS);
        entry.linger.unref();
      }
    }
  }

  close(): void {
    for (const entry of this.#entries.values()) {
      clearTimeout(entry.linger);
      entry.abort.abort();
    }
    this.#entries.clear();
  }

  #watch(key: string, namespace: string, name: string): Watched<T> {
    const informer = new Informer(this.#client, this.#resource, { namespace, fieldSelector: `metadata.name=${name}`, log: this.#log });
    const entry: Watched<T> = { informer, abort: new AbortController(), users: new Set() };
    const tell = (): void => {
      // The first list is awaited by who asked.
      if (informer.synced) {
        for (const uid of entry.users) {
          this.#changed(uid);
        }
      }
    };
    informer.on({ added: tell, updated: tell, deleted: tell });
    this.#entries.set(key, entry);
    return entry;
  }
}

/** Where pods' workers read ConfigMaps and Secrets; tests give a plain object. */
export interface ObjectSource {
  /** Undefined when there is none. The pod is told of changes from now on. */
  configMap(uid: string, namespace: string, name: string): Promise<ConfigMap | undefined>;
  secret(uid: string, namespace: string, name: string): Promise<Secret | undefined>;
  /** The pod needs none of its objects any more. */
  release(uid: string): void;
}

export class ObjectCache implements ObjectSource {
  readonly #configMaps: WatchedObjects<ConfigMap>;
  readonly #secrets: WatchedObjects<Secret>;

  /** `changed` is called with the uid of each pod that uses an object that changed. */
  constructor(client: Client, changed: (uid: string) => void, log: Log) {
    this.#configMaps = new WatchedObjects(client, CONFIGMAPS, changed, log);
    this.#secrets = new WatchedObjects(client, SECRETS, changed, log);
  }

  configMap(uid: string, namespace: string, name: string): Promise<ConfigMap | undefined> {
    return this.#configMaps.get(uid, namespace, name);
  }

  secret(uid: string, namespace: string, name: string): Promise<Secret | undefined> {
    return this.#secrets.get(uid, namespace, name);
  }

  release(uid: string): void {
    this.#configMaps.release(uid);
    this.#secrets.release(uid);
  }

  close(): void {
    this.#configMaps.close();
    this.#secrets.close();
  }
}
