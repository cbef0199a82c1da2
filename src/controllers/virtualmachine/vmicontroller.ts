/**
 * Gives every VirtualMachineInstance its launcher pod, follows the pod until the node reports the guest as running, says how it ended,
 * and takes both away again.
 */
import { controllerOf, keyOf } from '../../apimachinery/object.ts';
import { isStatusError } from '../../apimachinery/status.ts';
import { deepClone, deepEqual } from '../../apimachinery/values.ts';
import type { Client } from '../../client/client.ts';
import { newController, type QueueController } from '../../client/controller.ts';
import type { EventRecorder } from '../../client/events.ts';
import type { Informer } from '../../client/informer.ts';
import { PODS, VIRTUALMACHINEINSTANCES } from '../../client/resources.ts';
import type { Pod } from '../../kinds/generated/core.ts';
import type { VirtualMachineInstance, VirtualMachineInstanceStatus } from '../../kinds/generated/kubevirt.ts';
import { enterPhase } from '../../kinds/kubevirt/phases.ts';
import { FINALIZER_VMI, LABEL_COMPONENT, LABEL_NODE_NAME, LAUNCHER } from '../../kinds/kubevirt/wellknown.ts';
import { messageOf } from './errors.ts';
import { DEFAULT_GRACE_SECONDS, launcherName, launcherPod } from './launcher.ts';
import { observe, type Launcher, type Observation } from './observe.ts';
import type { VmContext } from './vmcontroller.ts';

class VmiReconciler {
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #vmis: Informer<VirtualMachineInstance>;
  readonly #pods: Informer<Pod>;

  constructor(context: VmContext) {
    this.#client = context.client;
    this.#recorder = context.recorder;
    this.#vmis = context.informers.for(VIRTUALMACHINEINSTANCES);
    this.#pods = context.informers.for(PODS);
  }

  async reconcile(key: string): Promise<void> {
    const vmi = this.#vmis.get(key);
    if (vmi === undefined) {
      return;
    }
    const launcher = await this.#launcher(vmi);
    const graceSeconds = vmi.spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
    const seen = observe(vmi, launcher, graceSeconds, new Date());
    if (seen.release) {
      await this.#release(vmi, seen);
      return;
    }
    if (seen.createPod) {
      await this.#create(vmi, seen);
    }
    if (seen.deletePod && launcher.state === 'pod') {
      await this.#deletePod(vmi, launcher.pod, graceSeconds);
    }
    await this.#write(vmi, seen);
  }

