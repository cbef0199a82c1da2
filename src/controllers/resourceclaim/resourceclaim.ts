/**
 * Claims of pods: made from their templates, freed when no pod holds them any more, deleted with what they were made for. Devices are chosen by
 * the scheduler.
 */
import { keyOf } from '../../apimachinery/object.ts';
import { isStatusError } from '../../apimachinery/status.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import { newController, type Controller } from '../../client/controller.ts';
import type { Client } from '../../client/client.ts';
import type { Informer } from '../../client/informer.ts';
import { PODS, RESOURCECLAIMS, RESOURCECLAIMTEMPLATES } from '../../client/resources.ts';
import type { Pod, PodResourceClaimStatus } from '../../kinds/generated/core.ts';
import type { ResourceClaim, ResourceClaimTemplate } from '../../kinds/generated/resource.ts';
import type { ControllerContext } from '../context.ts';
import { CLAIM_FINALIZER, EXTENDED_CLAIM } from '../scheduler/claims.ts';
import { claimFromTemplate, claimNamesOf, holders, isDone, POD_CLAIM_ANNOTATION, podOwning } from './claims.ts';

const BY_OWNER = 'claimsByOwner';
const BY_CLAIM = 'podsByClaim';
/** A template that is not there yet is looked for again after so long, should its event be missed. */
const TEMPLATE_MS = 10_000;

const POD = 'pod ';
const CLAIM = 'claim ';

interface Caches {
  readonly pods: Informer<Pod>;
  readonly claims: Informer<ResourceClaim>;
  readonly templates: Informer<ResourceClaimTemplate>;
}

class Claims {
  readonly #client: Client;
  readonly #caches: Caches;
  readonly #warn: (pod: Pod, message: string) => void;

  constructor(client: Client, caches: Caches, warn: (pod: Pod, message: string) => void) {
    this.#client = client;
    this.#caches = caches;
    this.#warn = warn;
  }

  /** Makes what a pod lacks, and reserves for one that was given its node by hand what is allocated already. */
  async pod(key: string): Promise<{ requeueAfterMs: number } | undefined> {
    const pod = this.#caches.pods.get(key);
    if (pod === undefined || isDone(pod) || pod.metadata.deletionTimestamp !== undefined) {
      return undefined;
    }
    const statuses: PodResourceClaimStatus[] = [...pod.status?.resourceClaimStatuses ?? []];
    let missing = false;
    for (const { name, resourceClaimTemplateName } of pod.spec.resourceClaims ?? []) {
      if (resourceClaimTemplateName !== undefined && !statuses.some((one) => one.name === name)) {
        const claim = await this.#made(pod, name, resourceClaimTemplateName);
        missing ||= claim === undefined;
        statuses.push(...(claim === undefined ? [] : [{ name, resourceClaimName: claim.metadata.name }]));
      }
    }
    if (!deepEqual(statuses, pod.status?.resourceClaimStatuses ?? [])) {
      const { name, namespace, uid } = pod.metadata;
      await this.#client.patch(PODS, { name, namespace, type: 'merge', subresource: 'status', body: { metadata: { uid }, status: { resourceClaimStatuses: statuses } } });
    }
    await this.#reserve(pod);
    return missing ? { requeueAfterMs: TEMPLATE_MS } : undefined;
  }

