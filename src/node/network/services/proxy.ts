/** Services as kernel rules and DNS names, kept current from the API. Everything goes on in the kernel while nobody runs this. */
import type { Instance } from '../../../apimachinery/instance.ts';
import type { Log } from '../../../apimachinery/log.ts';
import { keyOf } from '../../../apimachinery/object.ts';
import type { EventRecorder } from '../../../client/events.ts';
import type { Informer } from '../../../client/informer.ts';
import type { Informers } from '../../../client/informers.ts';
import { ENDPOINTSLICES, SERVICES } from '../../../client/resources.ts';
import type { Service } from '../../../kinds/generated/core.ts';
import type { EndpointSlice } from '../../../kinds/generated/discovery.ts';
import { nodeRange, type Range } from '../address.ts';
import { command, CommandError } from '../command.ts';
import { checkForwarding } from '../forwarding.ts';
import { DNS_PORT, superviseGateway } from '../gatewayprocess.ts';
import { tableName } from '../names.ts';
import type { PodNetwork } from '../podnetwork.ts';
import { NODE_PORT_MAP, REJECTED_NODE_PORTS } from '../rules.ts';
import { UdpFlows } from './conntrack.ts';
import { desiredOf, dnsDesired, type Desired, type NodePort, type UdpTarget } from './desired.ts';
import { ZoneFile, zoneText } from './dnszone.ts';
import { SERVICE_NAME_LABEL } from './endpoints.ts';
import { readTable } from './kernelstate.ts';
import { Ledger } from './ledger.ts';
import { describeHolder, holderOf, readListeners, type Listeners } from './ports.ts';

/** How often the table is looked for. */
const CHECK_MS = 30_000;
/** How often other firewalls are looked at: Docker, say, may come long after us. */
const FIREWALL_MS = 300_000;
/** How often a node port that somebody else holds is tried again. */
const PORT_RETRY_MS = 5000;
/** Pause after a transaction that failed, milliseconds; doubles up to the maximum. */
const RETRY_MS = 200;
const RETRY_MAX_MS = 30_000;
const BY_SERVICE = 'service';
/** What no Service is called. */
const DNS_KEY = '(dns)';

export interface ServiceProxyOptions {
  network: Pick<PodNetwork, 'ensureRules'>;
  informers: Informers;
  instance: Instance;
  log: Log;
  recorder: Pick<EventRecorder, 'event'>;
  /** Command line of the DNS process, kept running when given (see `gatewayprocess.ts`). */
  gatewayCommand?: readonly string[];
}

export class ServiceProxy {
  readonly #options: ServiceProxyOptions;
  readonly #log: Log;
  readonly #services: Informer<Service>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #ledger: Ledger;
  readonly #zone: ZoneFile;
  readonly #flows: UdpFlows;
  readonly #pods: Range;
  readonly #dirty = new Set<string>();
  /** UDP targets of each service, as they were last written. */
  readonly #udp = new Map<string, Map<string, UdpTarget>>();
  /** `tcp/30080` → services that want it although somebody else has it. */
  readonly #blocked = new Map<string, Set<string>>();
  /** Clashes told already: an event for each, once. */
  readonly #told = new Set<string>();
  #draining: Promise<void> | undefined;
  #firewalls: ReadonlySet<string> = new Set();
  #dnsPort = DNS_PORT;
  #stale = true;
  #failures = 0;
  #signal: AbortSignal | undefined;

  constructor(options: ServiceProxyOptions) {
    const { instance, informers } = options;
    this.#options = options;
    this.#log = options.log.child({ component: 'services' });
    this.#services = informers.for(SERVICES);
    this.#slices = informers.for(ENDPOINTSLICES);
    this.#slices.addIndex(BY_SERVICE, (slice) => serviceKeys(slice));
    this.#ledger = new Ledger(tableName(instance));
    this.#zone = new ZoneFile(instance, (error) => { this.#log.error({ err: error }, 'could not write the DNS names'); });
    this.#flows = new UdpFlows(this.#log);
    this.#pods = nodeRange(instance.podCidr, instance.nodeAddress);
  }

