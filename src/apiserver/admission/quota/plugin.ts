/**
 * ResourceQuota: no namespace gets more than its quotas allow. Usage is counted here, from what is committed, and held for what is under
 * way, so that parallel writes cannot overspend; `status.used` is what the controller reports of it.
 */
import type { KubeObject } from '../../../apimachinery/object.ts';
import { amountOf, minus, only, shown, type Amounts } from '../../../apimachinery/quota/amounts.ts';
import { inScope } from '../../../apimachinery/quota/scopes.ts';
import { resourceCounted, unsaid } from '../../../apimachinery/quota/usage.ts';
import { forbidden } from '../../../apimachinery/status.ts';
import { deepEqual } from '../../../apimachinery/values.ts';
import type { ResourceQuota } from '../../../kinds/generated/core.ts';
import type { AnyKind } from '../../../kinds/kind.ts';
import type { Registry } from '../../../kinds/registry.ts';
import { typed } from '../../../kinds/typed.ts';
import type { Store } from '../../../store/store.ts';
import type { Lookup, ResourcePath } from '../../lookup.ts';
import type { AdmissionPlugin, AdmissionRequest, Reservation } from '../admission.ts';
import { Account } from './account.ts';

const QUOTAS: ResourcePath = ['', 'v1', 'resourcequotas'];
/** Kinds whose updates may use more; of all others only creations count. */
const GROWING = new Set(['services', 'persistentvolumeclaims']);

const isCore = (kind: AnyKind, plural: string): boolean => kind.group === '' && kind.plural === plural;

/** Whether a request can change what its namespace uses. */
function handles({ operation, kind, namespace, subresource, object }: AdmissionRequest): boolean {
  if (namespace === '' || object === undefined || !kind.namespaced) {
    return false;
  }
  if (subresource !== '') {
    return subresource === 'resize' && operation === 'UPDATE' && isCore(kind, 'pods');
  }
  return operation === 'CREATE' || (operation === 'UPDATE' && kind.group === '' && GROWING.has(kind.plural));
}

interface QuotaOptions {
  readonly store: Store;
  readonly registry: Registry;
  readonly lookup: Lookup;
}

export class QuotaAdmission implements AdmissionPlugin {
  readonly name = 'ResourceQuota';
  readonly #options: QuotaOptions;
  /** Accounts of quotas by namespace, then by name. Namespaces without quotas have none. */
  readonly #accounts = new Map<string, Map<string, Account>>();

  constructor(options: QuotaOptions) {
    this.#options = options;
  }

  reserve(request: AdmissionRequest): Reservation | undefined {
    if (!handles(request)) {
      return undefined;
    }
    const quotas = this.#options.lookup.list(QUOTAS, request.namespace);
    return quotas.length === 0 ? undefined : this.#charge(request, quotas);
  }

