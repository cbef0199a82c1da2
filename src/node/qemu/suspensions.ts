/**
 * Saves guests whose instances ask for it and lets saved ones go on. What is true stands on disk (`savedstate.ts`) and in the
 * instance: its condition `Suspended` is written only while it still asks, and only after that QEMU ends; so no guest is ended whose
 * state does not count, and none goes on whose state does.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findCondition, setCondition } from '../../apimachinery/conditions.ts';
import { codeOf } from '../../apimachinery/errno.ts';
import type { Log } from '../../apimachinery/log.ts';
import { controllerOf } from '../../apimachinery/object.ts';
import { isStatusError } from '../../apimachinery/status.ts';
import { deepClone, isObject } from '../../apimachinery/values.ts';
import type { Client } from '../../client/client.ts';
import type { EventRecorder } from '../../client/events.ts';
import { CONTROLLERREVISIONS, VIRTUALMACHINEINSTANCES } from '../../client/resources.ts';
import type { VirtualMachineInstance, VirtualMachineInstanceCondition } from '../../kinds/generated/kubevirt.ts';
import { isFinalPhase, ANNOTATION_RESUME_FROM, ANNOTATION_RESUME_REQUIRED, ANNOTATION_SUSPEND, CONDITION_SUSPENDED, savedRevisionName } from '../../kinds/kubevirt/wellknown.ts';
import type { PodmanClient } from '../podman/client.ts';
import { podFolder } from '../pods/sandbox.ts';
import { planDisks, type RestoredDisks } from './disks.ts';
import { LaunchError, messageOf } from './errors.ts';
import type { Guest } from './guest.ts';
import { KERNEL_IMAGE, overlayFile } from './layout.ts';
import { memoryOf, type Accelerator } from './machine.ts';
import { runState, saveGuest } from './save.ts';
import { SavedGuests, type SavedGuest } from './savedstate.ts';

/** Images of saved guests are kept under these names, whatever becomes of their own. */
const PINS = 'telar.local/suspended';
/** In a tag, where volumes' names stand; no volume's name has it. */
const KERNEL_TAG = '_kernel';
/** In the folder of a guest that goes on from a saved one; QEMU cannot write there. */
const RECORD = 'resumed.json';
const LOAD_POLL_MS = 25;

/** What is remembered of a guest that was saved before: how its disks are, and whether it runs on already. */
export interface Resumed extends RestoredDisks {
  from: string;
  machine: string;
  paused: boolean;
  done: boolean;
}

export interface SuspensionsOptions {
  client: Client;
  podman: PodmanClient;
  recorder: EventRecorder;
  dataDir: string;
  log: Log;
}

/** A guest with what saving it takes. */
export interface SuspendableGuest {
  guest: Guest;
  /** Host folder of disks and seeds. */
  data: string;
  /** Host folder with `RECORD`. */
  folder: string;
}

export const asksToSuspend = ({ metadata, status }: VirtualMachineInstance): boolean =>
  metadata.annotations?.[ANNOTATION_SUSPEND] === 'true' && metadata.deletionTimestamp === undefined && !isFinalPhase(status?.phase);

export class Suspensions {
  readonly #options: SuspensionsOptions;
  readonly #saved: SavedGuests;

  constructor(options: SuspensionsOptions) {
    this.#options = options;
    this.#saved = new SavedGuests(options.dataDir);
  }

  /**
   * Puts a saved guest's files into `data` when the instance is to go on from one. Throws LaunchError when it cannot, rather than
   * start what was saved anew.
   */
  async restore(vmi: VirtualMachineInstance, { data, folder }: Omit<SuspendableGuest, 'guest'>, accelerator: Accelerator): Promise<Resumed | undefined> {
    const from = vmi.metadata.annotations?.[ANNOTATION_RESUME_FROM];
    if (from === undefined || from === '') {
      return undefined;
    }
    const saved = await this.#saved.find(from);
    if (saved === undefined) {
      if (vmi.metadata.annotations?.[ANNOTATION_RESUME_REQUIRED] === 'true') {
        throw new LaunchError(`the guest was saved to disk as ${from}, which is not on this node; to start without what was in its memory, delete `
          + `controllerrevision ${savedRevisionName(controllerOf(vmi)?.uid ?? '')}`);
      }
      return undefined;
    }
    const owner = controllerOf(vmi);
    if (owner?.uid !== saved.vmUid || vmi.metadata.namespace !== saved.namespace) {
      throw new LaunchError(`the saved guest ${from} belongs to another virtual machine`);
    }
    if (saved.accelerator !== accelerator) {
      throw new LaunchError(`the guest was saved while it ran with ${saved.accelerator.toUpperCase()}, but this node now runs guests with ${accelerator.toUpperCase()}`);
    }
    await this.#saved.unpack(from, data);
    const resumed: Resumed = {
      from, machine: saved.machine, paused: saved.paused, done: false, images: saved.images, overlays: new Set(saved.overlays),
    };
    await this.#record(folder, resumed);
    return resumed;
  }