  /** Resolves when kernel and DNS file say what the API says. Ends with `signal`; what it wrote stays. */
  async start(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    await Promise.all([this.#services.start(signal), this.#slices.start(signal)]);
    const service = (object: Service): void => { this.#mark(keyOf(object)); };
    this.#services.on({ added: service, updated: service, deleted: service });
    const slice = (object: EndpointSlice): void => { serviceKeys(object).forEach((key) => { this.#mark(key); }); };
    this.#slices.on({
      added: slice, deleted: slice,
      updated: (object, old) => {
        slice(old);
        slice(object);
      },
    });
    await this.#settle();
    await this.#zone.flush();
    const { gatewayCommand, instance } = this.#options;
    if (gatewayCommand !== undefined) {
      // Not awaited: names come a moment after the rest. It tells of its failures itself.
      superviseGateway({ instance, command: gatewayCommand, log: this.#log, onPort: (port) => { this.#leadDns(port); } }, signal)
        .catch((error: unknown) => { this.#log.error({ err: error }, 'cluster DNS is not watched'); });
    }
    this.#every(CHECK_MS, () => this.checkTable());
    this.#every(FIREWALL_MS, () => this.#checkFirewalls());
    await this.#checkFirewalls();
    this.#every(PORT_RETRY_MS, async () => { this.#retryPorts(); });
  }

  /** Where another program has port 53 of every address, the gateway serves on a port of its own choice: lead its address there. */
  #leadDns(port: number): void {
    if (port !== this.#dnsPort) {
      this.#dnsPort = port;
      this.#mark(DNS_KEY);
    }
  }

  /** Resolves when everything marked so far is in the kernel. */
  async #settle(): Promise<void> {
    this.#wake();
    while (this.#draining !== undefined) {
      await this.#draining;
    }
  }

  #mark(key: string): void {
    this.#dirty.add(key);
    this.#wake();
  }

  #wake(): void {
    if (this.#draining === undefined && this.#signal?.aborted === false) {
      this.#draining = this.#drain().finally(() => {
        this.#draining = undefined;
        if (this.#dirty.size > 0) {
          this.#wake();
        }
      });
    }
  }

  async #drain(): Promise<void> {
    // Everything that is told in this turn (a list, a controller's burst) goes into one transaction.
    await new Promise((resolve) => { setImmediate(resolve); });
    while ((this.#dirty.size > 0 || this.#stale) && this.#signal?.aborted === false) {
      const keys = [...this.#dirty];
      this.#dirty.clear();
      try {
        await this.#apply(keys);
        this.#failures = 0;
      } catch (error) {
        this.#failures++;
        this.#stale = true;
        keys.forEach((key) => this.#dirty.add(key));
        this.#log.error({ err: error, failures: this.#failures }, 'could not write the services to the kernel; will read it and try again');
        await this.#pause(Math.min(RETRY_MS * 2 ** (this.#failures - 1), RETRY_MAX_MS));
      }
    }
  }

  async #apply(keys: readonly string[]): Promise<void> {
    const { instance, network } = this.#options;
    if (this.#stale) {
      if (this.#failures > 0) {
        await network.ensureRules();
      }
      this.#ledger.load(await readTable(tableName(instance)));
      this.#stale = false;
    }
    const listeners = keys.some((key) => this.#services.get(key)?.spec.ports?.some(({ nodePort }) => nodePort !== undefined)) ? await readListeners() : new Map();
    const stale: UdpTarget[] = [];
    for (const key of keys) {
      stale.push(...this.#describe(key, listeners));
    }
    const plan = this.#ledger.plan();
    if (plan.script !== '') {
      await command('nft', ['-f', '-'], { input: plan.script });
    }
    plan.commit();
    await this.#flows.forget(stale);
    this.#zone.flushSoon();
  }

  /** Put one service's wishes into the ledger and the zone; answers the UDP addresses whose backends changed. */
  #describe(key: string, listeners: Listeners): UdpTarget[] {
    if (key === DNS_KEY) {
      this.#ledger.set(key, dnsDesired(this.#options.instance.dnsAddress, this.#dnsPort));
      return [];
    }
    const service = this.#services.get(key);
    const slices = this.#slices.byIndex(BY_SERVICE, key);
    this.#unblock(key);
    let desired: Desired | undefined;
    if (service !== undefined) {
      desired = desiredOf(service, slices, {
        nodeName: this.#options.instance.nodeName,
        pods: this.#pods,
        dnsAddress: this.#options.instance.dnsAddress,
        places: (key, nodePort) => this.#ledger.places(key, nodePort),
        nodePortFree: (port) => this.#nodePortFree(service, port, listeners),
      });
    }
    for (const clash of this.#ledger.set(key, desired)) {
      this.#tell(service, 'AddressInUse', `${clash.key} is already offered by Service ${clash.holder}: change one of them`);
    }
    this.#zone.set(key, service === undefined ? undefined : zoneText(service, slices));
    const before = this.#udp.get(key) ?? new Map<string, UdpTarget>();
    const now = new Map((desired?.udp ?? []).map((target) => [`${target.address}:${target.port}`, target]));
    if (now.size > 0) {
      this.#udp.set(key, now);
    } else {
      this.#udp.delete(key);
    }
    const names = (target: UdpTarget | undefined): string => JSON.stringify(target?.backends.map(({ ip, port }) => `${ip}:${port}`).toSorted() ?? []);
    return [...new Set([...before.keys(), ...now.keys()])]
      .filter((name) => names(before.get(name)) !== names(now.get(name)))
      .flatMap((name) => {
        const target = now.get(name) ?? before.get(name);
        return target === undefined ? [] : [now.has(name) ? target : { ...target, backends: [] }];
      });
  }

  #nodePortFree(service: Service, port: NodePort, listeners: Listeners): boolean {
    const element = `${port.protocol} . ${port.port}`;
    if (this.#ledger.has(NODE_PORT_MAP, element) || this.#ledger.has(REJECTED_NODE_PORTS, element)) {
      // Ours since before: whoever binds it later gets nothing of what arrives, and nothing flaps.
      return true;
    }
    const inode = holderOf(listeners, port);
    if (inode === undefined) {
      this.#told.delete(`${keyOf(service)}/${port.protocol}/${port.port}`);
      return true;
    }
    const name = `${port.protocol}/${port.port}`;
    this.#blocked.set(name, (this.#blocked.get(name) ?? new Set()).add(keyOf(service)));
    const told = `${keyOf(service)}/${name}`;
    if (!this.#told.has(told)) {
      this.#told.add(told);
      this.#tellPortTaken(service, port, inode).catch((error: unknown) => { this.#log.error({ err: error }, 'could not tell who holds a node port'); });
    }
    return false;
  }

  async #tellPortTaken(service: Service, port: NodePort, inode: string): Promise<void> {
    const holder = await describeHolder(inode);
    this.#tell(service, 'NodePortInUse', `Node port ${port.port}/${port.protocol.toUpperCase()} is used by ${holder} on this machine: stop it or choose another nodePort. Until then the Service answers on its cluster address only`);
  }

  #unblock(key: string): void {
    for (const [name, services] of this.#blocked) {
      services.delete(key);
      if (services.size === 0) {
        this.#blocked.delete(name);
      }
    }
  }

  #tell(service: Service | undefined, reason: string, message: string): void {
    if (service !== undefined) {
      this.#options.recorder.event({ apiVersion: 'v1', kind: 'Service', metadata: service.metadata }, 'Warning', reason, message);
    }
  }

