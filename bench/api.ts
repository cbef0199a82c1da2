/**
 * The load of a Kubernetes API server, against any of them, as JSON. With `--peer` the same against another, in turn.
 *
 *     node bench/api.ts --server https://127.0.0.1:6443 --token T --ca ca.crt [--peer https://… --peer-token T --peer-ca F] [--runs 3] [--objects 5000]
 *     node bench/api.ts --kubeconfig FILE
 *     node bench/api.ts --own     an API server of ours, started for this, with nothing beside it; also says what the server itself used
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadKubeconfig } from '../src/client/kubeconfig.ts';
import { Connection, WHOLE, type Ask, type Target } from './lib/http.ts';
import { fanOut, type FanOut } from './lib/fanout.ts';
import { listing, rate } from './lib/load.ts';
import { CUSTOM_GROUP, customDefinition, customMachine } from './lib/definition.ts';
import { OwnServer } from './lib/own.ts';
import { configMap, machine, pod } from './lib/objects.ts';
import { summarise, type Summary } from './lib/stats.ts';

const { values: flags } = parseArgs({
  options: {
    server: { type: 'string' }, token: { type: 'string' }, ca: { type: 'string' }, kubeconfig: { type: 'string' },
    peer: { type: 'string' }, 'peer-token': { type: 'string' }, 'peer-ca': { type: 'string' }, 'peer-kubeconfig': { type: 'string' },
    runs: { type: 'string', default: '3' }, objects: { type: 'string', default: '5000' }, listed: { type: 'string', default: '10000' },
    only: { type: 'string', default: '' }, own: { type: 'boolean', default: false },
  },
});
const WATCHERS = 100;
/** A server may take a moment to serve what was defined, ms. */
const ESTABLISHED_MS = 5_000;
const [RUNS, OBJECTS, LISTED] = [Number(flags.runs), Number(flags.objects), Number(flags.listed)];

/** kube-apiserver 1.36.2 with etcd 3.6 on two cores shared with the client, medians: what to reach where no peer is at hand. */
const REFERENCE: Readonly<Record<string, number>> = {
  'create ConfigMap at 1': 537, 'create ConfigMap at 16': 1840, 'create ConfigMap at 64': 1987,
  'create Pod at 1': 346, 'create Pod at 16': 739, 'create Pod at 64': 802,
  'get at 16': 4000, 'get at 64': 4800, 'get resourceVersion=0 at 16': 7600, 'get resourceVersion=0 at 64': 7700,
  'put at 16': 1513, 'put at 64': 1580, 'create VirtualMachine at 16': 478, 'create custom VirtualMachine at 16': 478,
  'apply create at 16': 929, 'apply update at 16': 1292, 'apply unchanged at 16': 1287,
  'list': 95, 'list gzip': 81, 'list Table': 78, 'list metadata': 48, 'list by label': 19, 'list paged': 119,
  // The peer's times are from the writer's answer to the event.
  'watch at 50/s answer to event p50': 0.5, 'watch at 50/s answer to event p99': 2.45, 'watch closed loop events/s': 35_000,
  'watch closed loop answer to event p50': 0.7, 'watch closed loop answer to event p99': 20,
};

async function targetOf(server: string | undefined, token: string | undefined, ca: string | undefined, kubeconfig: string | undefined): Promise<Target | undefined> {
  if (kubeconfig !== undefined) {
    const { connection } = await loadKubeconfig(kubeconfig);
    const url = new URL(connection.server);
    return {
      host: url.hostname, port: Number(url.port), ca: connection.ca ?? '',
      ...(connection.cert === undefined ? {} : { cert: connection.cert }), ...(connection.key === undefined ? {} : { key: connection.key }),
      ...(typeof connection.token === 'string' ? { token: connection.token } : {}),
    };
  }
  if (server === undefined || ca === undefined) {
    return undefined;
  }
  const url = new URL(server);
  return { host: url.hostname, port: Number(url.port === '' ? 443 : url.port), ca: readFileSync(ca, 'utf8'), ...(token === undefined ? {} : { token }) };
}

async function once(target: Target, ask: Ask, accepted: readonly number[]): Promise<string> {
  const connection = new Connection(target);
  await connection.open();
  const { status, body } = await connection.send({ ...ask, keep: WHOLE });
  connection.close();
  if (!accepted.includes(status)) {
    throw new Error(`${ask.method} ${ask.path} answered ${status}: ${body.slice(0, 300)}`);
  }
  return body;
}

