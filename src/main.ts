/**
 * The one file that wires rooms together. Each command loads only the rooms it needs: `telar ps` never sees the server,
 * the gateway process never sees more than itself.
 */
import { chmod, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Instance } from './apimachinery/instance.ts';
import type { NodeHandler } from './apimachinery/nodehandler.ts';
import { kubeconfigPath, urlOf } from './cli/instance/record.ts';
import type { ServeOptions, Wiring } from './cli/wiring.ts';

/** A process whose work is over ends by itself, or after this. */
const EXIT_LIMIT_MS = 2_000;
const SELF = fileURLToPath(import.meta.url);
/** Whom the roles of this process are to the API server. */
const CONTROLLERS = { name: 'system:kube-controller-manager', groups: ['system:authenticated'] };
const nodeUser = ({ nodeName }: Instance): { name: string; groups: string[] } => ({ name: `system:node:${nodeName}`, groups: ['system:nodes', 'system:authenticated'] });

/** How the node starts the DNS process: this program again, with a heap as small as its work. */
const gatewayCommand = (): string[] => [process.execPath, '--disable-warning=ExperimentalWarning', '--max-old-space-size=48', '--max-semi-space-size=1', SELF, 'gateway'];

async function writeAdminKubeconfig(dataDir: string, content: string): Promise<void> {
  const path = kubeconfigPath(dataDir);
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, content, { mode: 0o600 });
  await chmod(temporary, 0o600);
  await rename(temporary, path);
}

/** A process that serves the API, controls and runs pods: everything ends in the reverse order of its start. */
async function serve({ instance, controllers, log, signal, ready }: ServeOptions): Promise<void> {
  const [{ adminKubeconfig, ensurePki }, { openStore }, { loadRegistry }, { createApiServer }, { instanceStatusGuard, kubevirtGroup }, { Client }, { EventRecorder }, { Informers }, { startControllers }, { startNode }] = await Promise.all([
    import('./apiserver/pki/index.ts'), import('./store/open.ts'), import('./kinds/registry.ts'), import('./apiserver/server.ts'), import('./apiserver/kubevirt/index.ts'),
    import('./client/client.ts'), import('./client/events.ts'), import('./client/informers.ts'), import('./controllers/index.ts'), import('./node/node.ts'),
  ]);
  await using ending = new AsyncDisposableStack();
  const [pki, store] = await Promise.all([
    ensurePki(join(instance.dataDir, 'pki'), { instance }),
    openStore({ path: join(instance.dataDir, 'store'), onError: (error) => { log.error({ part: 'store', err: error }, 'the store has a problem'); } }),
  ]);
  ending.defer(() => store.close());

  // The node starts after the server it registers with; requests for it before that are refused as for any node that is not ready.
  let handler: NodeHandler | undefined;
  const server = await createApiServer({
    store, registry: loadRegistry(), pki, log: log.child({ part: 'apiserver' }), instance, groups: [kubevirtGroup()], admission: [instanceStatusGuard],
    nodes: { connect: (name) => (name === instance.nodeName ? handler : undefined) },
  });
  ending.defer(() => server.close());
  for (const check of ['controllers', 'node']) {
    server.setReady(check, false, 'starting');
  }
  await server.listen(instance.listen, instance.port);
  await writeAdminKubeconfig(instance.dataDir, adminKubeconfig(pki, urlOf(instance)));

  // Controllers and node end together, before the server they speak to.
  const work = new AbortController();
  const stop = (): void => { work.abort(); };
  signal.addEventListener('abort', stop, { once: true });
  ending.defer(stop);

  const client = new Client(server.transport(CONTROLLERS));
  const controllerLog = log.child({ part: 'controllers' });
  const running = await startControllers({
    client, informers: new Informers(client, controllerLog), recorder: new EventRecorder(client, 'telar', instance.nodeName, controllerLog),
    log: controllerLog, instance, rootCa: pki.ca.cert,
  }, controllers, work.signal);
  ending.defer(() => {
    stop();
    return running.stopped;
  });
  server.setReady('controllers', true);

  const nodeClient = new Client(server.transport(nodeUser(instance)));
  const nodeLog = log.child({ part: 'node' });
  const node = await startNode({
    client: nodeClient, instance, log: nodeLog, recorder: new EventRecorder(nodeClient, 'kubelet', instance.nodeName, nodeLog),
    pki, gatewayCommand: gatewayCommand(),
    // Pods reach the API at the node's own address, which exists once the node's network does.
    onNetworkReady: () => server.listen(instance.nodeAddress, instance.port).then(() => undefined),
  });
  ending.defer(() => node.stop());
  handler = node.handler;
  server.setReady('node', true);
  ready();
  if (!work.signal.aborted) {
    await new Promise((resolve) => { work.signal.addEventListener('abort', resolve, { once: true }); });
  }
}

const wiring: Wiring = {
  serve,
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
