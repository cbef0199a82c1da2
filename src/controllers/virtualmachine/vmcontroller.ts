/**
 * Runs VirtualMachines as their run strategy says. Level-based: all it knows is in the API, so a restart at any point goes on where
 * it was. An instance has its machine's name, so that no race makes two.
 */
import { controllerOf, keyOf, splitKey } from '../../apimachinery/object.ts';
import { isStatusError } from '../../apimachinery/status.ts';
import { deepClone, deepEqual } from '../../apimachinery/values.ts';
import { messageOf } from './errors.ts';
import type { Client } from '../../client/client.ts';
import { newController, type QueueController, type Requeue } from '../../client/controller.ts';
import type { EventRecorder } from '../../client/events.ts';
import type { Informer } from '../../client/informer.ts';
import type { Informers } from '../../client/informers.ts';
import { CONTROLLERREVISIONS, VIRTUALMACHINEINSTANCES, VIRTUALMACHINES } from '../../client/resources.ts';
import type { Log } from '../../apimachinery/log.ts';
import type { VirtualMachine, VirtualMachineInstance, VirtualMachineStatus } from '../../kinds/generated/kubevirt.ts';
import type { ControllerRevision } from '../../kinds/generated/apps.ts';
import { ANNOTATION_RESUME_REQUIRED, ANNOTATION_SUSPEND, FINALIZER_VM, savedRevisionName } from '../../kinds/kubevirt/wellknown.ts';
import { decide, isFinal, pendingRequests, startFailure, type Action } from './decide.ts';
import { instanceOf } from './instance.ts';
import { isNewlySaved, isServed, resumedInstance, revisionOf, savedFrom } from './saved.ts';
import { vmStatus, type VmFailure } from './vmstatus.ts';

export interface VmContext {
  client: Client;
  informers: Informers;
  recorder: EventRecorder;
  log: Log;
}

/** Put by the garbage collector while it takes the owner reference off what a deleted machine leaves behind. */
const FINALIZER_ORPHAN = 'orphan';

interface Round {
  vm: VirtualMachine;
  vmi: VirtualMachineInstance | undefined;
  /** `status` as the API has it. */
  stored: VirtualMachineStatus | undefined;
  /** The record of a guest to go on with. */
  revision: ControllerRevision | undefined;
  failure?: VmFailure;
  /** What made the round fail, after the status has said so. */
  error?: unknown;
  waitMs?: number;
}

class VmReconciler {
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #vms: Informer<VirtualMachine>;
  readonly #vmis: Informer<VirtualMachineInstance>;
  readonly #revisions: Informer<ControllerRevision>;

  constructor(context: VmContext) {
    this.#client = context.client;
    this.#revisions = context.informers.for(CONTROLLERREVISIONS);
    this.#recorder = context.recorder;
    this.#vms = context.informers.for(VIRTUALMACHINES);
    this.#vmis = context.informers.for(VIRTUALMACHINEINSTANCES);
  }

  async reconcile(key: string): Promise<void | Requeue> {
    const vm = this.#vms.get(key);
    const vmi = this.#vmis.get(key);
    if (vm === undefined) {
      await this.#forget(key, vmi);
      return undefined;
    }
    if (vm.metadata.deletionTimestamp !== undefined) {
      await this.#deleted(vm, this.#own(vm, vmi));
      return undefined;
    }
    if (vm.metadata.finalizers?.includes(FINALIZER_VM) !== true) {
      // Its own change comes back as an event, but a start should not wait for that.
      const held = await this.#client.update(VIRTUALMACHINES, withFinalizers(vm, [...vm.metadata.finalizers ?? [], FINALIZER_VM]));
      return await this.#run(held, this.#own(vm, vmi));
    }
    return await this.#run(vm, this.#own(vm, vmi));
  }

