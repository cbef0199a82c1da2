/**
 * Virtual machines as pods: what the pod worker is told to run for a launcher pod, and what happens between that container's start
 * and its end. Keeps no truth of its own: guests found running after a restart are taken up again.
 */
import { mkdir, readdir, rm, truncate, writeFile, chown } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Instance } from '../../apimachinery/instance.ts';
import type { Log } from '../../apimachinery/log.ts';
import { controllerOf, keyOf } from '../../apimachinery/object.ts';
import { isStatusError } from '../../apimachinery/status.ts';
import { deepClone, deepEqual } from '../../apimachinery/values.ts';
import type { Client } from '../../client/client.ts';
import { newController, type QueueController } from '../../client/controller.ts';
import type { EventRecorder } from '../../client/events.ts';
import type { Informer } from '../../client/informer.ts';
import type { Informers } from '../../client/informers.ts';
import { CONFIGMAPS, SECRETS, VIRTUALMACHINEINSTANCES } from '../../client/resources.ts';
import type { Pod } from '../../kinds/generated/core.ts';
import type { VirtualMachineInstance } from '../../kinds/generated/kubevirt.ts';
import { COMPUTE_CONTAINER, LABEL_COMPONENT, LABEL_NODE_NAME, LAUNCHER } from '../../kinds/kubevirt/wellknown.ts';
import { setupGuestNetwork, teardownGuestNetwork } from '../guestnet/guestnet.ts';
import type { PodmanClient } from '../podman/client.ts';
import { PodStartError } from '../pods/errors.ts';
import type { ContainerOverride, PodExtension, PrepareContext, StartedContainer } from '../pods/extension.ts';
import { logFolder } from '../pods/podfiles.ts';
import { podFolder } from '../pods/sandbox.ts';
import { LaunchError, messageOf } from './errors.ts';
import { Guest, type GuestListener } from './guest.ts';
import { guestHandler, type Guests } from './handler.ts';
import { RUN_AS } from './identity.ts';
import { IsoError } from './iso9660.ts';
import { kvmUsable, type KvmVerdict } from './kvm.ts';
import { Suspensions, asksToSuspend, type Resumed, type SuspendableGuest } from './suspensions.ts';
import { emptyFile, IMAGES, KERNEL_IMAGE, seedFile } from './layout.ts';
import { planLaunch, type LaunchPlan } from './machine.ts';
import { guestMac, interfaceName, runningStatus } from './report.ts';
import { openDevice, prepareFolders, prepareRootfs } from './rootfs.ts';
import { recentOutput } from './scrollback.ts';
import { hostnameOf, seedDisks } from './seeds.ts';
import type { NodeHandler } from '../../apimachinery/nodehandler.ts';

export interface QemuOptions {
  client: Client;
  informers: Informers;
  recorder: EventRecorder;
  instance: Instance;
  podman: PodmanClient;
  log: Log;
}

const TUN = { major: 10, minor: 200 };
const KVM = { major: 10, minor: 232 };
/** Threads of one QEMU: its processors, and workers for disks. */
const PIDS_LIMIT = 1024;
/** A new pod waits this long for the QEMU of the last to end, milliseconds. */
const PREDECESSOR_MS = 60_000;
const PREDECESSOR_CHECK_MS = 50;
/** How often saved guests that nobody wants any more are looked for, milliseconds. */
const SWEEP_MS = 10 * 60_000;

interface Running {
  guest: Guest;
  pod: Pod;
  /** The pod's address. */
  ip: string | undefined;
}

export class QemuExtension implements PodExtension, Guests {
  readonly #options: QemuOptions;
  readonly #log: Log;
  readonly #vmis: Informer<VirtualMachineInstance>;
  /** By `namespace/name` of the instance. */
  readonly #running = new Map<string, Running>();
  readonly #reports: QueueController;
  readonly #suspensions: Suspensions;
  readonly #suspending: QueueController;
  /** Addresses of pods prepared here, by uid; a pod adopted has its own in its status. */
  readonly #addresses = new Map<string, string>();
  readonly #kvm: Promise<KvmVerdict>;
  /** Virt-handler's paths, for the node's server. */
  readonly handler: NodeHandler;

