/** Says in each ResourceQuota's status what its namespace uses. What may be made is decided at admission, not by this. */
import { keyOf, type KubeObject } from '../../apimachinery/object.ts';
import { amountsOf, only, plus, textsOf, type Amounts } from '../../apimachinery/quota/amounts.ts';
import { inScope } from '../../apimachinery/quota/scopes.ts';
import { resourceCounted, usageOf, type GroupResource } from '../../apimachinery/quota/usage.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import { NAMESPACE_INDEX } from '../../client/cache.ts';
import { newController, type QueueController } from '../../client/controller.ts';
import { discover } from '../../client/discovery.ts';
import type { Informer } from '../../client/informer.ts';
import type { Resource } from '../../client/resource.ts';
import { RESOURCEQUOTAS } from '../../client/resources.ts';
import type { ResourceQuota } from '../../kinds/generated/core.ts';
import type { ControllerContext } from '../context.ts';

/** Changes of what is counted are gathered for this long before a quota is counted again, ms. */
const GATHER_MS = 100;
/** Counted again without a change, ms: pods whose grace period is over stop counting by themselves. Kubernetes takes five minutes. */
const RESYNC_MS = 60_000;
/** An informer just asked for may need so long for its first list, ms. */
const SYNC_RETRY_MS = 50;
/** Asked at most so often for resources that are not served, ms. */
const DISCOVERY_MS = 10_000;

const nameOf = ({ group, plural }: GroupResource): string => `${plural}.${group}`;

/** The informers of whatever quotas count, asked for when a quota first names it. */
class Counted {
  readonly #context: ControllerContext;
  readonly #changed: (namespace: string) => void;
  readonly #informers = new Map<string, Informer<KubeObject>>();
  #served = new Map<string, Resource>();
  #asked = -Infinity;

  constructor(context: ControllerContext, changed: (namespace: string) => void) {
    this.#context = context;
    this.#changed = changed;
  }

  /** Undefined for a resource that is not served, or not in namespaces. */
  async informerOf(resource: GroupResource): Promise<Informer<KubeObject> | undefined> {
    const name = nameOf(resource);
    const known = this.#informers.get(name);
    if (known?.stopped === false) {
      return known;
    }
    if (known !== undefined) {
      this.#served.delete(name);
    }
    const served = await this.#resource(name);
    if (served === undefined) {
      return undefined;
    }
    const informer = this.#context.informers.for(served);
    const changed = ({ metadata }: KubeObject): void => this.#changed(metadata.namespace ?? '');
    informer.on({ added: changed, updated: changed, deleted: changed });
    this.#informers.set(name, informer);
    return informer;
  }

  async #resource(name: string): Promise<Resource | undefined> {
    if (!this.#served.has(name) && performance.now() - this.#asked > DISCOVERY_MS) {
      this.#asked = performance.now();
      const { resources } = await discover(this.#context.client);
      this.#served = new Map(resources.filter(({ namespaced, verbs }) => namespaced && verbs.has('watch')).map((one) => [nameOf(one), one]));
    }
    return this.#served.get(name);
  }
}

interface Usage {
  used: Amounts;
  /** Some informer has not listed yet. */
  incomplete: boolean;
}

async function usageIn(quota: ResourceQuota, counted: Counted): Promise<Usage> {
  const names = Object.keys(quota.spec.hard ?? {});
  let used: Amounts = Object.fromEntries(names.map((name) => [name, { nanos: 0n, format: 'decimal' as const }]));
  let incomplete = false;
  const resources = new Map(names.map((name) => resourceCounted(name)).filter((one) => one !== undefined).map((one) => [nameOf(one), one]));
  for (const resource of resources.values()) {
    const informer = await counted.informerOf(resource);
    incomplete ||= informer !== undefined && !informer.synced;
    for (const object of informer?.byIndex(NAMESPACE_INDEX, quota.metadata.namespace ?? '') ?? []) {
      if (inScope(quota.spec, object)) {
        used = plus(used, only(usageOf(resource, object, Date.now()), names));
      }
    }
  }
  return { used, incomplete };
}

export function resourceQuotaController(context: ControllerContext): QueueController {
  const { client, informers } = context;
  const quotas = informers.for(RESOURCEQUOTAS);
  const counted = new Counted(context, (namespace) => {
    for (const quota of quotas.byIndex(NAMESPACE_INDEX, namespace)) {
      controller.queue.addAfter(keyOf(quota), GATHER_MS);
    }
  });

  const reconcile = async (key: string): Promise<{ requeueAfterMs: number } | undefined> => {
    const quota = quotas.get(key);
    if (quota === undefined) {
      return undefined;
    }
    const { used, incomplete } = await usageIn(quota, counted);
    if (incomplete) {
      return { requeueAfterMs: SYNC_RETRY_MS };
    }
    const status = { hard: textsOf(amountsOf(quota.spec.hard)), used: textsOf(used) };
    if (!deepEqual(status, quota.status)) {
      await client.updateStatus(RESOURCEQUOTAS, { ...quota, status });
    }
    return { requeueAfterMs: RESYNC_MS };
  };

  const controller = newController({ name: 'resourcequota', log: context.log, reconcile, before: (signal) => quotas.start(signal) });
  quotas.on({
    added: (quota) => controller.queue.add(keyOf(quota)),
    updated: (quota, old) => {
      if (!deepEqual(quota.spec, old.spec) || !deepEqual(quota.status, old.status)) {
        controller.queue.add(keyOf(quota));
      }
    },
  });
  return controller;
}
