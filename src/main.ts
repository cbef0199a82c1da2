/**
 * The one file that wires rooms together. Each command loads only the rooms it needs: `telar ps` never sees the server,
 * the gateway process never sees more than itself.
 */
import { chmod, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import packageJson from '../package.json' with { type: 'json' };
import type { Instance } from './apimachinery/instance.ts';
import type { Log } from './apimachinery/log.ts';
import type { NodeHandler } from './apimachinery/nodehandler.ts';
import type { KubeObject } from './apimachinery/object.ts';
import { isObject } from './apimachinery/values.ts';
import type { BackupSource } from './apiserver/paths/backup.ts';
import type { ApiServer } from './apiserver/server.ts';
import type { Pki } from './apiserver/pki/index.ts';
import { kubeconfigPath, recordPath, urlOf } from './cli/instance/record.ts';
import type { ControlOptions, NodeOptions, ServeOptions, StoreReport, Users, Wiring } from './cli/wiring.ts';
import type { Connection, HttpsTransport } from './client/https.ts';
import type { Transport } from './client/transport.ts';
import type { Identity } from './controllers/context.ts';
import type { Transformer } from './store/transformer.ts';
import type { RunningNode } from './node/node.ts';

/** A process whose work is over ends by itself, or after this. */
const EXIT_LIMIT_MS = 2_000;
/** A start has settled after this: the first lists and watches are done. */
const SETTLE_MS = 3_000;
/** How often a server without a node looks whether one on this machine has brought the address that pods know the server by. */
const ADDRESS_CHECK_MS = 500;
/** The Lease that controllers of several processes share. */
const LEASE = { name: 'telar-controllers', namespace: 'kube-system' };
const SELF = fileURLToPath(import.meta.url);
/** Whom the roles of this process are to the API server. */
const ADMINISTRATOR = { name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] };
const nodeUser = ({ nodeName }: Instance): { name: string; groups: string[] } => ({ name: `system:node:${nodeName}`, groups: ['system:nodes', 'system:authenticated'] });

const pkiDirOf = ({ dataDir }: Instance): string => join(dataDir, 'pki');

/**
 * What a start leaves behind (parsed sources, tables being built) is a quarter of the process until V8 collects it, which an idle
 * process never makes it do. Node.js offers no other way to ask for it.
 */
function giveBackMemory(): void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  if (typeof collect === 'function') {
    Reflect.apply(collect, undefined, []);
  }
}

/** How the node starts the DNS process: this program again, with a heap as small as its work. */
const gatewayCommand = (): string[] => [process.execPath, '--disable-warning=ExperimentalWarning', '--max-old-space-size=48', '--max-semi-space-size=1', SELF, 'gateway'];

async function writeAdminKubeconfig(dataDir: string, content: string): Promise<void> {
  const path = kubeconfigPath(dataDir);
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, content, { mode: 0o600 });
  await chmod(temporary, 0o600);
  await rename(temporary, path);
}

const aborted = (signal: AbortSignal): Promise<void> => new Promise((resolve) => {
  if (signal.aborted) {
    resolve();
  } else {
    signal.addEventListener('abort', () => { resolve(); }, { once: true });
  }
});

/** What of an instance's directory a backup holds beside the store. */
function backupOf({ dataDir, id }: Instance): BackupSource {
  return {
    scratch: join(dataDir, 'store'), about: { instance: id, telar: packageJson.version },
    async files() {
      const keys = await readdir(join(dataDir, 'pki'), { withFileTypes: true });
      return [
        { name: 'instance.json', path: recordPath(dataDir) },
        ...keys.filter((entry) => entry.isFile()).map(({ name }) => ({ name: `pki/${name}`, path: join(dataDir, 'pki', name) })),
      ];
    },
  };
}

interface Serving {
  server: ApiServer;
  pki: Pki;
  /** The node of this process; requests for it are refused before, as for any node that is not ready. */
  useNode: (node: RunningNode) => void;
}

