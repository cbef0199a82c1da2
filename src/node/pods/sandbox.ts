/** What all containers of a pod share on this machine: folders, network, volumes, hosts file, cgroup. Made once, adopted later. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '../../kinds/generated/core.ts';
import type { HostPort } from '../network/index.ts';
import { prepareCgroup, removeCgroup } from '../podman/cgroups.ts';
import type { MountSpec } from '../podman/spec.ts';
import type { VolumeContext } from '../volumes/payload.ts';
import { PodVolumes } from '../volumes/volumes.ts';
import { cgroupRoot, podCgroup } from './context.ts';
import type { PodContext } from './context.ts';
import { messageOf, PodStartError } from './errors.ts';
import type { ContainerOverride, PodExtension, Sandbox } from './extension.ts';
import { endPidNamespace, pidNamespaceFile, sharedPidNamespace } from './pidholder.ts';
import { writePodFiles } from './podfiles.ts';
import { cpuShares, podCpuRequest } from './resources.ts';

/** On the tmpfs, so gone with a reboot. */
const MARKER = '.sandbox';
/** A cgroup that is still busy is tried again after this long, milliseconds, and so many times; the next start removes what is left. */
const CGROUP_RETRY_MS = 1_000;
const CGROUP_RETRIES = 60;

export function podFolder(dataDir: string, uid: string): string {
  return join(dataDir, 'pods', uid);
}

export class PodSandbox {
  readonly #context: PodContext;
  readonly uid: string;
  readonly podDir: string;
  readonly #secretDir: string;
  readonly volumes: PodVolumes;
  #network: Sandbox | undefined;
  #mounts: MountSpec[] = [];
  #prepared = false;

  constructor(context: PodContext, uid: string) {
    this.#context = context;
    this.uid = uid;
    this.podDir = podFolder(context.instance.dataDir, uid);
    this.#secretDir = join(context.secretRoot, uid);
    this.volumes = new PodVolumes({ podDir: this.podDir, secretDir: this.#secretDir });
  }

  /** Everything is in place. */
  get ready(): boolean {
    return this.#prepared;
  }

  get network(): Sandbox | undefined {
    return this.#network;
  }

  /** hosts and resolv.conf. */
  get mounts(): readonly MountSpec[] {
    return this.#mounts;
  }

  /** The pod's address: the machine's for pods on the host's network, empty before the network stands. */
  ip(pod: Pod): string {
    return pod.spec?.hostNetwork === true ? this.#context.hostIp : this.#network?.ip ?? '';
  }

  /**
   * Idempotent. Answers whether the sandbox is new: since the machine's boot, or since everything was torn down.
   * Throws PodStartError FailedMount or FailedCreatePodSandBox.
   */
  async prepare(pod: Pod): Promise<boolean> {
    await mkdir(this.podDir, { recursive: true, mode: 0o755 });
    // What is needed to clean up should the pod be deleted while Telar is down.
    await writeFile(join(this.podDir, 'pod.json'), JSON.stringify(pod), { mode: 0o600 });
    prepareCgroup(cgroupRoot(this.#context.instance), podCgroup(this.uid), cpuShares(podCpuRequest(pod)));
    const [network, volumes] = await Promise.allSettled([this.#setupNetwork(pod), this.volumes.mount(this.volumeContext(pod))]);
    for (const outcome of [network, volumes]) {
      if (outcome.status === 'rejected') {
        throw outcome.reason;
      }
    }
    this.#mounts = await writePodFiles({
      pod, podDir: this.podDir, ip: this.ip(pod), clusterDomain: this.#context.instance.clusterDomain, resolvConf: this.#context.resolvConf(pod),
    });
    const marker = join(this.#secretDir, MARKER);
    const isNew = !existsSync(marker);
    if (isNew) {
      await mkdir(this.#secretDir, { recursive: true, mode: 0o700 });
      await writeFile(marker, '');
    }
    this.#prepared = true;
    return isNew;
  }

  /** Path of the PID namespace that all containers share; undefined when each has its own. Throws PodStartError. */
  async pidNamespace(pod: Pod): Promise<string | undefined> {
    return pod.spec?.shareProcessNamespace === true ? await sharedPidNamespace(pidNamespaceFile(this.podDir)) : undefined;
  }

  volumeContext(pod: Pod): VolumeContext {
    const { objects, tokens, allocatable, hostIp, instance } = this.#context;
    return {
      pod, objects, allocatable,
      token: (of, projection) => tokens.get(of, projection),
      addresses: { podIp: this.ip(pod), hostIp, nodeName: instance.nodeName },
    };
  }

  /** Asks the extension what the containers are, when there is one for this pod. */
  async overrides(pod: Pod, extension: PodExtension | undefined): Promise<Record<string, ContainerOverride>> {
    if (extension === undefined || this.#network === undefined) {
      return {};
    }
    return await extension.prepare(pod, { sandbox: this.#network, podDir: this.podDir });
  }

  /** Gives everything back. Logs stay while `keepLogs`, as those of a pod that ended must. */
  async release(keepLogs: boolean): Promise<void> {
    this.#prepared = false;
    const { network, objects, tokens, instance } = this.#context;
    objects.release(this.uid);
    tokens.release(this.uid);
    await endPidNamespace(pidNamespaceFile(this.podDir));
    await network.teardown(this.uid);
    this.#network = undefined;
    await this.volumes.remove(keepLogs);
    this.#removeCgroup(join(cgroupRoot(instance), podCgroup(this.uid)));
  }

  /** Nobody waits for it: the kernel lets a group go only when its last process has been reaped. */
  #removeCgroup(path: string, tries = 0): void {
    if (!removeCgroup(path) && tries < CGROUP_RETRIES) {
      setTimeout(() => { this.#removeCgroup(path, tries + 1); }, CGROUP_RETRY_MS).unref();
    }
  }

  async #setupNetwork(pod: Pod): Promise<void> {
    if (pod.spec?.hostNetwork === true) {
      return;
    }
    const { name, namespace = 'default' } = pod.metadata;
    try {
      this.#network = await this.#context.network.setup({ uid: this.uid, namespace, name, hostPorts: hostPorts(pod) });
    } catch (error) {
      throw new PodStartError('FailedCreatePodSandBox', `Failed to create pod sandbox: ${messageOf(error)}`, { cause: error });
    }
  }
}

/** Ports of the machine that the pod asks for; with the host's network they are its own anyway. */
function hostPorts(pod: Pod): HostPort[] {
  return [...pod.spec?.containers ?? [], ...pod.spec?.initContainers ?? []].flatMap(({ ports = [] }) => ports.flatMap((port): HostPort[] => (port.hostPort
    ? [{ protocol: port.protocol ?? 'TCP', hostPort: port.hostPort, containerPort: port.containerPort, ...(port.hostIP ? { hostIP: port.hostIP } : {}) }]
    : [])));
}
