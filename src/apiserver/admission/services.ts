/** Cluster IPs and node ports of Services. */
import type { KubeObject } from '../../apimachinery/object.ts';
import { fieldError, internalError, invalid, type FieldError } from '../../apimachinery/status.ts';
import type { Service, ServicePort } from '../../kinds/generated/core.ts';
import type { AnyKind } from '../../kinds/kind.ts';
import type { AdmissionPlugin, AdmissionRequest, Reservation } from './admission.ts';
import { Allocator } from './allocator.ts';
import { formatIpv4, parseCidr, parseIpv4 } from './ipv4.ts';
import { typed } from '../../kinds/typed.ts';

const FIRST_NODE_PORT = 30_000;
const LAST_NODE_PORT = 32_767;
/** The first addresses are given only to those who ask for them: `kubernetes` is .1, DNS is .10. */
const RESERVED_ADDRESSES = 16;
const HEADLESS = 'None';

const isService = (kind: AnyKind): boolean => kind.group === '' && kind.plural === 'services';

const asService = (object: KubeObject): Service => typed('v1 Service', object);

const typeOf = (service: Service): string => service.spec?.type ?? 'ClusterIP';
const needsClusterIp = (service: Service): boolean => typeOf(service) !== 'ExternalName';
const needsNodePorts = (service: Service): boolean =>
  typeOf(service) === 'NodePort' || (typeOf(service) === 'LoadBalancer' && service.spec?.allocateLoadBalancerNodePorts !== false);

const portsOf = (service: Service): ServicePort[] => service.spec?.ports ?? [];
const nodePortsOf = (service: Service): number[] => [...new Set(portsOf(service).flatMap((port) => (port.nodePort ? [port.nodePort] : [])))];

function addressOf(service: Service): number | undefined {
  const address = service.spec?.clusterIP ?? '';
  return address === HEADLESS ? undefined : parseIpv4(address);
}

function refuse(service: Service, error: FieldError): never {
  throw invalid({ group: '', resource: 'Service', name: service.metadata?.name ?? '' }, [error]);
}

/** Says which address families were given; only one is served. */
function nameFamilies(service: Service): void {
  if (service.spec !== undefined && needsClusterIp(service)) {
    service.spec.ipFamilies ??= ['IPv4'];
    service.spec.ipFamilyPolicy ??= 'SingleStack';
  }
}

export class ServiceAllocation implements AdmissionPlugin {
  readonly name = 'ServiceAllocation';
  readonly #cidr: string;
  readonly #addresses: Allocator;
  readonly #nodePorts = new Allocator(FIRST_NODE_PORT, LAST_NODE_PORT);

  constructor(serviceCidr: string) {
    const { first, last } = parseCidr(serviceCidr);
    this.#cidr = serviceCidr;
    this.#addresses = new Allocator(first + 1, last - 1, Math.min(first + RESERVED_ADDRESSES, last - 1));
  }

  reserve(request: AdmissionRequest): Reservation | undefined {
    if (!isService(request.kind) || request.object === undefined || request.subresource !== '') {
      return undefined;
    }
    const service = asService(request.object);
    const old = request.old === undefined ? undefined : asService(request.old);
    const addresses: number[] = [];
    const ports: number[] = [];
    const release = (): void => {
      addresses.forEach((address) => this.#addresses.release(address));
      ports.forEach((port) => this.#nodePorts.release(port));
    };
    try {
      this.#reserveAddress(service, old, addresses);
      this.#reservePorts(service, old, ports);
      nameFamilies(service);
    } catch (error) {
      release();
      throw error;
    }
    return { release };
  }

  committed(kind: AnyKind, now: KubeObject | undefined, before: KubeObject | undefined): void {
    if (!isService(kind)) {
      return;
    }
    this.#account(now, 'own');
    this.#account(before, 'disown');
  }

  #account(object: KubeObject | undefined, change: 'own' | 'disown'): void {
    if (object === undefined) {
      return;
    }
    const service = asService(object);
    const address = addressOf(service);
    if (address !== undefined) {
      this.#addresses[change](address);
    }
    nodePortsOf(service).forEach((port) => this.#nodePorts[change](port));
  }

  #reserveAddress(service: Service, old: Service | undefined, held: number[]): void {
    const { spec } = service;
    if (spec === undefined || !needsClusterIp(service) || spec.clusterIP === HEADLESS) {
      return;
    }
    if (!spec.clusterIP) {
      const address = this.#addresses.holdAny();
      if (address === undefined) {
        throw internalError('failed to allocate a serviceIP: range is full');
      }
      held.push(address);
      spec.clusterIP = formatIpv4(address);
      spec.clusterIPs = [spec.clusterIP];
      return;
    }
    if (spec.clusterIP === old?.spec?.clusterIP) {
      return;
    }
    const address = parseIpv4(spec.clusterIP);
    if (address === undefined || !this.#addresses.contains(address)) {
      refuse(service, fieldError.invalid('spec.clusterIPs', [spec.clusterIP],
        `failed to allocate IP ${spec.clusterIP}: the provided IP (${spec.clusterIP}) is not in the valid range. The range of valid IPs is ${this.#cidr}`));
    }
    if (!this.#addresses.hold(address)) {
      refuse(service, fieldError.invalid('spec.clusterIPs', [spec.clusterIP], `failed to allocate IP ${spec.clusterIP}: provided IP is already allocated`));
    }
    held.push(address);
  }

  #reservePorts(service: Service, old: Service | undefined, held: number[]): void {
    if (!needsNodePorts(service)) {
      return;
    }
    const own = new Set(old === undefined ? [] : nodePortsOf(old));
    for (const [index, port] of portsOf(service).entries()) {
      const wanted = port.nodePort ?? 0;
      if (wanted === 0) {
        const free = this.#nodePorts.holdAny();
        if (free === undefined) {
          throw internalError('failed to allocate a nodePort: range is full');
        }
        held.push(free);
        port.nodePort = free;
      } else if (!own.has(wanted) && !held.includes(wanted)) {
        this.#hold(service, index, wanted);
        held.push(wanted);
      }
    }
  }

  #hold(service: Service, index: number, port: number): void {
    const field = `spec.ports[${index}].nodePort`;
    if (!this.#nodePorts.contains(port)) {
      refuse(service, fieldError.invalid(field, port,
        `provided port is not in the valid range. The range of valid ports is ${FIRST_NODE_PORT}-${LAST_NODE_PORT}`));
    }
    if (!this.#nodePorts.hold(port)) {
      refuse(service, fieldError.invalid(field, port, 'provided port is already allocated'));
    }
  }
}
