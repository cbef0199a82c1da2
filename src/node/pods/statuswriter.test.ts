import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Log } from '../../apimachinery/log.ts';
import { Client } from '../../client/client.ts';
import { PODS } from '../../client/resources.ts';
import { MemoryTransport } from '../../client/testing/memory.ts';
import type { Pod, PodCondition } from '../../kinds/generated/core.ts';
import { StatusWriter } from './statuswriter.ts';

const quiet: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined, child: () => quiet };
const GATE = 'example.com/gate';

test('what others write into the conditions is answered, what this writer wrote is not written twice', { timeout: 30_000 }, async () => {
  const server = new MemoryTransport([PODS]);
  const client = new Client(server);
  const created = await client.create(PODS, {
    apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'default' }, spec: { containers: [{ name: 'c', image: 'i' }], readinessGates: [{ conditionType: GATE }] },
  });
  const gates = (pod: Pod): PodCondition[] => (pod.status?.conditions ?? []).filter(({ type }) => type === GATE);
  const writer = new StatusWriter(client, created, (pod) => ({
    phase: 'Running', conditions: [...gates(pod), { type: 'Ready', status: gates(pod)[0]?.status ?? 'False' }],
  }), quiet);
  const shown = async (): Promise<Record<string, string>> =>
    Object.fromEntries(((await client.get(PODS, 'p', 'default')).status?.conditions ?? []).map(({ type, status }) => [type, status]));
  const writes = (): number => server.requests.filter((request) => request.startsWith('PUT')).length;
  const seen = async (): Promise<void> => {
    writer.observe(await client.get(PODS, 'p', 'default'));
    await writer.flush();
  };

  // A state that comes before the first report is only noted: the worker does not know its containers yet.
  const before = await client.updateStatus(PODS, { ...created, status: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }] } });
  const early = writes();
  writer.observe(before);
  await new Promise((resolve) => { setImmediate(resolve); });
  assert.equal(writes(), early);

  await seen();
  assert.deepEqual(await shown(), { Ready: 'False' });
  const gated = await client.get(PODS, 'p', 'default');
  await client.updateStatus(PODS, { ...gated, status: { phase: 'Running', conditions: [{ type: GATE, status: 'True' }] } });
  const count = writes();
  writer.observe(await client.get(PODS, 'p', 'default'));
  while ((await shown())['Ready'] !== 'True') {
    await new Promise((resolve) => { setImmediate(resolve); });
  }
  assert.deepEqual(await shown(), { [GATE]: 'True', Ready: 'True' });
  await seen();
  assert.equal(writes(), count + 1);
});
