import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findCondition, setCondition } from '../apimachinery/conditions.ts';
import type { Log } from '../apimachinery/log.ts';
import { Client } from '../client/client.ts';
import { LEASES, NODES } from '../client/resources.ts';
import { MemoryTransport } from '../client/testing/memory.ts';
import { Registration } from './registration.ts';

const BEAT_MS = 10_000;
const quiet: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined, child: () => quiet };

/** Lets the promises of a beat run to their end: each waits only for others and for the disk. */
async function until(done: () => Promise<boolean>): Promise<void> {
  while (!await done()) {
    await new Promise((resolve) => { setImmediate(resolve); });
  }
}

test('a node that was thought lost is ready again at its next beat, and comes back when it is deleted', { timeout: 30_000 }, async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const dataDir = await mkdtemp(join(tmpdir(), 'telar-registration-'));
  t.after(() => rm(dataDir, { recursive: true }));
  const client = new Client(new MemoryTransport([NODES, LEASES]));
  const registration = new Registration({
    client, log: quiet, podmanVersion: '4.3.1', kubeletPort: 0,
    instance: {
      id: 'abc123', dataDir, runDir: dataDir, podCidr: '10.1.0.0/16', serviceCidr: '10.2.0.0/16', clusterDomain: 'cluster.local', dnsAddress: '10.2.0.10',
      apiAddress: '10.2.0.1', nodeAddress: '10.1.0.1', nodeName: 'n', port: 6443, listen: '127.0.0.1',
    },
    images: () => Promise.resolve([]), problem: () => undefined,
  });
  await registration.start();
  t.after(() => registration.stop());
  const ready = async (): Promise<string | undefined> =>
    findCondition((await client.list(NODES)).items[0]?.status?.conditions, 'Ready')?.status;
  assert.equal(await ready(), 'True');

  const node = structuredClone(await client.get(NODES, 'n'));
  setCondition(node.status?.conditions ?? [], { type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' });
  await client.updateStatus(NODES, node);
  assert.equal(await ready(), 'Unknown');
  t.mock.timers.tick(BEAT_MS);
  await until(async () => await ready() === 'True');
  // The beat's promise has to be gone before the next one may begin.
  await new Promise((resolve) => { setImmediate(resolve); });

  await client.delete(NODES, 'n');
  assert.equal(await ready(), undefined);
  t.mock.timers.tick(BEAT_MS);
  await until(async () => await ready() === 'True');
});
