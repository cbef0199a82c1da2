/** All controllers against a real API server in this process, with a hand for a kubelet, and kubectl at its door. For tests. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Instance } from '../../src/apimachinery/instance.ts';
import type { Log } from '../../src/apimachinery/log.ts';
import type { NodeConnector } from '../../src/apimachinery/nodehandler.ts';
import { formatTime, keyOf } from '../../src/apimachinery/object.ts';
import { TestServer } from '../../src/apiserver/testing/harness.ts';
import { adminKubeconfig } from '../../src/apiserver/pki/index.ts';
import { Client } from '../../src/client/client.ts';
import { EventRecorder } from '../../src/client/events.ts';
import { httpsTransport } from '../../src/client/https.ts';
import { Informers } from '../../src/client/informers.ts';
import { loadKubeconfig } from '../../src/client/kubeconfig.ts';
import { NODES, PODS } from '../../src/client/resources.ts';
import type { Pod } from '../../src/kinds/generated/core.ts';
import { isTerminal } from '../../src/controllers/shared/pods.ts';
import type { Identity } from '../../src/controllers/context.ts';
import { CONTROLLER_MANAGER } from '../../src/controllers/identities.ts';
import { startControllers } from '../../src/controllers/index.ts';

const INSTANCE: Instance = {
  id: 'tests2', dataDir: '/nowhere', runDir: '/nowhere', podCidr: '10.97.0.0/16', serviceCidr: '10.96.0.0/24', clusterDomain: 'cluster.local',
  dnsAddress: '10.96.0.10', apiAddress: '10.96.0.1', nodeAddress: '10.97.0.1', nodeName: 'here', port: 6443, listen: '127.0.0.1',
};
/** The hand that plays the kubelet and asks for everything. */
const TESTER = { name: 'tester', groups: ['system:masters', 'system:authenticated'] };

/** A log that keeps what the server refused: controllers have no more rights than their roles give them, and must not need more. */
function watchfulLog(refused: string[]): Log {
  const look = (about: object, message: string): void => {
    const line = `${message} ${JSON.stringify(about)}`;
    if (/ is forbidden: User /.test(line)) {
      refused.push(line);
    }
  };
  const log: Log = { debug: look, info: look, warn: look, error: look, child: () => log };
  return log;
}

export interface RealServer {
  client: Client;
  informers: Informers;
  /** The administrator's, and a folder that is removed at the end. */
  kubeconfig: string;
  directory: string;
  /** Runs the machine's kubectl against the server; rejects with its error text. */
  kubectl: (...args: string[]) => Promise<string>;
  /** What the hand does with a new pod. Default: it runs and is ready. Answer undefined to leave it alone. */
  onPod: (answer: (pod: Pod) => NonNullable<Pod['status']> | undefined) => void;
  stop: () => Promise<void>;
}

const running = (pod: Pod, ip: string): NonNullable<Pod['status']> => {
  const now = formatTime();
  const conditions = ['Initialized', 'ContainersReady', 'Ready', 'PodScheduled'].map((type) => ({ type, status: 'True', lastTransitionTime: now }));
  return { phase: 'Running', podIP: ip, podIPs: [{ ip }], startTime: now, conditions: [...conditions] };
};

export interface RealServerOptions {
  selection?: string;
  /** Controllers speak to the server as they would to a cluster's, over TLS, instead of by direct call. */
  https?: boolean;
  /** The servers of nodes; the node of the tests is `here`. Default: none answers. */
  nodes?: NodeConnector;
}

/** The node says that it lives this often, ms: well within the time after which the node controller takes it for lost. */
const HEARTBEAT_MS = 5_000;

