/** An instance of a test's own on the real kernel: ranges, pods that answer, clients. Everything goes with `remove()`. For tests. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Instance } from '../../../apimachinery/instance.ts';
import type { Log } from '../../../apimachinery/log.ts';
import { Client } from '../../../client/client.ts';
import { Informers } from '../../../client/informers.ts';
import { ENDPOINTSLICES, EVENTS, SERVICES } from '../../../client/resources.ts';
import { MemoryTransport } from '../../../client/testing/memory.ts';
import type { Service, ServiceSpec } from '../../../kinds/generated/core.ts';
import type { Endpoint, EndpointSlice } from '../../../kinds/generated/discovery.ts';
import { tableName } from '../names.ts';
import { PodNetwork, type Sandbox } from '../podnetwork.ts';
import { ServiceProxy } from '../services/proxy.ts';

/** TCP and UDP: answers its name and who asks. Says `up` when it listens. */
const ANSWERER = `
const [name, port] = process.argv.slice(1);
const net = require('node:net'), dgram = require('node:dgram');
const udp = dgram.createSocket('udp4');
udp.on('message', (data, from) => udp.send(name + ' ' + from.address, from.port, from.address));
net.createServer((socket) => { socket.on('error', () => {}); socket.end(name + ' ' + socket.remoteAddress.replace('::ffff:', '')); })
  .listen(Number(port), '0.0.0.0', () => udp.bind(Number(port), '0.0.0.0', () => console.log('up')));
`;

/** One question from a fixed source port; prints the answer or the error. */
const ASKER = `
const [address, port, from] = process.argv.slice(1);
const socket = require('node:dgram').createSocket('udp4');
const end = (text) => { console.log(text); process.exit(); };
socket.on('message', (data) => end(data.toString()));
socket.on('error', (error) => end(error.code));
socket.bind(Number(from), () => socket.connect(Number(port), address, () => socket.send('?')));
setTimeout(() => end('timeout'), 1500);
`;

/** Errors of the code under test are seen; the rest is not. */
const testLog: Log = {
  debug: () => undefined, info: () => undefined, warn: () => undefined, child: () => testLog,
  error: (bindings, message) => { process.stderr.write(`${message} ${String(new Map<string, unknown>(Object.entries(bindings)).get('err'))}\n`); },
};

export interface Answer {
  /** Name of the pod that answered, or what went wrong: `refused`, `unreachable`, `No route`, `timeout`. */
  name: string;
  /** Address the pod saw. */
  from: string;
}

function runTool(file: string, args: readonly string[], input?: string): Promise<{ stdout: string; stderr: string; code: number }> {
  const { promise, resolve } = Promise.withResolvers<{ stdout: string; stderr: string; code: number }>();
  const child = execFile(file, [...args], { env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C' } }, (error, stdout, stderr) => {
    resolve({ stdout, stderr, code: error === null ? 0 : Number(error.code ?? 1) });
  });
  // What does not read its input is judged by its answer.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input ?? '');
  return promise;
}

export class Bed {
  readonly instance: Instance;
  readonly api = new MemoryTransport([SERVICES, ENDPOINTSLICES, EVENTS]);
  readonly client = new Client(this.api);
  readonly events: { reason: string; message: string }[] = [];
  readonly #dir = mkdtempSync(join(tmpdir(), 'telar-net-'));
  readonly #children: ChildProcess[] = [];
  #stop = new AbortController();
  network: PodNetwork | undefined;

  /** `octet` chooses the ranges 10.octet/16 and 10.(octet+1)/16: test files run beside each other. */
  constructor(octet: number) {
    const pods = `10.${octet}`;
    const services = `10.${octet + 1}`;
    this.instance = {
      id: `t${String(octet).padStart(3, '0')}${(process.pid % 100).toString().padStart(2, '0')}`,
      dataDir: this.#dir, runDir: join(this.#dir, 'run'), podCidr: `${pods}.0.0/16`, serviceCidr: `${services}.0.0/16`, clusterDomain: 'cluster.local',
      dnsAddress: `${services}.0.10`, apiAddress: `${services}.0.1`, nodeAddress: `${pods}.0.1`, nodeName: 'here', port: 0, listen: '127.0.0.1',
    };
  }

  async prepare(): Promise<PodNetwork> {
    await mkdir(this.instance.runDir, { recursive: true });
    this.network = await PodNetwork.prepare(this.instance, testLog);
    return this.network;
  }

  get net(): PodNetwork {
    if (this.network === undefined) {
      throw new Error('prepare() first');
    }
    return this.network;
  }

