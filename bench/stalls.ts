/**
 * What one legal but costly request does to everybody else: how late the server's event loop comes round while it answers, in ms. Prints JSON.
 *
 *     node bench/stalls.ts [--runs 3] [--only yaml]
 */
import { parseArgs } from 'node:util';
import { rate } from './lib/load.ts';
import { Connection, type Ask } from './lib/http.ts';
import { configMap } from './lib/objects.ts';
import { OwnServer } from './lib/own.ts';
import { summarise } from './lib/stats.ts';

const { values: flags } = parseArgs({ options: { runs: { type: 'string', default: '3' }, only: { type: 'string', default: '' } } });
const RUNS = Number(flags.runs);
const MEMBERS = 9_900;
const ENTRIES = 33_000;
const SCANNED = 2_000;
const NAMESPACE = '/api/v1/namespaces/stalls';
const MAPS = `${NAMESPACE}/configmaps`;

const count = (length: number): number[] => Array.from({ length }, (_, index) => index);
const named = (kind: string, name: string, rest: object): string =>
  JSON.stringify({ apiVersion: 'v1', kind, metadata: { name }, ...rest });
const wide = Object.fromEntries(count(MEMBERS).map((n) => [`k${n}`, 'v']));
const yaml = (lines: number): string => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yaml\ndata:\n${count(lines).map((n) => `  k${n}: "v${n}"\n`).join('')}`;
const environment = count(ENTRIES).map((n) => ({ name: `E${n}`, value: 'x' }));
const selector = (text: string): Ask => ({ method: 'GET', path: `${MAPS}?labelSelector=${text.replaceAll(' ', '%20')}` });
const post = (resource: string, body: string, contentType = 'application/json'): Ask => ({ method: 'POST', path: `${NAMESPACE}/${resource}`, body, contentType });
const patch = (name: string, body: object): Ask =>
  ({ method: 'PATCH', path: `${MAPS}/${name}`, body: JSON.stringify(body), contentType: 'application/merge-patch+json' });

/** In this order: some change what an earlier one made. Refusals count as answers. */
const REQUESTS: Readonly<Record<string, Ask>> = {
  'a small ConfigMap': post('configmaps', configMap('small', 1)),
  'YAML of 160 KB': post('configmaps?dryRun=All', yaml(9_900), 'application/yaml'),
  'YAML of 64 KB, applied': { method: 'PATCH', path: `${MAPS}/yaml?fieldManager=bench&dryRun=All`, body: yaml(3_800), contentType: 'application/apply-patch+yaml' },
  'JSON of one text of 1 MB': post('configmaps?dryRun=All', named('ConfigMap', 'long', { data: { text: 'x'.repeat(1_000_000) } })),
  'JSON with 9,900 members': post('configmaps', named('ConfigMap', 'wide', { data: wide })),
  'its label, patched': patch('wide', { metadata: { labels: { touched: 'yes' } } }),
  'one of its members, patched': patch('wide', { data: { k5: 'changed' } }),
  'it, replaced': { method: 'PUT', path: `${MAPS}/wide`, body: named('ConfigMap', 'wide', { data: { ...wide, more: 'yes' } }) },
  'it, applied': { method: 'PATCH', path: `${MAPS}/applied?fieldManager=bench`, body: named('ConfigMap', 'applied', { data: wide }), contentType: 'application/apply-patch+yaml' },
  'JSON with 100,000 members': post('configmaps', named('ConfigMap', 'wider', { data: Object.fromEntries(count(100_000).map((n) => [`k${n}`, 'v'])) })),
  'a Pod of 33,000 variables': post('pods?dryRun=All', named('Pod', 'wide', { spec: { containers: [{ name: 'a', image: 'b', env: environment }] } })),
  'a selector of 9,000 values': selector(`app in (${count(9_000).map((n) => `v${n}`).join(',')})`),
  'a selector of 6,000 terms': selector(count(6_000).map((n) => `!k${n}`).join(',')),
};

const server = await OwnServer.start();
const { target } = server;
await rate(target, 1, 1, () => ({ method: 'POST', path: '/api/v1/namespaces', body: named('Namespace', 'stalls', {}) }), 201);
await rate(target, 1, 1, () => post('serviceaccounts', named('ServiceAccount', 'default', {})), 201);
await rate(target, 16, SCANNED, (n) => post('configmaps', configMap(`cm-${n}`, n)), 201);
/** One answer's code: after a refusal the server may close the connection. */
async function answered(ask: Ask): Promise<number> {
  const connection = new Connection(target);
  await connection.open();
  const { status } = await connection.send(ask);
  connection.close();
  return status;
}

const late: Record<string, number[]> = {};
const codes: Record<string, number> = {};
for (let run = 0; run < RUNS; run += 1) {
  for (const [name, ask] of Object.entries(REQUESTS)) {
    if (name.includes(flags.only)) {
      await server.use();
      codes[name] = await answered(ask);
      (late[name] ??= []).push((await server.use()).loopMaxMs);
    }
  }
  for (const name of ['small', 'wide', 'applied']) {
    await answered({ method: 'DELETE', path: `${MAPS}/${name}` });
  }
}
await server.stop();
process.stdout.write(`${JSON.stringify({
  bench: 'stalls', runs: RUNS,
  lateMs: Object.fromEntries(Object.entries(late).map(([name, times]) => [name, { code: codes[name], ...summarise(times) }])),
}, null, 2)}\n`);