  /** The instance when it is this machine's; one of the same name made by somebody else is not touched. */
  #own(vm: VirtualMachine, vmi: VirtualMachineInstance | undefined): VirtualMachineInstance | undefined {
    return vmi !== undefined && controllerOf(vmi)?.uid === vm.metadata.uid ? vmi : undefined;
  }

  async #run(vm: VirtualMachine, vmi: VirtualMachineInstance | undefined): Promise<void | Requeue> {
    const now = new Date();
    const failed = startFailure(vm, vmi, now);
    const requests = pendingRequests(vm, vmi);
    const { startFailure: _f, stateChangeRequests: _s, ...rest } = vm.status ?? {};
    const status: VirtualMachineStatus = {
      ...rest,
      ...(failed === undefined ? {} : { startFailure: failed }),
      ...(requests.length === 0 ? {} : { stateChangeRequests: requests }),
    };
    let current: VirtualMachine = { ...vm, status };
    const revision = await this.#record(vm);
    const saved = revision !== undefined;
    const actions = decide(current, vmi, now, saved);
    if (actions.some(({ type }) => type === 'requestStart')) {
      current = { ...vm, status: { ...status, stateChangeRequests: [{ action: 'Start' }] } };
    }
    const losesKnowledge = actions.some(({ type }) => type === 'delete') && !deepEqual(current.status, vm.status);
    if (losesKnowledge) {
      // What the instance taught must be stored before it goes.
      current = await this.#client.updateStatus(VIRTUALMACHINES, { ...current, status: vmStatus(current, vmi, { saved }, now) });
    }
    const round: Round = { vm: current, vmi, revision, stored: losesKnowledge ? current.status : vm.status };
    await this.#remember(round);
    for (const action of actions) {
      await this.#act(round, action);
    }
    await this.#release(round);
    await this.#writeStatus(round, now);
    if (round.error !== undefined) {
      throw round.error;
    }
    return round.waitMs === undefined ? undefined : { requeueAfterMs: round.waitMs };
  }

  async #act(round: Round, action: Action): Promise<void> {
    switch (action.type) {
      case 'create': await this.#create(round, action.paused); return;
      case 'delete':
        if (round.vmi !== undefined) {
          await this.#delete(round.vm, round.vmi);
        }
        return;
      case 'setRunning': {
        const { running, ...spec } = round.vm.spec;
        const wanted = running === undefined ? { ...spec, runStrategy: 'Always' } : { ...spec, running: true };
        const { metadata } = await this.#client.update(VIRTUALMACHINES, { ...round.vm, spec: wanted });
        round.vm = { ...round.vm, metadata, spec: wanted };
        return;
      }
      case 'suspend': await this.#suspend(round); return;
      case 'unsuspend': await this.#askNode(round, null); return;
      case 'wait': round.waitMs = action.ms; return;
      case 'requestStart': return;
      default: action satisfies never;
    }
  }

  /** The cache may be behind a machine whose status says that it is on disk: then a start must not be one from the beginning. */
  async #record(vm: VirtualMachine): Promise<ControllerRevision | undefined> {
    const { namespace, uid = '' } = vm.metadata;
    const name = savedRevisionName(uid);
    const cached = this.#revisions.get(`${namespace ?? ''}/${name}`);
    if (cached !== undefined || vm.status?.printableStatus?.startsWith('Suspend') !== true) {
      return cached;
    }
    try {
      return await this.#client.get(CONTROLLERREVISIONS, name, namespace);
    } catch (error) {
      if (isStatusError(error, 'NotFound')) {
        return undefined;
      }
      throw error;
    }
  }

  /** Brings the record in line with what the instance has come to. */
  async #remember(round: Round): Promise<void> {
    const { revision, vmi } = round;
    if (revision === undefined || vmi === undefined) {
      return;
    }
    const { name, namespace } = revision.metadata;
    if (isServed(revision, vmi)) {
      await ignoreNotFound(this.#client.delete(CONTROLLERREVISIONS, name, namespace));
      round.revision = undefined;
    } else if (isNewlySaved(revision, vmi)) {
      round.revision = await this.#client.patch(CONTROLLERREVISIONS, {
        name, namespace, type: 'merge', body: { metadata: { annotations: { [ANNOTATION_RESUME_REQUIRED]: 'true' } } },
      });
    }
  }

  /** The record comes first: whatever is lost on the way, nothing is saved that nobody knows of. */
  async #suspend(round: Round): Promise<void> {
    const { vm, vmi } = round;
    if (vmi === undefined) {
      return;
    }
    const { name, namespace } = revisionOf(vm, vmi).metadata;
    if (round.revision !== undefined && savedFrom(round.revision) !== vmi.metadata.uid) {
      await ignoreNotFound(this.#client.delete(CONTROLLERREVISIONS, name, namespace));
      round.revision = undefined;
    }
    round.revision ??= await this.#client.create(CONTROLLERREVISIONS, revisionOf(vm, vmi));
    await this.#askNode(round, 'true');
    this.#recorder.event(vm, 'Normal', 'Suspending', 'The guest is being saved to disk.');
  }

  async #askNode(round: Round, wish: 'true' | null): Promise<void> {
    if (round.vmi !== undefined) {
      const { name, namespace } = round.vmi.metadata;
      round.vmi = await this.#client.patch(VIRTUALMACHINEINSTANCES, {
        name, namespace, type: 'merge', body: { metadata: { annotations: { [ANNOTATION_SUSPEND]: wish } } },
      });
    }
  }

  async #create(round: Round, paused: boolean): Promise<void> {
    const { vm, revision } = round;
    const resumed = revision === undefined ? undefined : resumedInstance(vm, revision);
    try {
      round.vmi = await this.#client.create(VIRTUALMACHINEINSTANCES, resumed ?? instanceOf(vm, paused));
      this.#recorder.event(vm, 'Normal', 'SuccessfulCreate',
        `${resumed === undefined ? 'Started' : 'Resumed'} the virtual machine by creating the new virtual machine instance ${vm.metadata.name}`);
    } catch (error) {
      if (isStatusError(error, 'AlreadyExists')) {
        const there = this.#own(vm, await this.#client.get(VIRTUALMACHINEINSTANCES, vm.metadata.name, vm.metadata.namespace));
        if (there !== undefined) {
          round.vmi = there;
          return;
        }
      }
      round.failure = { reason: 'FailedCreate', message: messageOf(error) };
      round.error = error;
      this.#recorder.event(vm, 'Warning', 'FailedCreate', `Error creating virtual machine instance: ${messageOf(error)}`);
    }
  }

  async #delete(vm: VirtualMachine, vmi: VirtualMachineInstance): Promise<void> {
    const { name, namespace, uid } = vmi.metadata;
    try {
      await this.#client.delete(VIRTUALMACHINEINSTANCES, name, namespace, uid === undefined ? {} : { preconditions: { uid } });
    } catch (error) {
      if (isStatusError(error, 'NotFound')) {
        return;
      }
      this.#recorder.event(vm, 'Warning', 'FailedDelete', `Error deleting virtual machine instance ${name}: ${messageOf(error)}`);
      throw error;
    }
    this.#recorder.event(vm, 'Normal', 'SuccessfulDelete',
      `Stopped the virtual machine by deleting the virtual machine instance ${name} with uid ${uid ?? ''}`);
  }

  /** Lets go of an instance that has ended and is being deleted: all it had to tell is in the machine's status. */
  async #release(round: Round): Promise<void> {
    const { vmi } = round;
    if (vmi !== undefined && vmi.metadata.deletionTimestamp !== undefined && isFinal(vmi)) {
      await this.#removeInstanceFinalizer(vmi);
    }
  }

  async #removeInstanceFinalizer(vmi: VirtualMachineInstance): Promise<void> {
    const finalizers = vmi.metadata.finalizers ?? [];
    if (finalizers.includes(FINALIZER_VM)) {
      await ignoreNotFound(this.#client.update(VIRTUALMACHINEINSTANCES, withFinalizers(vmi, finalizers.filter((one) => one !== FINALIZER_VM))));
    }
  }

  /** The machine is gone, or was never there: an instance it left must not wait for it. */
  async #forget(key: string, vmi: VirtualMachineInstance | undefined): Promise<void> {
    if (vmi === undefined || vmi.metadata.deletionTimestamp === undefined || !isFinal(vmi)
      || vmi.metadata.finalizers?.includes(FINALIZER_VM) !== true) {
      return;
    }
    const { namespace, name } = splitKey(key);
    try {
      // The cache may simply not know the machine yet.
      await this.#client.get(VIRTUALMACHINES, name, namespace);
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) {
        throw error;
      }
      await this.#removeInstanceFinalizer(vmi);
    }
  }

  async #deleted(vm: VirtualMachine, vmi: VirtualMachineInstance | undefined): Promise<void> {
    const now = new Date();
    const finalizers = vm.metadata.finalizers ?? [];
    if (vmi !== undefined && !finalizers.includes(FINALIZER_ORPHAN)) {
      const round: Round = { vm, vmi, revision: undefined, stored: vm.status };
      for (const action of decide(vm, vmi, now)) {
        await this.#act(round, action);
      }
      await this.#release(round);
      await this.#writeStatus(round, now);
      return;
    }
    if (finalizers.includes(FINALIZER_VM)) {
      await ignoreNotFound(this.#client.update(VIRTUALMACHINES, withFinalizers(vm, finalizers.filter((one) => one !== FINALIZER_VM))));
    }
  }

  async #writeStatus(round: Round, now: Date): Promise<void> {
    // A Start that just made its instance is done.
    const vm = { ...round.vm, status: { ...round.vm.status, stateChangeRequests: pendingRequests(round.vm, round.vmi) } };
    const status = vmStatus(vm, round.vmi, { failure: round.failure, saved: round.revision !== undefined }, now);
    if (!deepEqual(status, round.stored)) {
      await ignoreNotFound(this.#client.updateStatus(VIRTUALMACHINES, { ...round.vm, status }));
    }
  }
}

function withFinalizers<T extends VirtualMachine | VirtualMachineInstance>(object: T, finalizers: string[]): T {
  const copy = deepClone(object);
  copy.metadata.finalizers = finalizers;
  return copy;
}

async function ignoreNotFound(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) {
      throw error;
    }
  }
}

export function newVmController(context: VmContext): QueueController {
  const reconciler = new VmReconciler(context);
  const vms = context.informers.for(VIRTUALMACHINES);
  const vmis = context.informers.for(VIRTUALMACHINEINSTANCES);
  const controller = newController({
    name: 'virtualmachine', log: context.log, reconcile: (key) => reconciler.reconcile(key),
    before: (signal) => context.informers.start(signal),
  });
  // An instance shares its machine's name, and so its key.
  const enqueue = (object: VirtualMachine | VirtualMachineInstance): void => {
    controller.queue.add(keyOf(object));
  };
  vms.on({ added: enqueue, updated: enqueue, deleted: enqueue });
  vmis.on({ added: enqueue, updated: enqueue, deleted: enqueue });
  return controller;
}
