/**
 * The child of `own.ts`: an API server over a SQLite store in a directory, and nothing else. Tells its parent over IPC where it listens
 * and, when asked, what it used since it was last asked. Ends when the parent goes.
 */
import { join } from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { Instance } from '../../src/apimachinery/instance.ts';
import { silentLog } from '../../src/apimachinery/log.ts';
import { ensurePki } from '../../src/apiserver/pki/index.ts';
import { createApiServer } from '../../src/apiserver/server.ts';
import { loadRegistry } from '../../src/kinds/registry.ts';
import { openStore } from '../../src/store/open.ts';
import type { Use } from './own.ts';

/** The delay of the event loop is looked at this often, ms: shorter blocks may go unseen. */
const LOOP_RESOLUTION_MS = 1;

const dir = process.argv[2] ?? '';
const instance: Instance = {
  id: 'bench0', dataDir: dir, runDir: dir, podCidr: '10.97.0.0/16', serviceCidr: '10.96.0.0/16', clusterDomain: 'cluster.local',
  dnsAddress: '10.96.0.10', apiAddress: '10.96.0.1', nodeAddress: '10.97.0.1', nodeName: 'bench', listen: '127.0.0.1', port: 6443,
};
const [pki, store] = await Promise.all([ensurePki(join(dir, 'pki'), { instance }), openStore({ path: join(dir, 'store') })]);
const server = await createApiServer({ store, registry: loadRegistry(), pki, log: silentLog, instance, nodes: { connect: () => undefined } });
const { port } = await server.listen('127.0.0.1', 0);

const delay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
delay.enable();
let [cpu, loop] = [process.cpuUsage(), performance.eventLoopUtilization()];
/** What the histogram counts is the whole time between two looks: the resolution itself is no delay. */
const blocked = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - LOOP_RESOLUTION_MS);

function use(): Use {
  const spent = process.cpuUsage(cpu);
  const utilization = performance.eventLoopUtilization(loop).utilization;
  const answer: Use = {
    cpuMs: (spent.user + spent.system) / 1000, loopBusy: utilization, residentMiB: process.memoryUsage.rss() / 2 ** 20,
    loopP50Ms: blocked(delay.percentile(50)), loopP99Ms: blocked(delay.percentile(99)), loopP999Ms: blocked(delay.percentile(99.9)), loopMaxMs: blocked(delay.max),
  };
  delay.reset();
  [cpu, loop] = [process.cpuUsage(), performance.eventLoopUtilization()];
  return answer;
}

process.on('message', () => {
  process.send?.({ kind: 'use', use: use() });
});
process.on('disconnect', () => { process.exit(); });
process.send?.({ kind: 'listening', port, token: pki.adminToken, ca: pki.ca.cert, readyMs: performance.now() });