/** The API server, listening; `ending` closes it and its store. */
async function startServer({ instance, log, roles, security }: ServeOptions, ending: AsyncDisposableStack): Promise<Serving> {
  const [{ adminKubeconfig, ensurePki, Renewal }, { openAccess }, { openStore }, { loadRegistry }, { createApiServer }, { instanceStatusGuard, kubevirtGroup }] = await Promise.all([
    import('./apiserver/pki/index.ts'), import('./apiserver/access.ts'), import('./store/open.ts'), import('./kinds/registry.ts'), import('./apiserver/server.ts'), import('./apiserver/kubevirt/index.ts'),
  ]);
  const pkiDir = pkiDirOf(instance);
  const serverLog = log.child({ part: 'apiserver' });
  const access = await openAccess(security, pkiDir, serverLog);
  ending.defer(() => access.close());
  const [pki, store] = await Promise.all([
    ensurePki(pkiDir, { instance }),
    openStore({
      path: join(instance.dataDir, 'store'), onError: (error) => { log.error({ part: 'store', err: error }, 'the store has a problem'); },
      ...(access.transformer === undefined ? {} : { transformer: access.transformer }),
    }),
  ]);
  ending.defer(() => store.close());
  let handler: NodeHandler | undefined;
  const server = await createApiServer({
    ...access.options(instance), store, registry: loadRegistry(), pki, log: serverLog, instance, groups: [kubevirtGroup()], admission: [instanceStatusGuard],
    nodes: { connect: (name) => (name === instance.nodeName ? handler : undefined) },
    backup: backupOf(instance),
  });
  ending.defer(() => server.close());
  for (const role of roles) {
    if (role !== 'server') {
      server.setReady(role, false, 'starting');
    }
  }
  await server.listen(instance.listen, instance.port);
  await writeAdminKubeconfig(instance.dataDir, adminKubeconfig(pki, urlOf(instance)));
  let machine: RunningNode | undefined;
  const renewal = new Renewal({
    dir: pkiDir, pki: { instance }, current: pki, log: serverLog,
    async renewed(fresh): Promise<void> {
      server.renew(fresh);
      machine?.renew(fresh);
      await writeAdminKubeconfig(instance.dataDir, adminKubeconfig(fresh, urlOf(instance)));
    },
  });
  ending.defer(() => renewal.stop());
  return {
    server, pki,
    useNode: (node) => {
      machine = node;
      handler = node.handler;
    },
  };
}

interface Controlling {
  transport: Transport;
  /** For each controller as the account with its rights; without it all act as who connected. */
  transportOf?: (identity: Identity) => Transport;
  selection: string;
  /** Where events say they come from. */
  host: string;
  podCidr: string;
  rootCa?: string;
  log: Log;
  signal: AbortSignal;
}

/** The selected controllers, at work; answers a promise of their end, which comes after the signal. */
async function startControl({ transport, transportOf, selection, host, podCidr, rootCa, log, signal }: Controlling): Promise<{ stopped: Promise<void> }> {
  const [{ Client }, { EventRecorder }, { Informers }, { startControllers }] = await Promise.all([
    import('./client/client.ts'), import('./client/events.ts'), import('./client/informers.ts'), import('./controllers/index.ts'),
  ]);
  const client = new Client(transport);
  return startControllers({
    client, informers: new Informers(client, log), recorder: new EventRecorder(client, 'telar', host, log),
    ...(transportOf === undefined ? {} : { clientOf: (identity: Identity) => new Client(transportOf(identity)) }),
    log, podCidr, ...(rootCa === undefined ? {} : { rootCa }),
  }, selection, signal);
}

/** The machine that serves the API is told apart by its label, which a node may not give itself. */
async function markControlPlane(server: ApiServer, nodeName: string): Promise<void> {
  await server.transport(ADMINISTRATOR).request({
    method: 'PATCH', path: `/api/v1/nodes/${nodeName}`, contentType: 'application/merge-patch+json',
    body: { metadata: { labels: { 'node-role.kubernetes.io/control-plane': '' } } },
  });
}

/** The node of this machine, registered and ready. */
async function startMachine(instance: Instance, { server, pki, useNode }: Serving, log: Log): Promise<{ stop(): Promise<void> }> {
  const [{ Client }, { EventRecorder }, { startNode }] = await Promise.all([
    import('./client/client.ts'), import('./client/events.ts'), import('./node/node.ts'),
  ]);
  const client = new Client(server.transport(nodeUser(instance)));
  const node = await startNode({
    client, instance, log, recorder: new EventRecorder(client, 'kubelet', instance.nodeName, log), pki, gatewayCommand: gatewayCommand(),
    // Pods reach the API at the node's own address, which exists once the node's network does.
    onNetworkReady: () => server.listen(instance.nodeAddress, instance.port).then(() => undefined),
  });
  useNode(node);
  await markControlPlane(server, instance.nodeName);
  return node;
}

/** Listens where pods look for the API as soon as a node in another process has brought the address. */
function followNodeAddress(server: ApiServer, { nodeAddress, port }: Instance, log: Log): NodeJS.Timeout {
  const timer = setInterval(() => {
    if (!Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === nodeAddress))) {
      return;
    }
    clearInterval(timer);
    server.listen(nodeAddress, port).catch((error: unknown) => { log.error({ err: error, address: nodeAddress, port }, 'pods cannot reach the API: its address is taken'); });
  }, ADDRESS_CHECK_MS);
  return timer.unref();
}