/** One pass over one server: name → figure. Higher is better for rates, lower for times. */
async function pass(target: Target, run: number): Promise<Record<string, number>> {
  const namespace = `bench-${process.pid}-${run}`;
  const figures: Record<string, number> = {};
  const base = `/api/v1/namespaces/${namespace}`;
  const wanted = (name: string): boolean => flags.only === '' || name.includes(flags.only);
  const say = (name: string, value: number): void => {
    figures[name] = value;
    process.stderr.write(`  ${name}: ${value}\n`);
  };
  await once(target, { method: 'POST', path: '/api/v1/namespaces', body: JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }) }, [201]);

  // The controller that makes it may be a moment behind, and pods are refused without it.
  await once(target, { method: 'POST', path: `${base}/serviceaccounts`, body: JSON.stringify({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } }) }, [201, 409]);
  for (const clients of [1, 16, 64]) {
    const total = clients === 1 ? Math.ceil(OBJECTS / 5) : OBJECTS;
    if (wanted(`create ConfigMap at ${clients}`)) {
      const made = await rate(target, clients, total, (n) => ({ method: 'POST', path: `${base}/configmaps`, body: configMap(`cm-${clients}-${n}`, n) }), 201);
      say(`create ConfigMap at ${clients}`, made.perSecond);
    }
    if (wanted(`create Pod at ${clients}`)) {
      const made = await rate(target, clients, total, (n) => ({ method: 'POST', path: `${base}/pods`, body: pod(`pod-${clients}-${n}`) }), 201);
      say(`create Pod at ${clients}`, made.perSecond);
    }
  }
  if (wanted('get') || wanted('put')) {
    await rate(target, 16, 1000, (n) => ({ method: 'POST', path: `${base}/configmaps`, body: configMap(`read-${n}`, n) }), 201);
    for (const clients of [16, 64]) {
      const at = (n: number, query: string): string => `${base}/configmaps/read-${n % 1000}${query}`;
      say(`get at ${clients}`, (await rate(target, clients, OBJECTS * 4, (n) => ({ method: 'GET', path: at(n, '') }), 200)).perSecond);
      say(`get resourceVersion=0 at ${clients}`, (await rate(target, clients, OBJECTS * 4, (n) => ({ method: 'GET', path: at(n, '?resourceVersion=0') }), 200)).perSecond);
      say(`put at ${clients}`, (await rate(target, clients, OBJECTS, (n) => ({ method: 'PUT', path: at(n, ''), body: configMap(`read-${n % 1000}`, n) }), 200)).perSecond);
    }
  }
  if (wanted('apply')) {
    const apply = (body: string, name: string): Ask => ({
      method: 'PATCH', path: `${base}/configmaps/${name}?fieldManager=bench`, body, contentType: 'application/apply-patch+yaml',
    });
    const applying = (shift: number) => (n: number): Ask => apply(configMap(`apply-${n}`, n + shift), `apply-${n}`);
    say('apply create at 16', (await rate(target, 16, OBJECTS, applying(0), 201)).perSecond);
    say('apply update at 16', (await rate(target, 16, OBJECTS, applying(1), 200)).perSecond);
    say('apply unchanged at 16', (await rate(target, 16, OBJECTS, applying(1), 200)).perSecond);
  }
  if (wanted('create VirtualMachine at 16')) {
    const path = `/apis/kubevirt.io/v1/namespaces/${namespace}/virtualmachines`;
    say('create VirtualMachine at 16', (await rate(target, 16, Math.ceil(OBJECTS / 2), (n) => ({ method: 'POST', path, body: machine(`vm-${n}`) }), 201)).perSecond);
  }
  const definition = wanted('create custom VirtualMachine at 16') ? customDefinition() : undefined;
  if (definition !== undefined) {
    await once(target, { method: 'POST', path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', body: definition }, [201, 409]);
    await new Promise((resolve) => { setTimeout(resolve, ESTABLISHED_MS); });
    const path = `/apis/${CUSTOM_GROUP}/v1/namespaces/${namespace}/virtualmachines`;
    say('create custom VirtualMachine at 16', (await rate(target, 16, Math.ceil(OBJECTS / 2), (n) => ({ method: 'POST', path, body: customMachine(machine(`vm-${n}`)) }), 201)).perSecond);
  }
  if (wanted('list')) {
    const listed = `${namespace}-list`;
    const path = `/api/v1/namespaces/${listed}/configmaps`;
    await once(target, { method: 'POST', path: '/api/v1/namespaces', body: JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: listed } }) }, [201]);
    await rate(target, 16, LISTED, (n) => ({ method: 'POST', path, body: configMap(`cm-${n}`, n) }), 201);
    const get = (query: string, more: Partial<Ask> = {}): Ask => ({ method: 'GET', path: `${path}${query}`, ...more });
    say('list', (await listing(target, 5, get(''))).ms);
    say('list gzip', (await listing(target, 5, get('', { gzip: true }))).ms);
    say('list Table', (await listing(target, 5, get('', { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' }))).ms);
    say('list metadata', (await listing(target, 5, get('', { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' }))).ms);
    say('list by label', (await listing(target, 5, get('?labelSelector=tenth%3D3'))).ms);
    say('list paged', (await listing(target, 5, get('?limit=500'), true)).ms);
    await once(target, { method: 'DELETE', path: `/api/v1/namespaces/${listed}` }, [200, 202]);
  }
  if (wanted('watch')) {
    const report = (name: string, { sinceSent, sinceAnswer, beforeAnswer, client }: FanOut): void => {
      say(`${name} sent to event p50`, sinceSent.p50Ms);
      say(`${name} sent to event p99`, sinceSent.p99Ms);
      say(`${name} answer to event p50`, sinceAnswer.p50Ms);
      say(`${name} answer to event p99`, sinceAnswer.p99Ms);
      process.stderr.write(`    events before the answer: ${beforeAnswer * 100} %; the client: ${client.cpuUsPerEvent} us an event, its event loop busy ${client.loopBusy * 100} %\n`);
    };
    report('watch at 50/s', await fanOut(target, namespace, WATCHERS, 1000, 50));
    await once(target, { method: 'DELETE', path: `${base}/configmaps/watched` }, [200]);
    const closed = await fanOut(target, namespace, WATCHERS, 3000, 0);
    report('watch closed loop', closed);
    say('watch closed loop events/s', closed.eventsPerSecond);
  }
  await once(target, { method: 'DELETE', path: `/api/v1/namespaces/${namespace}` }, [200, 202]);
  return figures;
}

const isRate = (name: string): boolean => /^(create|get|put|apply)|events\/s/.test(name);

const own = flags.own ? await OwnServer.start() : undefined;
const ours = own?.target ?? await targetOf(flags.server, flags.token, flags.ca, flags.kubeconfig);
if (ours === undefined) {
  process.stderr.write('bench/api: name the server with --server, --token and --ca, or with --kubeconfig, or say --own\n');
  process.exit(2);
}
const peer = await targetOf(flags.peer, flags['peer-token'], flags['peer-ca'], flags['peer-kubeconfig']);
const passes: { ours: Record<string, number>[]; peer: Record<string, number>[] } = { ours: [], peer: [] };
for (let run = 0; run < RUNS; run += 1) {
  process.stderr.write(`run ${run + 1}\n`);
  passes.ours.push(await pass(ours, run));
  if (peer !== undefined) {
    process.stderr.write(`run ${run + 1}, peer\n`);
    passes.peer.push(await pass(peer, run));
  }
}
const inside = await own?.use();
await own?.stop();
const summaries = (list: readonly Record<string, number>[]): Record<string, Summary> =>
  Object.fromEntries(Object.keys(list[0] ?? {}).map((name) => [name, summarise(list.map((figures) => figures[name] ?? Number.NaN))]));
const [mine, theirs] = [summaries(passes.ours), summaries(passes.peer)];
process.stdout.write(`${JSON.stringify({
  bench: 'api', objects: OBJECTS, listed: LISTED, runs: RUNS, ...(own === undefined ? {} : { readyMs: Math.round(own.readyMs), server: inside }),
  figures: Object.fromEntries(Object.entries(mine).map(([name, summary]) => {
    const other = theirs[name]?.median ?? REFERENCE[name];
    const times = other === undefined ? undefined : isRate(name) ? summary.median / other : other / summary.median;
    return [name, {
      ...summary, unit: isRate(name) ? 'per second' : 'ms', ...(other === undefined ? {} : { [peer === undefined ? 'reference' : 'peer']: other, timesAsGood: Math.round((times ?? 0) * 100) / 100 }),
    }];
  })),
}, null, 2)}\n`);