  #charge(request: AdmissionRequest, quotas: readonly KubeObject[]): Reservation | undefined {
    const { kind, object, old, dryRun } = request;
    if (object === undefined) {
      return undefined;
    }
    const charges: { account: Account; wanted: Amounts }[] = [];
    for (const stored of quotas) {
      const quota = typed('v1 ResourceQuota', stored);
      const account = this.#accountOf(quota);
      const names = account.namesFor(kind);
      if (names.length === 0 || !inScope(account.spec, object)) {
        continue;
      }
      this.#checkSaid(request, quota, names);
      const after = only(account.usageOf(kind, object), names);
      const wanted = old === undefined ? after : minus(after, only(account.usageOf(kind, old), names));
      this.#checkFits(request, quota, account, wanted);
      charges.push({ account, wanted });
    }
    if (dryRun || charges.length === 0) {
      return undefined;
    }
    const uid = object.metadata.uid ?? '';
    const held = charges.map(({ account, wanted }) => account.hold(uid, wanted));
    return { release: () => held.forEach((release) => release()) };
  }

  #checkSaid({ kind, name, object }: AdmissionRequest, quota: ResourceQuota, names: readonly string[]): void {
    const silence = object !== undefined && isCore(kind, 'pods') ? unsaid(typed('v1 Pod', object), names) : undefined;
    if (silence !== undefined) {
      throw forbidden({ group: kind.group, resource: kind.plural, name }, `failed quota: ${quota.metadata.name}: ${silence}`);
    }
  }

  #checkFits({ kind, name }: AdmissionRequest, quota: ResourceQuota, account: Account, wanted: Amounts): void {
    const exceeded = account.exceeded(wanted);
    if (exceeded.length > 0) {
      const used = Object.fromEntries(exceeded.map((one) => [one, amountOf(account.usedAndHeld(exceeded), one)]));
      throw forbidden({ group: kind.group, resource: kind.plural, name },
        `exceeded quota: ${quota.metadata.name}, requested: ${shown(only(wanted, exceeded))}, used: ${shown(used)}, limited: ${shown(only(account.hard, exceeded))}`);
    }
  }

  committed(kind: AnyKind, now: KubeObject | undefined, before: KubeObject | undefined): void {
    const namespace = (now ?? before)?.metadata.namespace ?? '';
    if (namespace === '' || this.#accounts.size === 0) {
      return;
    }
    const accounts = this.#accounts.get(namespace);
    if (accounts === undefined) {
      return;
    }
    if (isCore(kind, 'resourcequotas') && now === undefined && before !== undefined) {
      accounts.delete(before.metadata.name);
      if (accounts.size === 0) {
        this.#accounts.delete(namespace);
      }
    }
    for (const account of accounts.values()) {
      if (account.namesFor(kind).length > 0) {
        this.#book(account, this.#options.registry.storageKind(kind), now, before);
      }
    }
  }

  #book(account: Account, kind: AnyKind, now: KubeObject | undefined, before: KubeObject | undefined): void {
    if (now !== undefined) {
      account.note(this.#keyOf(kind, now), kind, now);
      account.settle(now.metadata.uid ?? '');
    } else if (before !== undefined) {
      account.forget(this.#keyOf(kind, before), before);
    }
  }

  #keyOf(kind: AnyKind, { metadata: { namespace = '', name } }: KubeObject): string {
    return this.#options.registry.storageKey(kind, namespace, name);
  }

  /** The account of a quota, counted anew when what the quota is about has changed. */
  #accountOf(quota: ResourceQuota): Account {
    const { name, namespace = '' } = quota.metadata;
    let accounts = this.#accounts.get(namespace);
    if (accounts === undefined) {
      accounts = new Map();
      this.#accounts.set(namespace, accounts);
    }
    const known = accounts.get(name);
    if (known !== undefined && deepEqual(known.spec, quota.spec)) {
      return known;
    }
    const account = this.#counted(quota, namespace);
    accounts.set(name, account);
    return account;
  }

  #counted(quota: ResourceQuota, namespace: string): Account {
    const { registry, store } = this.#options;
    const account = new Account(quota.spec);
    for (const kind of this.#kindsCounted(Object.keys(quota.spec.hard ?? {}))) {
      for (const { key, object } of store.list(registry.storagePrefix(kind, namespace)).items) {
        account.note(key, kind, object);
      }
    }
    return account;
  }

  /** One kind for each stored resource that the names are about. */
  #kindsCounted(names: readonly string[]): AnyKind[] {
    const { registry } = this.#options;
    const kinds = new Map<string, AnyKind>();
    for (const name of names) {
      const resource = resourceCounted(name);
      const kind = resource === undefined ? undefined
        : registry.list().find((one) => one.group === resource.group && one.plural === resource.plural && one.namespaced && one.unstored !== true);
      if (kind !== undefined) {
        kinds.set(registry.storagePrefix(kind), registry.storageKind(kind));
      }
    }
    return [...kinds.values()];
  }
}
