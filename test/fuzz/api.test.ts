/**
 * Random and hostile requests against the real server over TLS. None may answer 5xx (504 apart, which Kubernetes answers for revisions of the
 * future), none may hang, and at the end the objects must be what the answers said they are. `TELAR_FUZZ_SEED` repeats a run.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { silentLog } from '../../src/apimachinery/log.ts';
import { isObject } from '../../src/apimachinery/values.ts';
import { TestServer } from '../../src/apiserver/testing/harness.ts';
import { Model } from './model.ts';
import { Random } from './random.ts';
import { RawClient, type RawAnswer } from './rawclient.ts';
import { GADGETS, nextRequest, SUBJECTS, wire, type FuzzRequest } from './requests.ts';

const LONG = process.env['TELAR_TEST_LONG'] === '1';
const REQUESTS = LONG ? 100_000 : 5_000;
const WORKERS = 4;
/** Requests between two comparisons with the model. */
const COMPARE_EVERY = 250;
const SEED = Number(process.env['TELAR_FUZZ_SEED'] ?? (LONG ? Date.now() % 2 ** 31 : 20_260_101));
/** What a run may leave on the heap beyond what the first tenth of it left, bytes: caches that fill up. */
const MAX_GROWTH_BYTES = 64 * 1024 * 1024;

/** Different faults told. */
const MAX_FAULTS = 40;

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

describe(`fuzzing, seed ${SEED}`, { timeout: LONG ? 1_500_000 : 240_000 }, () => {
  let s: TestServer;
  /** What the server logged of its last surprise. */
  let lastFault = '';
  /** By where it came from, the first request that met it. */
  const faults = new Map<string, string>();
  before(async () => {
    s = await TestServer.start({ log: { ...silentLog, error: (bindings) => { lastFault = JSON.stringify(bindings); } } });
    assert.equal((await s.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', GADGETS)).code, 201);
    for (let n = 0; n < WORKERS; n += 1) {
      assert.equal((await s.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: `fuzz-${n}` } })).code, 201);
    }
    for (let tries = 0; (await s.get('/apis/fuzz.example.com/v1/gadgets')).code !== 200; tries += 1) {
      assert.ok(tries < 200, 'the custom kind is not served');
      await new Promise((resolve) => { setTimeout(resolve, 20); });
    }
  });
  after(() => s.close());

  const heap = async (): Promise<number> => {
    await s.store.compact(s.store.currentRevision);
    collect();
    return process.memoryUsage().heapUsed;
  };

  const described = (request: FuzzRequest, answer?: RawAnswer): string =>
    `${request.method} ${request.target.slice(0, 500)} ${JSON.stringify(request.headers.filter(([name]) => name !== 'authorization'))} ${request.body?.toString('latin1').slice(0, 1500) ?? ''}\n  → ${answer === undefined ? '' : `${answer.status} ${answer.body.slice(0, 600)}`}`;

  /** `history`: what was sent since the last comparison, told when it is needed. */
  async function compare(model: Model, namespace: string, context: string, history: readonly string[] = []): Promise<void> {
    for (const { root, plural } of SUBJECTS) {
      const { code, json } = await s.get(`${root}/namespaces/${namespace}/${plural}`);
      assert.equal(code, 200, `${plural} cannot be listed any more`);
      const items = Array.isArray(json['items']) ? json['items'].filter(isObject) : [];
      const problems = model.compare(plural, items);
      assert.equal([...problems, ...(problems.length === 0 ? [] : history.filter((one) => one.includes(`/${plural}`)))].join('\n'), '', context);
    }
  }

  async function work(worker: number, count: number, seed: number): Promise<Map<number, number>> {
    const random = new Random(seed);
    const namespace = `fuzz-${worker}`;
    const client = new RawClient(s.port, s.pki.ca.cert);
    const model = new Model(namespace);
    for (const { plural } of SUBJECTS) {
      model.unknown.add(`${plural}/*`);
    }
    await compare(model, namespace, 'at the start');
    const statuses = new Map<number, number>();
    let history: string[] = [];
    for (let n = 0; n < count; n += 1) {
      const request = nextRequest(random, namespace, s.pki.adminToken);
      const answer = await client.send(wire(request), request.method === 'HEAD').catch((error: unknown) => {
        throw new Error(`${described(request)}: ${String(error)}`, { cause: error });
      });
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        history.push(described(request, answer));
      }
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      if (answer.status >= 500 && answer.status !== 504 && !(answer.status === 503 && request.target.includes('/proxy'))) {
        const where = lastFault.split('\\n').slice(0, 4).join(' ').replaceAll(/file:\/\/\S*\/src\//g, '');
        if (!faults.has(where) && faults.size < MAX_FAULTS) {
          faults.set(where, described(request, answer));
        }
      }
      assert.equal(model.learn(request, answer), undefined, described(request, answer));
      if (n % COMPARE_EVERY === COMPARE_EVERY - 1) {
        await compare(model, namespace, `seed ${seed}, after request ${n}`, history);
        history = [];
      }
    }
    await compare(model, namespace, `seed ${seed}, at the end`, history);
    client.close();
    return statuses;
  }

  const round = async (count: number, seed: number): Promise<Map<number, number>> => {
    const all = new Map<number, number>();
    const each = Math.ceil(count / WORKERS);
    for (const statuses of await Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker, each, seed * 1000 + worker)))) {
      for (const [status, times] of statuses) {
        all.set(status, (all.get(status) ?? 0) + times);
      }
    }
    return all;
  };

  it(`answers ${REQUESTS} requests without a fault, without growing, and as a model says`, async (context) => {
    await round(REQUESTS / 10, SEED);
    const first = await heap();
    const statuses = await round(REQUESTS - REQUESTS / 10, SEED + 1);
    const growth = await heap() - first;
    context.diagnostic(`statuses: ${JSON.stringify(Object.fromEntries([...statuses].sort(([a], [b]) => a - b)))}; the heap grew by ${Math.round(growth / 1024)} KiB`);
    assert.equal([...faults].map(([where, request]) => `${where}\n  ${request}`).join('\n\n'), '');
    assert.ok(growth < MAX_GROWTH_BYTES, `the heap grew by ${growth} bytes`);
    // What is sent must not be refused at the door alone: a part of it has to get through.
    for (const status of [200, 201, 400, 404, 409, 415, 422]) {
      assert.ok((statuses.get(status) ?? 0) > 0, `nothing was answered ${status}`);
    }
  });
});
