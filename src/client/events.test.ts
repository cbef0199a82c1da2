import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event } from '../kinds/generated/core.ts';
import { failure } from '../apimachinery/status.ts';
import { silentLog } from '../apimachinery/log.ts';
import { Client } from './client.ts';
import { EventRecorder } from './events.ts';
import { runAsLeader } from './leader.ts';
import { EVENTS, LEASES } from './resources.ts';
import { MemoryTransport } from './testing/memory.ts';

const pod = (name: string) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'a', uid: `uid-${name}` } });

function setup() {
  const server = new MemoryTransport([EVENTS]);
  const client = new Client(server);
  const events = async (): Promise<Event[]> => (await client.list(EVENTS, { namespace: 'a' })).items;
  return { server, client, events, recorder: new EventRecorder(client, 'kubelet', 'here') };
}

test('the same event is counted, another is another', async () => {
  const { recorder, events } = setup();
  recorder.event(pod('x'), 'Warning', 'BackOff', 'again');
  recorder.event(pod('x'), 'Warning', 'BackOff', 'again');
  recorder.event(pod('x'), 'Normal', 'Pulled', 'done', { fieldPath: 'spec.containers{web}' });
  await recorder.flush();
  const [first, second] = await events();
  assert.equal((await events()).length, 2);
  assert.equal(first?.count, 2);
  assert.deepEqual(first?.source, { component: 'kubelet', host: 'here' });
  assert.match(first?.metadata.name ?? '', /^x\.[0-9a-f]{16}$/);
  assert.equal(second?.involvedObject.fieldPath, 'spec.containers{web}');
});

test('an object that talks too much is cut short, other objects are not', async () => {
  const { recorder, events } = setup();
  for (let round = 0; round < 40; round += 1) {
    recorder.event(pod('x'), 'Warning', 'Failed', `failure ${round}`);
  }
  recorder.event(pod('y'), 'Warning', 'Failed', 'once');
  await recorder.flush();
  const ofX = (await events()).filter((one) => one.involvedObject.name === 'x');
  assert.equal(ofX.length, 11);
  assert.match(ofX.at(-1)?.message ?? '', /^\(combined from similar events\): failure 24$/);
  assert.equal(ofX.at(-1)?.count, 15);
  assert.equal((await events()).length, 12);
});

test('an event that expired is made anew; a server that refuses breaks nobody', async () => {
  const { server, client, recorder, events } = setup();
  recorder.event(pod('x'), 'Normal', 'A', 'b');
  await recorder.flush();
  await client.delete(EVENTS, (await events())[0]?.metadata.name ?? '', 'a');
  recorder.event(pod('x'), 'Normal', 'A', 'b');
  await recorder.flush();
  assert.equal((await events())[0]?.count, 1);
  server.intercept = () => {
    throw failure('Forbidden', 'no');
  };
  recorder.event(pod('x'), 'Normal', 'A', 'b');
  await recorder.flush();
});

test('one leads at a time; the next takes over when the first lets go', async () => {
  const client = new Client(new MemoryTransport([LEASES]));
  const stop = new AbortController();
  const options = { client, name: 'telar', namespace: 'kube-system', log: silentLog, retryMs: 5, renewMs: 500, leaseMs: 1000 };
  const order: string[] = [];
  const letGo = Promise.withResolvers<void>();
  const first = Promise.withResolvers<void>();
  const a = runAsLeader({ ...options, identity: 'a' }, stop.signal, async () => {
    order.push('a');
    first.resolve();
    await letGo.promise;
    order.push('a over');
  });
  await first.promise;
  const b = runAsLeader({ ...options, identity: 'b' }, stop.signal, async () => {
    order.push('b');
  });
  letGo.resolve();
  await Promise.all([a, b]);
  assert.deepEqual(order, ['a', 'a over', 'b']);
});