  /** What the guest in this folder was resumed from, if it was. */
  async resumed(folder: string): Promise<Resumed | undefined> {
    let text: string;
    try {
      text = await readFile(join(folder, RECORD), 'utf8');
    } catch (error) {
      if (codeOf(error) === 'ENOENT') {
        return undefined;
      }
      throw error;
    }
    const value: unknown = JSON.parse(text);
    if (!isObject(value) || !isObject(value['images']) || !Array.isArray(value['overlays'])) {
      throw new LaunchError(`${RECORD} is damaged`);
    }
    return {
      from: String(value['from']), machine: String(value['machine']), paused: value['paused'] === true, done: value['done'] === true,
      images: Object.fromEntries(Object.entries(value['images']).map(([volume, image]) => [volume, String(image)])),
      overlays: new Set(value['overlays'].map(String)),
    };
  }

  async #record(folder: string, resumed: Resumed): Promise<void> {
    await writeFile(join(folder, RECORD), JSON.stringify({ ...resumed, overlays: [...resumed.overlays] }), { flush: true });
  }

  /** Whether a save of this instance was begun and not ended. */
  async begun(uid: string): Promise<boolean> {
    return await this.#saved.begun(uid) !== undefined;
  }

  /** Lets a guest that has its memory back run on, once. The guest is held until then. */
  async goOn({ guest, folder }: SuspendableGuest, resumed: Resumed): Promise<void> {
    if (!resumed.done) {
      const { monitor, gone } = guest;
      while (await runState(monitor) === 'inmigrate') {
        await delay(LOAD_POLL_MS, undefined, { signal: gone });
      }
      await this.#saved.spend(resumed.from);
      if (!resumed.paused) {
        await monitor.execute('cont');
      }
      await this.#record(folder, { ...resumed, done: true });
      this.#event(guest, 'Normal', 'Resumed', 'The guest goes on where it was suspended.');
    }
    await guest.release();
  }

  /** Brings the guest to what its instance asks: saved, or left running. Throws to be called again. */
  async reconcile(one: SuspendableGuest, vmi: VirtualMachineInstance): Promise<void> {
    const { guest } = one;
    const uid = guest.options.vmiUid;
    if (await this.#saved.find(uid) !== undefined) {
      await (asksToSuspend(vmi) ? this.#finish(guest, vmi) : this.#back(guest, uid));
      return;
    }
    const begun = await this.#saved.begun(uid);
    if (!asksToSuspend(vmi)) {
      if (begun !== undefined) {
        await this.#back(guest, uid, begun.paused);
      }
      return;
    }
    if (guest.state !== 'running' && guest.state !== 'paused' && begun === undefined) {
      // Not up yet: the change to running comes by here again.
      return;
    }
    await this.#save(one, vmi, begun?.paused ?? guest.state === 'paused');
    await this.#finish(guest, vmi);
  }

  async #save({ guest, data, folder }: SuspendableGuest, vmi: VirtualMachineInstance, paused: boolean): Promise<void> {
    const { vmiUid, namespace, name, sockets } = guest.options;
    guest.hold();
    try {
      const resumed = await this.resumed(folder);
      const plan = planDisks(vmi.spec, resumed);
      const vmUid = controllerOf(vmi)?.uid ?? '';
      const kernel = resumed?.images[KERNEL_IMAGE] ?? vmi.spec.domain.firmware?.kernelBoot?.container?.image;
      const images = await this.#pin(vmUid, [
        ...plan.imageVolumes, ...(kernel === undefined || kernel === '' ? [] : [{ volume: KERNEL_IMAGE, image: kernel }]),
      ]);
      await saveGuest(guest.monitor, this.#saved, {
        uid: vmiUid, data, sockets, memory: memoryOf(vmi.spec), temporary: plan.temporary, paused, signal: guest.gone,
        files: [...plan.files, ...plan.temporary.map(({ volume }) => overlayFile(volume))],
        guest: {
          namespace, name, vmUid, accelerator: guest.emulated ? 'tcg' : 'kvm', images, overlays: plan.imageVolumes.map(({ volume }) => volume),
        },
      });
    } catch (error) {
      await guest.release();
      const message = `The guest could not be saved to disk and goes on: ${messageOf(error)}`;
      this.#event(guest, 'Warning', 'SuspendFailed', message);
      await this.#condition(vmi, { type: CONDITION_SUSPENDED, status: 'False', reason: 'SaveFailed', message });
      throw error;
    }
  }

  /** The state counts: says so, and ends QEMU. A refusal means that the instance changed: then it is looked at again. */
  async #finish(guest: Guest, vmi: VirtualMachineInstance): Promise<void> {
    guest.hold();
    if (findCondition(vmi.status?.conditions, CONDITION_SUSPENDED)?.status !== 'True') {
      await this.#condition(vmi, { type: CONDITION_SUSPENDED, status: 'True', reason: 'SavedToDisk', message: "the guest's memory and disks are on the node's disk" });
      this.#event(guest, 'Normal', 'Suspended', 'The guest was saved to disk.');
    }
    await guest.quit();
  }

  /** Not asked for any more, before it was said to be done. */
  async #back(guest: Guest, uid: string, paused?: boolean): Promise<void> {
    const stays = paused ?? (await this.#saved.find(uid))?.paused ?? false;
    await this.#saved.spend(uid);
    if (!stays) {
      await guest.monitor.execute('cont');
    }
    await this.#saved.abandon(uid);
    await guest.release();
  }

  async #condition(vmi: VirtualMachineInstance, condition: VirtualMachineInstanceCondition): Promise<void> {
    const copy = deepClone(vmi);
    const conditions = copy.status?.conditions ?? [];
    setCondition(conditions, condition, new Date());
    copy.status = { ...copy.status, conditions };
    await this.#options.client.update(VIRTUALMACHINEINSTANCES, copy);
  }

  /** Names that keep the images as long as the saved guest: a tag may come to mean another image meanwhile. */
  async #pin(vmUid: string, images: readonly { volume: string; image: string }[]): Promise<Record<string, string>> {
    const names: Record<string, string> = {};
    for (const { volume, image } of images) {
      const tag = volume === KERNEL_IMAGE ? KERNEL_TAG : volume;
      const name = `${PINS}/${vmUid}:${tag}`;
      if (image !== name) {
        await this.#options.podman.tagImage(image, `${PINS}/${vmUid}`, tag);
      }
      names[volume] = name;
    }
    return names;
  }

  /**
   * Removes what nobody will go on from: saved guests whose machine has no record of it any more, and names of images that neither a
   * saved guest nor a container uses (Podman cannot remove a container whose image has lost the name it was given by).
   */
  async sweep(): Promise<void> {
    const kept = await this.#used();
    for (const { uid, guest } of await this.#saved.list()) {
      if (guest === undefined) {
        continue;
      }
      if (await this.#wanted(guest)) {
        Object.values(guest.images).forEach((name) => kept.add(name));
      } else {
        this.#options.log.info({ vmi: `${guest.namespace}/${guest.name}`, uid }, 'a saved guest that nobody wants any more is removed');
        await this.#saved.spend(uid);
      }
    }
    const { podman } = this.#options;
    const pins = (await podman.listImages()).flatMap(({ names }) => names).filter((name) => name.startsWith(`${PINS}/`));
    for (const name of pins.filter((one) => !kept.has(one))) {
      await podman.removeImage(name);
    }
  }

  /** Names of images that resumed guests' pods have. */
  async #used(): Promise<Set<string>> {
    const { dataDir } = this.#options;
    const pods = await readdir(join(dataDir, 'pods')).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') {
        return [];
      }
      throw error;
    });
    const resumed = await Promise.all(pods.map((uid) => this.resumed(join(podFolder(dataDir, uid), 'vm'))));
    return new Set(resumed.flatMap((one) => Object.values(one?.images ?? {})));
  }

  async #wanted({ namespace, vmUid }: SavedGuest): Promise<boolean> {
    try {
      await this.#options.client.get(CONTROLLERREVISIONS, savedRevisionName(vmUid), namespace);
      return true;
    } catch (error) {
      if (isStatusError(error, 'NotFound')) {
        return false;
      }
      throw error;
    }
  }

  #event(guest: Guest, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const { namespace, name, vmiUid } = guest.options;
    this.#options.recorder.event(
      { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', metadata: { namespace, name, uid: vmiUid } }, type, reason, message);
  }
}
