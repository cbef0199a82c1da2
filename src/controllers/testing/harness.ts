/** Controllers on an in-memory server, with a hand instead of a kubelet. For tests. */
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { silentLog } from '../../apimachinery/log.ts';
import { formatTime } from '../../apimachinery/object.ts';
import { Client } from '../../client/client.ts';
import { EventRecorder } from '../../client/events.ts';
import { Informers } from '../../client/informers.ts';
import * as resources from '../../client/resources.ts';
import { MemoryTransport } from '../../client/testing/memory.ts';
import type { Pod, PodCondition } from '../../kinds/generated/core.ts';
import type { ControllerContext } from '../context.ts';
import { startControllers, type RunningControllers } from '../index.ts';

const { PODS, EVENTS } = resources;

export interface Harness {
  server: MemoryTransport;
  client: Client;
  context: ControllerContext;
  start: (selection: string) => Promise<RunningControllers>;
  stop: () => Promise<void>;
  pods: (namespace?: string) => Promise<Pod[]>;
  /** `reason: message` of the events about objects of a kind, in order. */
  events: (kind: string) => Promise<string[]>;
  /** Writes a pod's status as a kubelet would. */
  setPod: (pod: Pod, status: NonNullable<Pod['status']>) => Promise<void>;
  run: (pod: Pod, ready?: boolean) => Promise<void>;
}

/** Polls, giving the loop its turns, until the condition holds; the test runner's limit is the timeout. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!await condition()) {
    await turn();
  }
}

/** Rounds without a request after which all is at rest; together longer than the queues' first retries. */
const QUIET_ROUNDS = 30;
const ROUND_MS = 2;

/** Lets everything that is under way come to rest: nothing new is asked of the server for a while. */
export async function settle(server: MemoryTransport): Promise<void> {
  let seen = -1;
  let quiet = 0;
  while (quiet < QUIET_ROUNDS) {
    await delay(ROUND_MS);
    quiet = server.requests.length === seen ? quiet + 1 : 0;
    seen = server.requests.length;
  }
}

const condition = (type: string, status: boolean): PodCondition => ({ type, status: status ? 'True' : 'False', lastTransitionTime: formatTime() });

/** `server`: what an earlier process of the test has written stays. */
export function harness(server = new MemoryTransport(Object.values(resources))): Harness {
  const client = new Client(server);
  const recorder = new EventRecorder(client, 'test');
  const context: ControllerContext = { client, recorder, informers: new Informers(client), log: silentLog, podCidr: '10.42.0.0/16', rootCa: 'PEM' };
  const abort = new AbortController();
  const running: RunningControllers[] = [];
  const setPod = async (pod: Pod, status: NonNullable<Pod['status']>): Promise<void> => {
    const current = await client.get(PODS, pod.metadata.name, pod.metadata.namespace);
    await client.updateStatus(PODS, { ...current, status: { ...current.status, ...status } });
  };
  return {
    server, client, context, setPod,
    async start(selection) {
      const started = await startControllers(context, selection, abort.signal);
      running.push(started);
      return started;
    },
    async stop() {
      abort.abort();
      await Promise.all(running.map((one) => one.stopped));
    },
    async pods(namespace = 'default') {
      return (await client.list(PODS, { namespace })).items;
    },
    async events(kind) {
      await settle(server);
      return (await client.list(EVENTS)).items.filter((one) => one.involvedObject.kind === kind)
        .map((one) => `${one.reason ?? ''}: ${one.message ?? ''}`);
    },
    async run(pod, ready = true) {
      await setPod(pod, { phase: 'Running', conditions: [condition('Ready', ready), condition('ContainersReady', ready)] });
    },
  };
}