  /** The claim of an entry: the one that an earlier, unfinished attempt made, or a new one. */
  async #made(pod: Pod, entry: string, templateName: string): Promise<ResourceClaim | undefined> {
    const { namespace = '', uid = '' } = pod.metadata;
    const mine = (claim: ResourceClaim): boolean => podOwning(claim)?.uid === uid && claim.metadata.annotations?.[POD_CLAIM_ANNOTATION] === entry;
    const known = this.#caches.claims.byIndex(BY_OWNER, uid).find(mine);
    if (known !== undefined) {
      return known;
    }
    const template = this.#caches.templates.get(`${namespace}/${templateName}`);
    if (template === undefined) {
      this.#warn(pod, `resourceclaimtemplate "${templateName}" not found`);
      return undefined;
    }
    // The cache may be behind a claim that was made a moment ago: the server knows.
    const { items } = await this.#client.list(RESOURCECLAIMS, { namespace });
    return items.find(mine) ?? this.#client.create(RESOURCECLAIMS, claimFromTemplate(pod, entry, template));
  }

  async #reserve(pod: Pod): Promise<void> {
    const { name, namespace = '', uid = '' } = pod.metadata;
    for (const claimName of pod.spec.nodeName ? claimNamesOf(pod) : []) {
      const claim = this.#caches.claims.get(`${namespace}/${claimName}`);
      const held = claim?.status?.reservedFor ?? [];
      if (claim?.status?.allocation !== undefined && claim.metadata.deletionTimestamp === undefined && !held.some((one) => one.uid === uid)) {
        await this.#status(claim, { reservedFor: [...held, { resource: 'pods', name, uid }] });
      }
    }
  }

  /** Frees a claim that nobody holds any more, lets go of one that is being deleted, deletes one whose pod has ended. */
  async claim(key: string): Promise<void> {
    const claim = this.#caches.claims.get(key);
    if (claim === undefined) {
      return;
    }
    const { namespace = '' } = claim.metadata;
    const before = claim.status?.reservedFor ?? [];
    const kept = await holders(claim, (name) => this.#pod(namespace, name));
    const free = kept.length === 0 && claim.status?.allocation !== undefined && (before.length > 0 || claim.metadata.deletionTimestamp !== undefined);
    if (kept.length < before.length || free) {
      await this.#status(claim, kept.length > 0 ? { reservedFor: kept } : { reservedFor: null, allocation: null, devices: null });
      // The event of this write brings the claim here again.
      return;
    }
    if (claim.status?.allocation === undefined) {
      await this.#unused(claim);
    }
  }

  async #unused(claim: ResourceClaim): Promise<void> {
    const { name, namespace, uid, resourceVersion, finalizers = [] } = claim.metadata;
    const owner = podOwning(claim);
    const pod = owner === undefined ? undefined : await this.#pod(namespace ?? '', owner.name);
    const orphaned = owner !== undefined && (pod === undefined || pod.metadata.uid !== owner.uid || isDone(pod));
    const leaving = claim.metadata.deletionTimestamp !== undefined || orphaned;
    if (leaving && finalizers.includes(CLAIM_FINALIZER)) {
      await this.#client.patch(RESOURCECLAIMS, { name, namespace, type: 'merge', body: { metadata: { uid, resourceVersion, finalizers: finalizers.filter((one) => one !== CLAIM_FINALIZER) } } });
    }
    if (orphaned && claim.metadata.deletionTimestamp === undefined) {
      await this.#client.delete(RESOURCECLAIMS, name, namespace, uid === undefined ? {} : { preconditions: { uid } });
    }
  }

  #status({ metadata: { name, namespace, uid, resourceVersion } }: ResourceClaim, status: Record<string, unknown>): Promise<ResourceClaim> {
    return this.#client.patch(RESOURCECLAIMS, { name, namespace, type: 'merge', subresource: 'status', body: { metadata: { uid, resourceVersion }, status } });
  }

  /** A pod that the cache does not show is asked for: it may be newer than the cache, and its devices must not be given away. */
  async #pod(namespace: string, name: string): Promise<Pod | undefined> {
    const known = this.#caches.pods.get(`${namespace}/${name}`);
    if (known !== undefined) {
      return known;
    }
    try {
      return await this.#client.get(PODS, name, namespace);
    } catch (error) {
      if (isStatusError(error, 'NotFound')) {
        return undefined;
      }
      throw error;
    }
  }
}

export function resourceClaimController(context: ControllerContext): Controller {
  const { informers } = context;
  const caches: Caches = { pods: informers.for(PODS), claims: informers.for(RESOURCECLAIMS), templates: informers.for(RESOURCECLAIMTEMPLATES) };
  const recorder = context.recorder.as('resource-claim-controller');
  const work = new Claims(context.client, caches, (pod, message) => { recorder.event(pod, 'Warning', 'FailedResourceClaimCreation', message); });
  caches.claims.addIndex(BY_OWNER, (claim) => (podOwning(claim) === undefined ? [] : [podOwning(claim)?.uid ?? '']));
  caches.pods.addIndex(BY_CLAIM, (pod) => claimNamesOf(pod).map((name) => `${pod.metadata.namespace ?? ''}/${name}`));
  const controller = newController({
    name: 'resourceclaim', log: context.log, before: (signal) => Promise.all([caches.pods, caches.claims, caches.templates].map((one) => one.start(signal))),
    reconcile: async (key) => (key.startsWith(POD) ? work.pod(key.slice(POD.length)) : work.claim(key.slice(CLAIM.length))),
  });
  const uses = (pod: Pod): boolean => (pod.spec.resourceClaims ?? []).length > 0 || pod.status?.extendedResourceClaimStatus !== undefined;
  const claimsOf = (pod: Pod): void => {
    const { namespace = '', uid = '' } = pod.metadata;
    const names = [...claimNamesOf(pod), ...caches.claims.byIndex(BY_OWNER, uid).map(({ metadata }) => metadata.name)];
    new Set(names).forEach((name) => { controller.queue.add(`${CLAIM}${namespace}/${name}`); });
  };
  const podSeen = (pod: Pod): void => {
    if (uses(pod)) {
      controller.queue.add(`${POD}${keyOf(pod)}`);
    }
    if (isDone(pod)) {
      claimsOf(pod);
    }
  };
  const claimSeen = (claim: ResourceClaim): void => {
    controller.queue.add(`${CLAIM}${keyOf(claim)}`);
    // Whoever was bound to a node by hand waits for the claim to be allocated.
    caches.pods.byIndex(BY_CLAIM, keyOf(claim)).filter(({ spec }) => spec.nodeName).forEach((pod) => { controller.queue.add(`${POD}${keyOf(pod)}`); });
  };
  caches.pods.on({ added: podSeen, updated: podSeen, deleted: claimsOf });
  caches.claims.on({
    added: claimSeen, updated: claimSeen,
    deleted: (claim) => {
      const { annotations = {}, namespace = '' } = claim.metadata;
      const owner = podOwning(claim);
      if (owner !== undefined && annotations[EXTENDED_CLAIM] === undefined) {
        controller.queue.add(`${POD}${namespace}/${owner.name}`);
      }
    },
  });
  const waiting = (template: ResourceClaimTemplate): void => caches.pods.list(template.metadata.namespace ?? '')
    .filter(({ spec }) => (spec.resourceClaims ?? []).some(({ resourceClaimTemplateName }) => resourceClaimTemplateName === template.metadata.name))
    .forEach((pod) => { controller.queue.add(`${POD}${keyOf(pod)}`); });
  caches.templates.on({ added: waiting });
  return controller;
}
