/**
 * `telar up` to ready on a new directory: wall and CPU time. Then what the processes hold and use, idle and with workloads.
 *
 *     node bench/start.ts [--runs 5] [--idle-seconds 30] [--pods 50] [--machines 5]
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { eventually, TestInstance } from '../test/harness/instance.ts';
import { pod, virtualMachine } from '../test/harness/manifests.ts';
import { footprint, type Footprint } from './lib/processes.ts';
import { milliseconds, summarise } from './lib/stats.ts';

const { values: flags } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' }, 'idle-seconds': { type: 'string', default: '30' },
    pods: { type: 'string', default: '50' }, machines: { type: 'string', default: '5' },
  },
});
const say = (text: string): void => { process.stderr.write(`${text}\n`); };
const sleep = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms); });

function wordsOf(telar: TestInstance): string[] {
  const instance: unknown = JSON.parse(readFileSync(join(telar.dataDir, 'instance.json'), 'utf8'));
  const id = typeof instance === 'object' && instance !== null && 'id' in instance ? String(instance.id) : '';
  return [telar.dataDir, `/telar/${id}`];
}

async function oneStart(): Promise<{ wallMs: number; cpuSeconds: number }> {
  const telar = await TestInstance.create();
  const begun = process.hrtime.bigint();
  const child = telar.spawnUp();
  await eventually('ready', async () => (await telar.kubectl(['get', '--raw', '/readyz'])).stdout === 'ok');
  const wallMs = milliseconds(begun);
  const { telarCpuSeconds } = footprint(wordsOf(telar));
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
  await telar.remove();
  return { wallMs, cpuSeconds: telarCpuSeconds };
}

interface Use { pssMiB: number; podmanMiB: number; cpuPercent: number }

async function use(words: readonly string[], seconds: number): Promise<Use> {
  const before: Footprint = footprint(words);
  const begun = process.hrtime.bigint();
  await sleep(seconds * 1000);
  const later = footprint(words);
  return {
    pssMiB: later.telarMiB, podmanMiB: later.podmanMiB,
    cpuPercent: Math.round(((later.telarCpuSeconds - before.telarCpuSeconds) / (milliseconds(begun) / 1000)) * 10_000) / 100,
  };
}

const starts = [];
for (let run = 0; run < Number(flags.runs); run += 1) {
  starts.push(await oneStart());
  say(`start ${run + 1}: ${JSON.stringify(starts.at(-1))}`);
}

const telar = await TestInstance.create();
await telar.up();
const words = wordsOf(telar);
await sleep(10_000);
const idle = await use(words, Number(flags['idle-seconds']));
say(`idle: ${JSON.stringify(idle)}`);
for (const image of ['shell', 'vm']) {
  await telar.telar(['images', 'build', image]);
}
await telar.apply([
  ...Array.from({ length: Number(flags.pods) }, (_, n) => pod(`pod-${n}`)),
  ...Array.from({ length: Number(flags.machines) }, (_, n) => virtualMachine(`machine-${n}`)),
]);
await telar.k('wait', '--for=condition=Ready', 'pod', '--all', '--timeout=600s');
await eventually('all machines run', async () => (await telar.k('get', 'vm', '-o', 'jsonpath={.items[*].status.printableStatus}')).split(' ').every((status) => status === 'Running'), 600_000);
await sleep(20_000);
const loaded = await use(words, Number(flags['idle-seconds']));
await telar.remove();

process.stdout.write(`${JSON.stringify({
  bench: 'start', wallMs: summarise(starts.map(({ wallMs }) => wallMs)), cpuSeconds: summarise(starts.map(({ cpuSeconds }) => cpuSeconds)),
  idle, loaded: { pods: Number(flags.pods), machines: Number(flags.machines), ...loaded },
  aims: { cpuSeconds: 1.5, idlePssMiB: 150, idleCpuPercent: 0.5, loadedPssMiB: 220 },
}, null, 2)}\n`);