/** A process that serves the API and, as its roles say, controls and runs pods. Everything ends in the reverse order of its start. */
async function serve(options: ServeOptions): Promise<void> {
  const { instance, controllers, roles, log, signal, ready } = options;
  await using ending = new AsyncDisposableStack();
  const serving = await startServer(options, ending);
  // Controllers and node end together, before the server they speak to.
  const work = new AbortController();
  const stop = (): void => { work.abort(); };
  signal.addEventListener('abort', stop, { once: true });
  if (roles.includes('controllers')) {
    const { CONTROLLER_MANAGER } = await import('./controllers/identities.ts');
    const running = await startControl({
      transport: serving.server.transport(CONTROLLER_MANAGER), transportOf: (identity) => serving.server.transport(identity), selection: controllers, host: instance.nodeName, podCidr: instance.podCidr,
      rootCa: serving.pki.ca.cert, log: log.child({ part: 'controllers' }), signal: work.signal,
    });
    ending.defer(() => {
      stop();
      return running.stopped;
    });
    serving.server.setReady('controllers', true);
  }
  if (roles.includes('node')) {
    const node = await startMachine(instance, serving, log.child({ part: 'node' }));
    ending.defer(() => node.stop());
    serving.server.setReady('node', true);
  }
  if (!roles.includes('node')) {
    const timer = followNodeAddress(serving.server, instance, log);
    ending.defer(() => { clearInterval(timer); });
  }
  ready();
  const settled = setTimeout(giveBackMemory, SETTLE_MS);
  await aborted(work.signal);
  clearTimeout(settled);
}

/**
 * On Telar's server each controller acts as its own account, as in one process with it: the roles are there, and what others write of a
 * machine's status does not count. Undefined where there are no such accounts, or the kubeconfig's user may not act for them.
 */
