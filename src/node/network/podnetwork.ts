/** Sandboxes: one routed network namespace per pod. See README.md for the picture. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Instance } from '../../apimachinery/instance.ts';
import type { Log } from '../../apimachinery/log.ts';
import { nodeRange, parseAddress } from './address.ts';
import { AddressPool } from './addresspool.ts';
import { Gate } from './batcher.ts';
import { command } from './command.ts';
import { checkHostPorts, renderHostPorts, type HostPort } from './hostports.ts';
import { hostLinkNames, HostLinks } from './iproute.ts';
import { HOST_MAC, netnsDir, NEXT_HOP, podLink, podLinkPattern, podMac, recordDir } from './names.ts';
import { createNetns, isNetns, listNetns, removeNetns, uplinkMtu } from './netns.ts';
import { ensureNodeLink } from './nodelink.ts';
import { removeNetwork, switchOnForwarding } from './removal.ts';
import { renderBaseRules } from './rules.ts';
import { SandboxRecords, type SandboxRecord } from './sandboxrecord.ts';
import { linkExists, tunePodLink } from './sysctl.ts';

export interface Sandbox {
  /** metadata.uid of the pod. */
  uid: string;
  /** Path of the pinned namespace, for `ns:PATH` and `nsenter --net=`. */
  netns: string;
  /** The pod's IPv4 address. */
  ip: string;
}

export interface PodIdentity {
  uid: string;
  namespace: string;
  name: string;
  hostPorts?: readonly HostPort[];
}

/** Namespaces made at the same time; the kernel serialises most of it anyway. */
const CONCURRENT_SETUPS = 4;
/** A uid becomes a file name. */
const UID = /^[A-Za-z0-9][A-Za-z0-9-]{0,62}$/;

export class PodNetwork {
  readonly instance: Instance;
  readonly #log: Log;
  readonly #links: HostLinks;
  readonly #records: SandboxRecords;
  readonly #pool: AddressPool;
  readonly #gate = new Gate(CONCURRENT_SETUPS);
  readonly #rules = new Gate(1);
  readonly #sandboxes = new Map<string, SandboxRecord>();
  /** Last operation on a pod: setup and teardown of one uid never overlap. */
  readonly #turns = new Map<string, Promise<unknown>>();

  private constructor(instance: Instance, log: Log, links: HostLinks) {
    this.instance = instance;
    this.#log = log;
    this.#links = links;
    this.#records = new SandboxRecords(recordDir(instance));
    this.#pool = new AddressPool(nodeRange(instance.podCidr, instance.nodeAddress), [instance.nodeAddress]);
  }

  /**
   * Make the machine ready for the instance's pods and take up what an earlier process left. Idempotent.
   * Throws RangeConflict when the ranges are somebody else's, CommandError when a tool fails.
   */
  static async prepare(instance: Instance, log: Log): Promise<PodNetwork> {
    const links = new HostLinks();
    const network = new PodNetwork(instance, log, links);
    await mkdir(netnsDir(instance), { recursive: true });
    await ensureNodeLink(instance, links, log);
    await network.#adopt();
    await network.ensureRules();
    await switchOnForwarding(instance, log);
    return network;
  }