  #retryPorts(): void {
    new Set([...this.#blocked.values()].flatMap((services) => [...services])).forEach((key) => { this.#mark(key); });
  }

  /** Lay the table down again if somebody removed it (`systemctl restart nftables` flushes everybody's rules). Also called from time to time. */
  async checkTable(): Promise<void> {
    if (this.#draining !== undefined) {
      return;
    }
    try {
      await command('nft', ['list', 'chain', 'inet', tableName(this.#options.instance), 'dnat-arriving']);
    } catch (error) {
      if (!(error instanceof CommandError)) {
        throw error;
      }
      this.#log.warn({}, 'somebody removed the network rules of this instance; laying them down again');
      await this.#options.network.ensureRules();
      this.#stale = true;
      await this.#settle();
    }
  }

  /** Tell what of other firewalls stands between pods and the network, as an event of the Node, each time it changes. */
  async #checkFirewalls(): Promise<void> {
    const { instance, recorder } = this.#options;
    const { problems } = await checkForwarding(instance);
    const news = problems.filter(({ detail }) => !this.#firewalls.has(detail));
    this.#firewalls = new Set(problems.map(({ detail }) => detail));
    for (const { detail, fix } of news) {
      this.#log.warn({ problem: detail, fix }, 'another firewall on this machine stands between pods and the network');
      recorder.event({ apiVersion: 'v1', kind: 'Node', metadata: { name: instance.nodeName, uid: instance.nodeName } }, 'Warning', 'FirewallBlocksPods', `${detail}: pods may not reach each other or the outside. To let them: ${fix}`);
    }
  }

  #every(milliseconds: number, task: () => Promise<void>): void {
    const timer = setInterval(() => {
      task().catch((error: unknown) => { this.#log.error({ err: error }, 'periodic check failed'); });
    }, milliseconds);
    timer.unref();
    this.#signal?.addEventListener('abort', () => { clearInterval(timer); }, { once: true });
  }

  async #pause(milliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, milliseconds);
    const stop = (): void => {
      clearTimeout(timer);
      resolve();
    };
    this.#signal?.addEventListener('abort', stop, { once: true });
    await promise;
    this.#signal?.removeEventListener('abort', stop);
  }
}

function serviceKeys(slice: EndpointSlice): string[] {
  const name = slice.metadata.labels?.[SERVICE_NAME_LABEL];
  return name === undefined ? [] : [`${slice.metadata.namespace ?? ''}/${name}`];
}