async function accountsAt(connection: Connection, transport: Transport, log: Log): Promise<((identity: Identity) => HttpsTransport) | undefined> {
  const [{ httpsTransport }, { CONTROLLER_MANAGER }, { isStatusError }] = await Promise.all([
    import('./client/https.ts'), import('./controllers/identities.ts'), import('./apimachinery/status.ts'),
  ]);
  const version = await transport.request({ method: 'GET', path: '/version' });
  if (!isObject(version) || !String(version['gitVersion']).endsWith('+telar')) {
    return undefined;
  }
  const as = (identity: Identity): HttpsTransport => httpsTransport({ ...connection, impersonate: identity.name });
  const probe = as(CONTROLLER_MANAGER);
  try {
    await probe.request({ method: 'POST', path: '/apis/authentication.k8s.io/v1/selfsubjectreviews', body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' } });
    return as;
  } catch (error) {
    if (!isStatusError(error, 'Forbidden')) {
      throw error;
    }
    log.warn({ why: error.message }, 'the controllers act as the kubeconfig\'s user, whose words on virtual machines do not count: let it impersonate, or give an administrator\'s');
    return undefined;
  } finally {
    probe.close();
  }
}

/** Controllers against any Kubernetes API server: of several processes that share its Lease, one works. */
async function control({ kubeconfig, controllers, podCidr, leaderElect, log, signal, ready }: ControlOptions): Promise<void> {
  const [{ httpsTransport }, { loadKubeconfig }, { Client }, { runAsLeader }] = await Promise.all([
    import('./client/https.ts'), import('./client/kubeconfig.ts'), import('./client/client.ts'), import('./client/leader.ts'),
  ]);
  const { connection } = await loadKubeconfig(kubeconfig);
  const transport = httpsTransport(connection);
  const accounts: HttpsTransport[] = [];
  const host = hostname();
  const lead = async (leading: AbortSignal): Promise<void> => {
    const accountOf = await accountsAt(connection, transport, log);
    const transportOf = accountOf === undefined ? undefined : (identity: Identity): Transport => {
      const account = accountOf(identity);
      accounts.push(account);
      return account;
    };
    const running = await startControl({
      transport, ...(transportOf === undefined ? {} : { transportOf }), selection: controllers, host, podCidr, log: log.child({ part: 'controllers' }), signal: leading,
      ...(connection.ca === undefined ? {} : { rootCa: connection.ca }),
    });
    ready(connection.server);
    await running.stopped;
  };
  try {
    await (leaderElect
      ? runAsLeader({ ...LEASE, client: new Client(transport), identity: `${host}_${process.pid}`, log: log.child({ part: 'leader' }) }, signal, lead)
      : lead(signal));
  } catch (error) {
    if (!signal.aborted) {
      throw error;
    }
  } finally {
    for (const one of [transport, ...accounts]) {
      one.close();
    }
  }
}

/** Pods and guests of this machine for an API server in another process, with certificates of the node's own. */
async function machine({ instance, kubeconfig, log, signal, ready }: NodeOptions): Promise<void> {
  const [{ loadKubeconfig }, { Client }, { EventRecorder }, { NodeCredentials }, { startNode }] = await Promise.all([
    import('./client/kubeconfig.ts'), import('./client/client.ts'), import('./client/events.ts'), import('./node/credentials/credentials.ts'), import('./node/node.ts'),
  ]);
  const { connection } = await loadKubeconfig(kubeconfig);
  await using ending = new AsyncDisposableStack();
  const nodeLog = log.child({ part: 'node' });
  const credentials = await NodeCredentials.open({ dir: join(instance.dataDir, 'node-pki'), connection, nodeName: instance.nodeName, log: nodeLog, signal }).catch((error: unknown) => {
    if (!signal.aborted) {
      throw error;
    }
    return undefined;
  });
  if (credentials === undefined) {
    return;
  }
  ending.defer(() => credentials.close());
  const client = new Client(credentials.transport);
  const node = await startNode({
    client, instance, log: nodeLog, recorder: new EventRecorder(client, 'kubelet', instance.nodeName, nodeLog), pki: credentials.pki, gatewayCommand: gatewayCommand(),
  });
  ending.defer(() => node.stop());
  credentials.follow((fresh) => { node.renew(fresh); });
  ready(connection.server);
  await aborted(signal);
}

/** Certificates for people, in the instance's own authority. */
function users(instance: Instance): Users {
  const pki = import('./apiserver/pki/index.ts');
  const dir = pkiDirOf(instance);
  return {
    async add({ server, ...user }): Promise<string> {
      const { addUser, kubeconfig } = await pki;
      const { ca, client } = await addUser(dir, user);
      return kubeconfig(ca, client, user.name, server);
    },
    list: async () => (await pki).issuedUsers(dir),
    remove: async (name) => (await pki).removeUser(dir, name),
  };
}

async function transformerOf(encryptionKey: string): Promise<Transformer> {
  const [{ secretsTransformer }, { readKeyFile }] = await Promise.all([import('./store/encryption/aesgcm.ts'), import('./store/encryption/keyfile.ts')]);
  return secretsTransformer(await readKeyFile(encryptionKey));
}

/** Checks a store that nobody has open against the table of kinds. */
async function verify(file: string, encryptionKey: string | undefined): Promise<StoreReport> {
  const [{ verifyStore }, { loadRegistry }] = await Promise.all([import('./store/verify.ts'), import('./kinds/registry.ts')]);
  const registry = loadRegistry();
  const transformer = encryptionKey === undefined ? undefined : await transformerOf(encryptionKey);
  const keyOf = ({ apiVersion, kind: name, metadata }: KubeObject): string | undefined => {
    const slash = apiVersion.indexOf('/');
    const kind = registry.byKind(slash < 0 ? '' : apiVersion.slice(0, slash), apiVersion.slice(slash + 1), name);
    return kind === undefined || kind.storedAs !== undefined ? undefined : registry.storageKey(kind, metadata.namespace ?? '', metadata.name);
  };
  return verifyStore(file, { keyOf, ...(transformer === undefined ? {} : { transformer }) });
}

const wiring: Wiring = {
  verify,
  serve,
  control,
  node: machine,
  users,
  probes: async (target) => (await import('./node/probe/index.ts')).probes(target),
  teardown: async (instance, log) => {
    await (await import('./node/node.ts')).teardownNode(instance, log);
    // Sockets and findings of a run that is over; whatever was mounted there is gone by now.
    await rm(instance.runDir, { recursive: true, force: true });
  },
  gateway: async (args) => (await import('./gateway/main.ts')).runGateway(args),
};

/** The DNS process is started by a fixed command and must stay small: it does not load the command line. */
async function main(): Promise<number> {
  const [, , command, ...args] = process.argv;
  if (command === 'gateway') {
    await wiring.gateway(args);
    return 0;
  }
  const { runProgram } = await import('./cli/program.ts');
  return runProgram(wiring, process.argv);
}

process.exitCode = await main();
// Everything has ended by now; whatever still holds the process must not keep it.
setTimeout(() => process.exit(), EXIT_LIMIT_MS).unref();