  /** Lay down the table's fixed part and the host ports, keeping the services in it. Also after somebody flushed every rule of the machine. */
  ensureRules(): Promise<void> {
    // One after the other: each says what holds at its turn.
    return this.#rules.run(async () => {
      await command('nft', ['-f', '-'], { input: renderBaseRules(this.instance) + renderHostPorts(this.instance, this.#sandboxes.values()) });
    });
  }

  /** The pod's namespace, made or adopted; its address is the same as long as the namespace lives. Throws AddressesExhausted, HostPortTaken. */
  setup(pod: PodIdentity): Promise<Sandbox> {
    if (!UID.test(pod.uid)) {
      return Promise.reject(new Error(`pod uid ${JSON.stringify(pod.uid)} cannot name a network namespace`));
    }
    return this.#inTurn(pod.uid, () => this.#setup(pod));
  }

  /** Remove the pod's namespace, links and address. What does not exist is fine. */
  teardown(uid: string): Promise<void> {
    return this.#inTurn(uid, () => this.#teardown(uid));
  }

  /** Every sandbox that stands, of this process or an earlier one. */
  async list(): Promise<Sandbox[]> {
    return [...this.#sandboxes.values()].filter(({ complete }) => complete).map((record) => this.#sandbox(record));
  }

  /** Remove everything of the instance from the kernel: sandboxes, links, routes, table. */
  async removeAll(): Promise<void> {
    await Promise.allSettled(this.#turns.values());
    this.#sandboxes.clear();
    await removeNetwork(this.instance, this.#log);
  }

  #inTurn<R>(uid: string, task: () => Promise<R>): Promise<R> {
    const before = this.#turns.get(uid) ?? Promise.resolve();
    const turn = before.then(task, task).finally(() => {
      if (this.#turns.get(uid) === turn) {
        this.#turns.delete(uid);
      }
    });
    this.#turns.set(uid, turn);
    return turn;
  }

  #netns(uid: string): string {
    return join(netnsDir(this.instance), uid);
  }

  #sandbox(record: SandboxRecord): Sandbox {
    return { uid: record.uid, netns: this.#netns(record.uid), ip: record.ip };
  }

  async #setup(pod: PodIdentity): Promise<Sandbox> {
    const known = this.#sandboxes.get(pod.uid);
    if (known?.complete === true && linkExists(known.link) && (await isNetns(this.#netns(pod.uid)))) {
      return this.#sandbox(known);
    }
    if (known !== undefined) {
      this.#log.warn({ pod: `${pod.namespace}/${pod.name}`, link: known.link }, 'the pod network was damaged from outside; making it anew');
      await this.#teardown(pod.uid);
    }
    const ip = known !== undefined && this.#pool.claim(known.ip) ? known.ip : this.#pool.allocate();
    const index = (parseAddress(ip) ?? 0) - this.#pool.range.first;
    const record: SandboxRecord = {
      uid: pod.uid, namespace: pod.namespace, name: pod.name, ip, link: podLink(this.instance, index), hostPorts: [], complete: false,
    };
    this.#sandboxes.set(pod.uid, record);
    try {
      await this.#claimHostPorts(record, pod.hostPorts ?? []);
      await this.#records.save(record);
      await this.#build(record);
      if (record.hostPorts.length > 0) {
        await this.ensureRules();
      }
      record.complete = true;
      await this.#records.save(record);
    } catch (error) {
      await this.#teardown(pod.uid);
      throw error;
    }
    return this.#sandbox(record);
  }

  async #claimHostPorts(record: SandboxRecord, wanted: readonly HostPort[]): Promise<void> {
    const others = [...this.#sandboxes.values()].filter((other) => other !== record).map((other) => [`${other.namespace}/${other.name}`, other.hostPorts] as const);
    // Held before anything is awaited, so that two pods cannot both find the port free.
    record.hostPorts = [...wanted];
    await checkHostPorts(wanted, new Map(others));
  }

  async #build(record: SandboxRecord): Promise<void> {
    const mac = podMac(parseAddress(record.ip) ?? 0);
    const mtu = await uplinkMtu();
    // The pair is made inside and its other end handed out to this process's namespace: no name of ours is ever wrong or taken twice.
    // Fixed MACs keep udev from changing them, and permanent neighbours make ARP superfluous (and pointless to forge).
    await this.#gate.run(() => createNetns(this.#netns(record.uid), [
      'link set dev lo up',
      `link add name eth0 mtu ${mtu} address ${mac} type veth peer name ${record.link} mtu ${mtu} address ${HOST_MAC} netns ${process.pid}`,
      `addr add ${record.ip}/32 dev eth0`,
      'link set dev eth0 up',
      `route add ${NEXT_HOP} dev eth0 scope link`,
      `neigh replace ${NEXT_HOP} lladdr ${HOST_MAC} dev eth0 nud permanent`,
      `route add default via ${NEXT_HOP} dev eth0`,
    ]));
    await tunePodLink(record.link);
    await this.#connect(record);
  }

  /** The machine's side: up, a way to the address, its neighbour. Repeats harmlessly. */
  #connect(record: SandboxRecord): Promise<void> {
    return this.#links.apply([
      `link set dev ${record.link} up`,
      `route replace ${record.ip}/32 dev ${record.link} src ${this.instance.nodeAddress}`,
      `neigh replace ${record.ip} lladdr ${podMac(parseAddress(record.ip) ?? 0)} dev ${record.link} nud permanent`,
    ]);
  }

  async #teardown(uid: string): Promise<void> {
    const record = this.#sandboxes.get(uid);
    if (record !== undefined && linkExists(record.link)) {
      await this.#links.remove(record.link);
    }
    await removeNetns(this.#netns(uid));
    await this.#records.remove(uid);
    if (record !== undefined) {
      this.#sandboxes.delete(uid);
      this.#pool.release(record.ip);
      if (record.hostPorts.length > 0) {
        await this.ensureRules();
      }
    }
  }

  /** Take up whole sandboxes of an earlier process; remove what it left half made, and what a reboot left of them. */
  async #adopt(): Promise<void> {
    const known = new Set<string>();
    const links = new Set<string>();
    const adopted: Promise<void>[] = [];
    for (const record of await this.#records.load()) {
      const whole = record.complete && linkExists(record.link) && (await isNetns(this.#netns(record.uid)));
      if (whole && this.#pool.claim(record.ip)) {
        this.#sandboxes.set(record.uid, record);
        known.add(record.uid);
        links.add(record.link);
        adopted.push(this.#connect(record));
      } else {
        await this.#records.remove(record.uid);
      }
    }
    await Promise.all(adopted);
    const strays = (await listNetns(netnsDir(this.instance))).filter((uid) => !known.has(uid));
    await Promise.all(strays.map((uid) => removeNetns(this.#netns(uid))));
    const prefix = podLinkPattern(this.instance).slice(0, -1);
    const loose = (await hostLinkNames()).filter((name) => name.startsWith(prefix) && !links.has(name));
    await Promise.all(loose.map((name) => this.#links.remove(name)));
    if (known.size > 0 || strays.length > 0) {
      this.#log.info({ adopted: known.size, removed: strays.length }, 'took up the pod networks of an earlier run');
    }
  }
}