  constructor(options: QemuOptions) {
    this.#options = options;
    this.#log = options.log.child({ room: 'qemu' });
    this.#vmis = options.informers.for(VIRTUALMACHINEINSTANCES);
    this.#reports = newController({
      name: 'guests', log: options.log, reconcile: (key) => this.#report(key), before: (signal) => options.informers.start(signal),
    });
    this.#suspensions = new Suspensions({ ...options, dataDir: options.instance.dataDir, log: this.#log });
    this.#suspending = newController({
      name: 'suspensions', log: options.log, reconcile: (key) => this.#suspend(key), before: (signal) => options.informers.start(signal),
    });
    this.handler = guestHandler(this);
    this.#kvm = this.#probe();
  }

  /** Begins to report guests' states. Reports wait until the instances are known. */
  async start(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => {
      for (const { guest } of this.#running.values()) {
        guest.leave();
      }
    }, { once: true });
    const changed = (vmi: VirtualMachineInstance): void => {
      if (this.#running.has(keyOf(vmi))) {
        this.#reports.queue.add(keyOf(vmi));
        this.#suspending.queue.add(keyOf(vmi));
      }
    };
    this.#vmis.on({ added: changed, updated: changed });
    // Guests live on; what connects this process to them would keep it from ending.
    signal.addEventListener('abort', () => {
      for (const { guest } of this.#running.values()) {
        guest.end();
      }
    }, { once: true });
    await Promise.all([this.#reports.start(signal), this.#suspending.start(signal)]);
    this.#sweepNowAndThen(signal);
  }

  #sweepNowAndThen(signal: AbortSignal): void {
    const sweep = (): void => {
      this.#suspensions.sweep().catch((error: unknown) => {
        this.#log.warn({ error: messageOf(error) }, 'saved guests could not be looked through');
      });
    };
    const timer = setInterval(sweep, SWEEP_MS);
    timer.unref();
    signal.addEventListener('abort', () => {
      clearInterval(timer);
    }, { once: true });
  }

  async #suspend(key: string): Promise<void> {
    const running = this.#running.get(key);
    const vmi = this.#vmis.get(key);
    if (running !== undefined && vmi?.metadata.uid === running.guest.options.vmiUid && running.guest.state !== 'ended') {
      await this.#suspensions.reconcile(this.#suspendable(running.guest), vmi);
    }
  }

  #suspendable(guest: Guest): SuspendableGuest {
    const folder = this.#vmDir(guest.options.podUid);
    return { guest, folder, data: join(folder, 'data') };
  }

  find(namespace: string, name: string): Guest | undefined {
    return this.#running.get(`${namespace}/${name}`)?.guest;
  }

  address(guest: Guest): string | undefined {
    const { namespace, name } = guest.options;
    return this.#running.get(`${namespace}/${name}`)?.ip;
  }

  handles(pod: Pod): boolean {
    return pod.metadata.labels?.[LABEL_COMPONENT] === LAUNCHER && controllerOf(pod)?.kind === 'VirtualMachineInstance';
  }

  async prepare(pod: Pod, context: PrepareContext): Promise<Record<string, ContainerOverride>> {
    try {
      const vmi = await this.#instance(pod);
      await this.#alone(pod, vmi);
      this.#addresses.set(context.sandbox.uid, context.sandbox.ip);
      return { [COMPUTE_CONTAINER]: await this.#launch(vmi, pod, context) };
    } catch (error) {
      if (error instanceof LaunchError || error instanceof IsoError || error instanceof RangeError || isStatusError(error)) {
        throw new PodStartError('CreateContainerConfigError', messageOf(error), { cause: error });
      }
      throw error;
    }
  }

  started(pod: Pod, { container, id }: StartedContainer): void {
    if (container === COMPUTE_CONTAINER) {
      this.#take(pod, id).catch((error: unknown) => {
        this.#log.error({ error: messageOf(error), pod: keyOf(pod) }, 'a running guest could not be taken up');
      });
    }
  }

  async stop(pod: Pod, container: string, signal: AbortSignal): Promise<void> {
    const running = this.#of(pod);
    if (container !== COMPUTE_CONTAINER || running === undefined) {
      throw new Error('no guest of this pod is known');
    }
    await running.guest.powerDown(signal);
    this.#event(running, 'Normal', 'ShuttingDown', 'Signaled Graceful Shutdown');
  }

  exited(pod: Pod, container: string): void {
    const running = this.#of(pod);
    if (container === COMPUTE_CONTAINER && running !== undefined) {
      running.guest.end();
      this.#running.delete(`${running.guest.options.namespace}/${running.guest.options.name}`);
    }
  }

  async cleanup(pod: Pod): Promise<void> {
    const { uid } = pod.metadata;
    this.exited(pod, COMPUTE_CONTAINER);
    if (uid !== undefined) {
      this.#addresses.delete(uid);
      const { instance } = this.#options;
      await teardownGuestNetwork({ podUid: uid, instance });
      await Promise.all([this.#sockets(uid), this.#vmDir(uid)].map((path) => rm(path, { recursive: true, force: true })));
    }
  }

  async #probe(): Promise<KvmVerdict> {
    const { runDir } = this.#options.instance;
    await mkdir(runDir, { recursive: true });
    const verdict = await kvmUsable(join(runDir, 'kvm.json'));
    this.#log.info({ ...verdict }, verdict.usable ? 'guests run with KVM' : 'guests run under software emulation');
    return verdict;
  }

  #sockets(podUid: string): string {
    return join(this.#options.instance.runDir, 'vm', podUid);
  }

  #vmDir(podUid: string): string {
    return join(podFolder(this.#options.instance.dataDir, podUid), 'vm');
  }

  #of(pod: Pod): Running | undefined {
    const owner = controllerOf(pod);
    const running = owner === undefined ? undefined : this.#running.get(`${pod.metadata.namespace ?? ''}/${owner.name}`);
    return running?.guest.options.podUid === pod.metadata.uid ? running : undefined;
  }

  /** The instance a launcher belongs to. Throws LaunchError when there is none, or another of its name. */
  async #instance(pod: Pod): Promise<VirtualMachineInstance> {
    const owner = controllerOf(pod);
    const { namespace = '' } = pod.metadata;
    const cached = this.#vmis.get(`${namespace}/${owner?.name ?? ''}`);
    const vmi = cached?.metadata.uid === owner?.uid && cached !== undefined
      ? cached : await this.#options.client.get(VIRTUALMACHINEINSTANCES, owner?.name ?? '', namespace);
    if (vmi.metadata.uid !== owner?.uid) {
      throw new LaunchError(`the pod belongs to a virtual machine instance ${vmi.metadata.name} that no longer exists`);
    }
    return vmi;
  }

  /** A machine restarted in a hurry has its next pod while the last one's QEMU still ends: two must never run. */
  async #alone(pod: Pod, vmi: VirtualMachineInstance): Promise<void> {
    const deadline = performance.now() + PREDECESSOR_MS;
    for (;;) {
      const other = this.#running.get(keyOf(vmi));
      if (other === undefined || other.guest.options.podUid === pod.metadata.uid || other.guest.state === 'ended') {
        return;
      }
      if (performance.now() > deadline) {
        throw new LaunchError(`virtual machine ${vmi.metadata.name} still runs in pod ${other.pod.metadata.name}, which does not end`);
      }
      await delay(PREDECESSOR_CHECK_MS);
    }
  }

  async #launch(vmi: VirtualMachineInstance, pod: Pod, context: PrepareContext): Promise<ContainerOverride> {
    const uid = context.sandbox.uid;
    const folders = { sockets: this.#sockets(uid), data: join(context.podDir, 'vm', 'data') };
    const root = join(context.podDir, 'vm', 'root');
    await mkdir(join(this.#options.instance.runDir, 'vm'), { recursive: true, mode: 0o700 });
    const name = interfaceName(vmi);
    const [kvm, mounts, folderMounts, network] = await Promise.all([
      this.#kvm, prepareRootfs(root), prepareFolders(folders, RUN_AS),
      name === undefined ? undefined : this.#network(vmi, pod, context, guestMac(vmi, name)),
    ]);
    const accelerator = kvm.usable ? 'kvm' : 'tcg';
    const restored = await this.#suspensions.restore(vmi, { data: folders.data, folder: join(context.podDir, 'vm') }, accelerator);
    const plan = planLaunch(vmi, { accelerator, ...(network === undefined ? {} : { network }), ...(restored === undefined ? {} : { restored }) });
    const devices = join(this.#options.instance.runDir, 'vm', '.dev');
    const [tun, kvmDevice] = await Promise.all([
      network === undefined ? undefined : openDevice(devices, '/dev/net/tun', TUN),
      kvm.usable ? openDevice(devices, '/dev/kvm', KVM) : undefined,
      restored === undefined ? this.#writeDisks(folders.data, vmi, plan) : undefined,
    ]);
    return {
      rootfs: root, mounts: [...mounts, ...folderMounts], imageVolumes: imagesOf(plan),
      devices: [tun, kvmDevice].filter((device) => device !== undefined),
      command: ['/bin/sh', '-c', plan.script], user: `${RUN_AS}:${RUN_AS}`, env: { PATH: '/usr/bin:/bin' }, workingDir: '/',
      readOnlyRootfs: true, capDrop: ['ALL'], noNewPrivileges: true, pidsLimit: PIDS_LIMIT,
    };
  }

  async #network(vmi: VirtualMachineInstance, pod: Pod, { sandbox }: PrepareContext, mac: string): Promise<{ tap: string; mac: string }> {
    const cidr = vmi.spec.networks?.[0]?.pod?.vmNetworkCIDR;
    const ports = vmi.spec.domain.devices.interfaces?.[0]?.ports;
    return await setupGuestNetwork({
      sandbox, uid: RUN_AS, mac, hostname: hostnameOf(vmi), namespace: pod.metadata.namespace ?? 'default', instance: this.#options.instance,
      ...(ports === undefined || ports.length === 0 ? {} : { ports }), ...(cidr === undefined || cidr === '' ? {} : { vmNetworkCidr: cidr }),
    });
  }

  async #seeds(vmi: VirtualMachineInstance): ReturnType<typeof seedDisks> {
    const { client } = this.#options;
    const { namespace } = vmi.metadata;
    return await seedDisks(vmi, {
      secret: (name) => client.get(SECRETS, name, namespace),
      configMap: (name) => client.get(CONFIGMAPS, name, namespace),
    }, (error) => isStatusError(error, 'NotFound'));
  }

  async #writeDisks(data: string, vmi: VirtualMachineInstance, plan: LaunchPlan): Promise<void> {
    const seeds = await this.#seeds(vmi);
    await Promise.all([
      ...seeds.map(async ({ volume, image }) => {
        const file = join(data, seedFile(volume));
        await writeFile(file, image, { mode: 0o400 });
        await chown(file, RUN_AS, RUN_AS);
      }),
      ...plan.disks.empty.map(async ({ volume, bytes }) => {
        const file = join(data, emptyFile(volume));
        await writeFile(file, '', { mode: 0o600 });
        // Takes room only as the guest writes.
        await truncate(file, bytes);
        await chown(file, RUN_AS, RUN_AS);
      }),
    ]);
  }

  /** A launcher's container runs, just started or found so. */
  async #take(pod: Pod, containerId: string): Promise<void> {
    const { uid = '', namespace = '' } = pod.metadata;
    const owner = controllerOf(pod);
    if (owner === undefined) {
      return;
    }
    const key = `${namespace}/${owner.name}`;
    if (this.#of(pod) !== undefined) {
      return;
    }
    const vmi = await this.#instance(pod);
    const { devices } = vmi.spec.domain;
    const listener: GuestListener = {
      changed: () => {
        this.#reports.queue.add(key);
        if (asksToSuspend(this.#vmis.get(key) ?? vmi)) {
          this.#suspending.queue.add(key);
        }
      },
      panicked: (guest, why) => {
        this.#panicked(guest, pod, why);
      },
    };
    const guest = new Guest({
      namespace, name: owner.name, vmiUid: owner.uid, podUid: uid, sockets: this.#sockets(uid), listener, log: this.#log,
      hasConsole: devices.autoattachSerialConsole !== false, hasDisplay: devices.autoattachGraphicsDevice !== false,
      hasAcpi: vmi.spec.domain.features?.acpi?.enabled !== false,
      scrollback: () => this.#scrollback(uid),
    });
    const ip = this.#addresses.get(uid) ?? pod.status?.podIP;
    const one = this.#suspendable(guest);
    const [resumed, begun] = await Promise.all([this.#suspensions.resumed(one.folder), this.#suspensions.begun(owner.uid)]);
    const unfinished = resumed?.done === false;
    if (unfinished || begun) {
      guest.hold();
    }
    this.#running.set(key, { guest, pod, ip: ip === '' ? undefined : ip });
    this.#log.debug({ vmi: key, container: containerId }, 'a guest runs');
    await guest.open();
    if (unfinished) {
      await this.#goOn(one, resumed);
    }
    this.#suspending.queue.add(key);
  }

  /** A guest that cannot be told to go on, because it ended, is its worker's to report. */
  async #goOn(one: SuspendableGuest, resumed: Resumed): Promise<void> {
    try {
      await this.#suspensions.goOn(one, resumed);
    } catch (error) {
      if (!one.guest.gone.aborted) {
        throw error;
      }
    }
  }

  async #scrollback(podUid: string): Promise<Buffer> {
    const folder = logFolder(podFolder(this.#options.instance.dataDir, podUid), COMPUTE_CONTAINER);
    let files: string[];
    try {
      files = await readdir(folder);
    } catch {
      // No log yet: nothing was shown.
      return Buffer.alloc(0);
    }
    const last = files.filter((file) => /^\d+\.log$/.test(file)).sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10)).at(-1);
    return last === undefined ? Buffer.alloc(0) : await recentOutput(join(folder, last));
  }

  /** The guest may have ended already. */
  #panicked(guest: Guest, pod: Pod, why: string): void {
    this.#event({ guest }, 'Warning', 'GuestPanicked',
      `The guest's kernel panicked: ${why}. Its last words are in \`kubectl logs ${pod.metadata.name}\`; check the kernel's arguments and that it finds its disks, `
      + 'then restart the virtual machine.');
  }

  #event({ guest }: Pick<Running, 'guest'>, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const { namespace, name, vmiUid } = guest.options;
    this.#options.recorder.event(
      { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', metadata: { namespace, name, uid: vmiUid } }, type, reason, message);
  }

  /** Brings an instance's status in line with its guest. */
  async #report(key: string): Promise<void> {
    const running = this.#running.get(key);
    if (running === undefined || (running.guest.state !== 'running' && running.guest.state !== 'paused')) {
      return;
    }
    const { guest } = running;
    const cached = this.#vmis.get(key);
    if (cached === undefined) {
      // The cache will say so when it comes.
      return;
    }
    if (cached.metadata.uid !== guest.options.vmiUid) {
      return;
    }
    const facts = { ip: running.ip, paused: guest.state === 'paused', emulated: guest.emulated };
    const status = runningStatus(cached, running.pod, facts, new Date());
    if (status === undefined || deepEqual(status, cached.status)) {
      return;
    }
    const before = cached.status?.phase;
    const copy = deepClone(cached);
    copy.status = status;
    const { nodeName } = this.#options.instance;
    copy.metadata.labels = { ...copy.metadata.labels, [LABEL_NODE_NAME]: nodeName };
    await this.#options.client.update(VIRTUALMACHINEINSTANCES, copy);
    if (before !== 'Running') {
      this.#event(running, 'Normal', 'Started', 'VirtualMachineInstance started.');
    }
  }
}

function imagesOf(plan: LaunchPlan): NonNullable<ContainerOverride['imageVolumes']> {
  const disks = plan.disks.imageVolumes.map(({ volume, image }) => ({ image, destination: `${IMAGES}/${volume}` }));
  return plan.kernelImage === undefined ? disks : [...disks, { image: plan.kernelImage, destination: `${IMAGES}/${KERNEL_IMAGE}` }];
}