export async function realServer({ selection = '*', https = false, nodes }: RealServerOptions = {}): Promise<RealServer> {
  const server = await TestServer.start(nodes === undefined ? {} : { nodes });
  const directory = await mkdtemp(join(tmpdir(), 'telar-controllers-'));
  const kubeconfig = join(directory, 'kubeconfig');
  await writeFile(kubeconfig, adminKubeconfig(server.pki, `https://127.0.0.1:${server.port}`));
  const remote = https ? httpsTransport((await loadKubeconfig(kubeconfig)).connection) : undefined;
  const client = new Client(remote ?? server.server.transport(TESTER));
  const informers = new Informers(client);
  const stop = new AbortController();
  let addresses = 1;
  let answer = (pod: Pod): NonNullable<Pod['status']> | undefined => running(pod, `10.97.1.${addresses += 1}`);

  const pods = informers.for(PODS);
  const busy = new Set<string>();
  const care = async (pod: Pod): Promise<void> => {
    const { name, namespace, uid } = pod.metadata;
    if (pod.metadata.deletionTimestamp !== undefined) {
      await client.delete(PODS, name, namespace, { gracePeriodSeconds: 0, ...(uid === undefined ? {} : { preconditions: { uid } }) });
    } else if (!isTerminal(pod) && pod.status?.phase !== 'Running') {
      const status = answer(pod);
      if (status !== undefined) {
        await client.patch(PODS, { name, namespace, type: 'merge', subresource: 'status', body: { status } });
      }
    }
  };
  const kubelet = (pod: Pod): void => {
    const key = `${keyOf(pod)} ${pod.metadata.deletionTimestamp ?? ''}`;
    if (pod.spec.nodeName && !busy.has(key)) {
      busy.add(key);
      care(pod).catch(() => {
        // Gone or changed meanwhile: the next event tells.
      }).finally(() => busy.delete(key));
    }
  };
  pods.on({ added: kubelet, updated: kubelet });
  await client.create(NODES, {
    apiVersion: 'v1', kind: 'Node', metadata: { name: 'here' }, spec: {},
    status: { allocatable: { cpu: '8', memory: '16Gi', pods: '500' }, capacity: { cpu: '8', memory: '16Gi', pods: '500' } },
  });
  const beat = async (): Promise<void> => {
    const body = { status: {
      allocatable: { cpu: '8', memory: '16Gi', pods: '500' }, capacity: { cpu: '8', memory: '16Gi', pods: '500' },
      conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: formatTime() }],
    } };
    await client.patch(NODES, { name: 'here', type: 'merge', subresource: 'status', body });
  };
  await beat();
  const heart = setInterval(() => {
    // The last beat may meet a server that is closing.
    beat().catch((error: unknown) => assert.ok(stop.signal.aborted, String(error)));
  }, HEARTBEAT_MS);
  const refused: string[] = [];
  const log = watchfulLog(refused);
  // In this process each controller acts with its own account, as in `telar up`; over TLS all are who the kubeconfig says.
  const manager = https ? client : new Client(server.server.transport(CONTROLLER_MANAGER));
  const controllers = await startControllers({
    client: manager, informers: new Informers(manager, log), recorder: new EventRecorder(manager, 'test', 'here', log), log, podCidr: INSTANCE.podCidr,
    rootCa: server.pki.ca.cert, ...(https ? {} : { clientOf: (identity: Identity) => new Client(server.server.transport(identity)) }),
  }, selection, stop.signal);
  await informers.start(stop.signal);
  return {
    client, informers, kubeconfig, directory,
    onPod: (next) => { answer = next; },
    kubectl: (...args) => new Promise((resolve, reject) => {
      execFile('kubectl', ['--kubeconfig', kubeconfig, '--cache-dir', join(directory, 'cache'), ...args], { timeout: 60_000 }, (error, stdout, stderr) => {
        if (error) {
          reject(new Error(`kubectl ${args.join(' ')}: ${stderr}${stdout}`, { cause: error }));
        } else {
          resolve(stdout);
        }
      });
    }),
    async stop() {
      stop.abort();
      clearInterval(heart);
      await controllers.stopped;
      remote?.close();
      await server.close();
      await rm(directory, { recursive: true });
      assert.deepEqual(refused, [], 'a controller lacks a right');
    },
  };
}
