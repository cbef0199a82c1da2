/**
 * How the figures of a server grow with what it stores: the same requests at 1,000, 10,000 and 100,000 ConfigMaps of about 1 KB. Prints JSON.
 *
 *     node bench/grow.ts [--sizes 1000,10000,100000] [--runs 5]
 *
 * The objects are in ten namespaces. Times are medians in ms to the last byte, unparsed; what the server used is measured inside of it.
 */
import { rmSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { fanOut } from './lib/fanout.ts';
import { listing, rate } from './lib/load.ts';
import { configMap } from './lib/objects.ts';
import { OwnServer, type Use } from './lib/own.ts';

const { values: flags } = parseArgs({ options: { sizes: { type: 'string', default: '1000,10000,100000' }, runs: { type: 'string', default: '5' } } });
const SIZES = flags.sizes.split(',').map(Number);
const RUNS = Number(flags.runs);
const NAMESPACES = 10;
const CLIENTS = 64;
const READS = 20_000;
/** Writes that go on while lists are read: what others feel of a long list. */
const MEANWHILE_CLIENTS = 4;
const IDLE_MS = 5_000;

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const METADATA = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';
const ALL = '/api/v1/configmaps';

const round = (value: number): number => Math.round(value * 100) / 100;
const pathOf = (n: number): string => `/api/v1/namespaces/grow-${n % NAMESPACES}/configmaps`;
const loopOf = ({ loopP50Ms, loopP99Ms, loopP999Ms, loopMaxMs }: Use): Record<string, number> =>
  ({ p50: round(loopP50Ms), p99: round(loopP99Ms), 'p99.9': round(loopP999Ms), max: round(loopMaxMs) });

/** Every form of a list of everything, while others write. */
async function lists(server: OwnServer): Promise<Record<string, number>> {
  const { target } = server;
  const get = (query: string, more: { accept?: string; gzip?: boolean } = {}, pages = false): Promise<number> =>
    listing(target, RUNS, { method: 'GET', path: `${ALL}${query}`, ...more }, pages).then(({ ms }) => ms);
  return {
    json: await get(''), gzip: await get('', { gzip: true }), table: await get('', { accept: TABLE }), metadata: await get('', { accept: METADATA }),
    'by label, a tenth': await get('?labelSelector=tenth%3D3'), 'in pages of 500': await get('?limit=500', {}, true), 'one page of 500': await get('?limit=500'),
  };
}

async function measured(size: number): Promise<Record<string, unknown>> {
  const empty = await OwnServer.start();
  for (let n = 0; n < NAMESPACES; n += 1) {
    await rate(empty.target, 1, 1, () => ({ method: 'POST', path: '/api/v1/namespaces', body: JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: `grow-${n}` } }) }), 201);
  }
  await empty.use();
  const created = await rate(empty.target, CLIENTS, size, (n) => ({ method: 'POST', path: pathOf(n), body: configMap(`cm-${n}`, n) }), 201);
  const afterCreates = await empty.use();
  const dir = await empty.end();

  // From here on with what a start reads back: nothing is at hand that a user would not have after a restart.
  const server = await OwnServer.start({ dir });
  const started = { readyMs: Math.round(server.readyMs), residentMiB: Math.round((await server.use()).residentMiB) };
  const reads = await rate(server.target, CLIENTS, READS, (n) => ({ method: 'GET', path: `${pathOf(n % size)}/cm-${n % size}` }), 200);
  await server.use();
  const alone = await lists(server);
  const loopLists = loopOf(await server.use());

  let busy = true;
  const begun = performance.now();
  let written = 0;
  const writing = (async () => {
    while (busy) {
      await rate(server.target, MEANWHILE_CLIENTS, 200, (n) => ({ method: 'PUT', path: `${pathOf(n)}/cm-${n}`, body: configMap(`cm-${n}`, written + n) }), 200);
      written += 200;
    }
  })();
  const meanwhile = await lists(server);
  busy = false;
  await writing;
  const writesPerSecond = round(written / ((performance.now() - begun) / 1000));
  const loopMeanwhile = loopOf(await server.use());

  const fan = await fanOut(server.target, 'grow-0', 100, 1000, 0);
  await sleep(IDLE_MS);
  const residentMiB = Math.round((await server.use()).residentMiB);
  rmSync(await server.end(), { recursive: true });
  return {
    objects: size, createsPerSecond: created.perSecond, residentAfterCreatesMiB: Math.round(afterCreates.residentMiB), loopDuringCreatesMs: loopOf(afterCreates),
    restart: started, getsPerSecond: reads.perSecond, listsMs: alone, loopDuringListsMs: loopLists,
    whileOthersWrite: { listsMs: meanwhile, writesPerSecond, loopMs: loopMeanwhile },
    watchEventsPerSecond: fan.eventsPerSecond, residentInTheEndMiB: residentMiB,
  };
}

const results = [];
for (const size of SIZES) {
  process.stderr.write(`${size} objects …\n`);
  results.push(await measured(size));
}
process.stdout.write(`${JSON.stringify({ bench: 'grow', runs: RUNS, results }, null, 2)}\n`);