  /** A ServiceProxy over the in-memory API, synced. */
  async startProxy(gatewayCommand?: readonly string[]): Promise<ServiceProxy> {
    this.#stop = new AbortController();
    const proxy = new ServiceProxy({
      network: this.net, informers: new Informers(this.client), instance: this.instance, log: testLog,
      recorder: { event: (_object, _type, reason, message) => { this.events.push({ reason, message }); } },
      ...(gatewayCommand === undefined ? {} : { gatewayCommand }),
    });
    await proxy.start(this.#stop.signal);
    return proxy;
  }

  stopProxy(): void {
    this.#stop.abort();
  }

  /** A sandbox in which something answers on `port`, TCP and UDP. */
  async pod(name: string, port = 8080): Promise<Sandbox> {
    const sandbox = await this.net.setup({ uid: name, namespace: 'default', name });
    await this.answerer(name, port, sandbox);
    return sandbox;
  }

  async answerer(name: string, port: number, sandbox?: Sandbox): Promise<ChildProcess> {
    const args = ['-e', ANSWERER, name, String(port)];
    const child = sandbox === undefined ? spawn(process.execPath, args) : spawn('nsenter', [`--net=${sandbox.netns}`, process.execPath, ...args]);
    this.#children.push(child);
    await new Promise<void>((resolve, reject) => {
      child.stdout.once('data', () => { resolve(); });
      child.once('exit', (code) => { reject(new Error(`the answerer ended: ${code}`)); });
    });
    return child;
  }

  /** Connect by TCP from a pod, or from the machine. */
  async ask(from: Sandbox | undefined, address: string, port: number): Promise<Answer> {
    const args = ['nc', '-w', '2', address, String(port)];
    const { stdout, stderr } = await (from === undefined ? runTool('busybox', args) : runTool('nsenter', [`--net=${from.netns}`, 'busybox', ...args]));
    const [name, seen] = stdout.trim().split(' ');
    return name === undefined || name === '' ? { name: /refused|unreachable|No route/.exec(stderr)?.[0] ?? (stderr.trim() || 'timeout'), from: '' } : { name, from: seen ?? '' };
  }

  async askUdp(from: Sandbox | undefined, address: string, port: number, sourcePort = 0): Promise<Answer> {
    const args = ['-e', ASKER, address, String(port), String(sourcePort)];
    const { stdout } = await (from === undefined ? runTool(process.execPath, args) : runTool('nsenter', [`--net=${from.netns}`, process.execPath, ...args]));
    const [name = '', seen = ''] = stdout.trim().split(' ');
    return { name, from: seen };
  }

  inPod(sandbox: Sandbox, ...args: string[]): Promise<{ stdout: string; stderr: string; code: number }> {
    return runTool('nsenter', [`--net=${sandbox.netns}`, ...args]);
  }

  tool(file: string, ...args: string[]): Promise<{ stdout: string; stderr: string; code: number }> {
    return runTool(file, args);
  }

  /** The instance's table without counters and without the order in which the kernel happens to list elements. */
  async tableWords(): Promise<string[]> {
    const { stdout } = await runTool('nft', ['-s', 'list', 'table', 'inet', tableName(this.instance)]);
    return stdout.split(/[\s,]+/).toSorted();
  }

  /** What changes in any table from now on, those of other instances left out. */
  watchTable(): { stop(): Promise<string> } {
    const child = spawn('nft', ['monitor'], { stdio: ['ignore', 'pipe', 'ignore'] });
    this.#children.push(child);
    let seen = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => { seen += text; });
    return {
      stop: async () => {
        await new Promise((resolve) => { setTimeout(resolve, 200); });
        child.kill();
        return seen.split('\n').filter((line) => line.includes(this.instance.id)).join('\n');
      },
    };
  }

  service(name: string, spec: ServiceSpec): Promise<Service> {
    return this.client.create(SERVICES, { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'default' }, spec });
  }

  slice(service: string, endpoints: Endpoint[], ports: EndpointSlice['ports'] = [{ port: 8080, protocol: 'TCP' }, { name: 'udp', port: 8080, protocol: 'UDP' }]): EndpointSlice {
    return {
      apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4', endpoints, ports: ports ?? [],
      metadata: { name: `${service}-1`, namespace: 'default', labels: { 'kubernetes.io/service-name': service } },
    };
  }

  /** Create or replace the service's slice. */
  async endpoints(service: string, addresses: readonly string[], more: Partial<Endpoint> = {}): Promise<void> {
    const slice = this.slice(service, addresses.map((ip) => ({ addresses: [ip], nodeName: 'here', ...more })));
    const known = await this.client.get(ENDPOINTSLICES, slice.metadata.name, 'default').catch(() => undefined);
    if (known === undefined) {
      await this.client.create(ENDPOINTSLICES, slice);
    } else {
      await this.client.update(ENDPOINTSLICES, { ...slice, metadata: known.metadata });
    }
  }

  async remove(): Promise<void> {
    this.stopProxy();
    this.#children.forEach((child) => child.kill('SIGKILL'));
    await this.network?.removeAll();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

/** Try until it holds. */
export async function until<T>(probe: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  const end = Date.now() + 20_000;
  for (;;) {
    const value = await probe();
    if (holds(value) || Date.now() > end) {
      return value;
    }
    await new Promise((resolve) => { setTimeout(resolve, 30); });
  }
}