  async #launcher(vmi: VirtualMachineInstance): Promise<Launcher> {
    const name = launcherName(vmi);
    const { namespace } = vmi.metadata;
    const cached = this.#pods.get(keyOf({ metadata: { name, ...(namespace === undefined ? {} : { namespace }) } }));
    if (cached !== undefined) {
      return controllerOf(cached)?.uid === vmi.metadata.uid ? { state: 'pod', pod: cached } : { state: 'gone' };
    }
    if ((vmi.status?.phase ?? 'Pending') === 'Pending') {
      return { state: 'none' };
    }
    // It had one. Ending a guest is final, so a cache that is a moment behind is not enough.
    try {
      const pod = await this.#client.get(PODS, name, namespace);
      return controllerOf(pod)?.uid === vmi.metadata.uid ? { state: 'pod', pod } : { state: 'gone' };
    } catch (error) {
      if (isStatusError(error, 'NotFound')) {
        return { state: 'gone' };
      }
      throw error;
    }
  }

  async #create(vmi: VirtualMachineInstance, seen: Observation): Promise<void> {
    try {
      const pod = await this.#client.create(PODS, launcherPod(vmi));
      this.#recorder.event(vmi, 'Normal', 'SuccessfulCreate', `Created virtual machine pod ${pod.metadata.name}`);
    } catch (error) {
      if (!isStatusError(error, 'AlreadyExists')) {
        this.#recorder.event(vmi, 'Warning', 'FailedCreate', `Error creating pod: ${messageOf(error)}`);
        throw error;
      }
    }
    enterPhase(seen.status, 'Scheduling', new Date());
  }

  async #deletePod(vmi: VirtualMachineInstance, pod: Pod, graceSeconds: number): Promise<void> {
    const { name, namespace, uid } = pod.metadata;
    try {
      await this.#client.delete(PODS, name, namespace, { gracePeriodSeconds: graceSeconds, ...(uid === undefined ? {} : { preconditions: { uid } }) });
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) {
        throw error;
      }
      return;
    }
    this.#recorder.event(vmi, 'Normal', 'SuccessfulDelete', `Deleted virtual machine pod ${name}`);
  }

  async #write(vmi: VirtualMachineInstance, seen: Observation): Promise<void> {
    this.#tell(vmi, seen);
    const finalizers = vmi.metadata.finalizers ?? [];
    const missing = vmi.metadata.deletionTimestamp === undefined && !finalizers.includes(FINALIZER_VMI);
    const node = seen.status.nodeName;
    const labelled = node === undefined || vmi.metadata.labels?.[LABEL_NODE_NAME] === node;
    if (!missing && labelled && deepEqual(seen.status, vmi.status)) {
      return;
    }
    const copy = withStatus(vmi, seen.status);
    if (missing) {
      copy.metadata.finalizers = [...finalizers, FINALIZER_VMI];
    }
    if (node !== undefined) {
      copy.metadata.labels = { ...copy.metadata.labels, [LABEL_NODE_NAME]: node };
    }
    await this.#client.update(VIRTUALMACHINEINSTANCES, copy);
  }

  /** Why a guest failed is told of its machine too: the instance may be gone before anybody looks. */
  #tell(vmi: VirtualMachineInstance, seen: Observation): void {
    const owner = controllerOf(vmi);
    for (const { type, reason, message } of seen.notices) {
      this.#recorder.event(vmi, type, reason, message);
      if (type === 'Warning' && owner !== undefined) {
        const { apiVersion, kind, name, uid } = owner;
        const { namespace } = vmi.metadata;
        this.#recorder.event({ apiVersion, kind, metadata: { name, uid, ...(namespace === undefined ? {} : { namespace }) } }, type, reason, message);
      }
    }
  }

  async #release(vmi: VirtualMachineInstance, seen: Observation): Promise<void> {
    const finalizers = vmi.metadata.finalizers ?? [];
    if (!finalizers.includes(FINALIZER_VMI)) {
      await this.#write(vmi, seen);
      return;
    }
    this.#tell(vmi, seen);
    const copy = withStatus(vmi, seen.status);
    copy.metadata.finalizers = finalizers.filter((one) => one !== FINALIZER_VMI);
    try {
      await this.#client.update(VIRTUALMACHINEINSTANCES, copy);
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) {
        throw error;
      }
    }
  }
}

function withStatus(vmi: VirtualMachineInstance, status: VirtualMachineInstanceStatus): VirtualMachineInstance {
  const copy = deepClone(vmi);
  copy.status = status;
  return copy;
}

export function newVmiController(context: VmContext): QueueController {
  const reconciler = new VmiReconciler(context);
  const vmis = context.informers.for(VIRTUALMACHINEINSTANCES);
  const pods = context.informers.for(PODS);
  const controller = newController({
    name: 'virtualmachineinstance', log: context.log, reconcile: (key) => reconciler.reconcile(key),
    before: (signal) => context.informers.start(signal),
  });
  const enqueue = (vmi: VirtualMachineInstance): void => {
    controller.queue.add(keyOf(vmi));
  };
  const enqueueOwner = (pod: Pod): void => {
    const owner = pod.metadata.labels?.[LABEL_COMPONENT] === LAUNCHER ? controllerOf(pod) : undefined;
    if (owner?.kind === 'VirtualMachineInstance') {
      controller.queue.add(keyOf({ metadata: { ...pod.metadata, name: owner.name } }));
    }
  };
  vmis.on({ added: enqueue, updated: enqueue });
  pods.on({ added: enqueueOwner, updated: enqueueOwner, deleted: enqueueOwner });
  return controller;
}
