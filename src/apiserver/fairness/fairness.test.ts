import assert from 'node:assert/strict';
import { Agent, request } from 'node:https';
import { setImmediate as turn } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { at, TestServer } from '../testing/harness.ts';
import { PriorityLevel } from './level.ts';
import { MAX_WAIT_MS } from './limits.ts';

const level = (seats: number, flowQueue = 1000, queue = 2000): PriorityLevel => new PriorityLevel({ name: 'l', uid: '', seats, flowQueue, queue });

describe('a priority level', () => {
  it('takes flows in turn, however much one of them asks for', async () => {
    const one = level(4);
    const order: string[] = [];
    const ask = async (flow: string): Promise<void> => {
      await one.run(flow, async () => {
        await turn();
        order.push(flow);
      });
    };
    await Promise.all([...Array.from({ length: 256 }, () => ask('greedy')), ask('polite'), ask('polite'), ask('other')]);
    assert.equal(order.length, 259);
    const places = order.flatMap((flow, index) => (flow === 'greedy' ? [] : [index]));
    assert.ok(places.every((place) => place < 4 + 3 * 3), `the polite ones came at ${places.join(', ')}`);
  });

  it('serves what can be answered at once only so often in one turn of the event loop', async () => {
    const one = level(3);
    let done = 0;
    const asked = Array.from({ length: 10 }, () => Promise.resolve(one.run('f', () => {
      done += 1;
    })));
    assert.equal(done, 3);
    assert.equal(one.counts.waiting, 7);
    await Promise.all(asked);
    assert.deepEqual([done, one.counts.waiting], [10, 0]);
    await turn();
    assert.equal(one.counts.executing, 0);
  });

  it('refuses what finds no place to wait, and what has waited too long', async () => {
    const one = level(1, 2, 3);
    const { promise, resolve } = Promise.withResolvers<void>();
    const running = one.run('a', () => promise);
    const ask = (flow: string): Promise<string> => Promise.resolve(one.run(flow, () => flow));
    const waiting = [ask('a'), ask('a')];
    assert.throws(() => one.run('a', () => 3), { message: 'Too many requests, please try again later.', code: 429 });
    waiting.push(ask('b'));
    assert.throws(() => one.run('c', () => 5), { code: 429 }, 'the queues of all flows together are full');
    one.sweep(Date.now() + MAX_WAIT_MS);
    for (const late of await Promise.allSettled(waiting)) {
      assert.equal(late.status, 'rejected');
    }
    resolve();
    await running;
    assert.equal(await one.run('a', () => 6), 6);
    assert.deepEqual([one.counts.rejected, one.counts.waiting], [5, 0]);
  });

  it('gives the seat back whatever comes of the work', async () => {
    const one = level(1);
    await assert.rejects(async () => {
      await one.run('a', () => Promise.reject(new Error('broken')));
    });
    assert.throws(() => one.run('a', () => {
      throw new Error('broken');
    }));
    await turn();
    assert.equal(one.counts.executing, 0);
    assert.equal(await one.run('a', () => 1), 1);
  });
});

describe('priority and fairness', () => {
  let s: TestServer;
  const TOKENS = 'greedy-token,greedy,1,""\npolite-token,polite,2,""';
  before(async () => {
    s = await TestServer.start({ tokenFile: TOKENS });
  });
  after(() => s.close());

  const bearer = (name: string): Record<string, string> => ({ authorization: `Bearer ${name}-token` });

  it('says where a request belonged, errors included', async () => {
    const schemas = await s.get('/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas');
    const levels = await s.get('/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations');
    const uidOf = (list: unknown, name: string): unknown => at((at(list, 'items') as unknown[]).find((item) => at(item, 'metadata', 'name') === name), 'metadata', 'uid');
    const cases: [string, string | null, string, string][] = [
      ['/api/v1/namespaces/default', s.pki.adminToken, 'exempt', 'exempt'], ['/api/v1/namespaces/nosuch', s.pki.adminToken, 'exempt', 'exempt'],
      ['/api/v1/namespaces/default', 'polite-token', 'global-default', 'global-default'], ['/healthz', 'polite-token', 'probes', 'exempt'],
    ];
    for (const [path, token, schema, level] of cases) {
      const { headers } = await s.ask({ path, token });
      assert.deepEqual([headers['x-kubernetes-pf-flowschema-uid'], headers['x-kubernetes-pf-prioritylevel-uid']],
        [uidOf(schemas.json, schema), uidOf(levels.json, level)], `${path} as ${schema}`);
    }
  });

  it('follows its configuration at once', async () => {
    const made = await s.post('/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas', {
      apiVersion: 'flowcontrol.apiserver.k8s.io/v1', kind: 'FlowSchema', metadata: { name: 'mine' },
      spec: { matchingPrecedence: 50, priorityLevelConfiguration: { name: 'workload-low' }, distinguisherMethod: { type: 'ByUser' }, rules: [{
        subjects: [{ kind: 'User', user: { name: 'polite' } }], nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/version'] }] }] },
    });
    assert.equal(made.code, 201, made.text);
    const uid = at(made.json, 'metadata', 'uid');
    assert.equal((await s.ask({ path: '/version', token: 'polite-token' })).headers['x-kubernetes-pf-flowschema-uid'], uid);
    assert.notEqual((await s.ask({ path: '/apis', token: 'polite-token' })).headers['x-kubernetes-pf-flowschema-uid'], uid);
    await s.delete('/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/mine');
    assert.notEqual((await s.ask({ path: '/version', token: 'polite-token' })).headers['x-kubernetes-pf-flowschema-uid'], uid);
  });

  it('is counted in the metrics', async () => {
    await s.ask({ path: '/version', token: 'polite-token' });
    const { text } = await s.get('/metrics');
    assert.match(text, /^apiserver_flowcontrol_nominal_limit_seats\{priority_level="global-default"\} 49$/m);
    assert.match(text, /^apiserver_flowcontrol_dispatched_requests_total\{priority_level="global-default"\} [1-9]/m);
    assert.match(text, /^apiserver_flowcontrol_rejected_requests_total\{priority_level="global-default"\} 0$/m);
    assert.doesNotMatch(text, /priority_level="exempt"/);
  });

  it('does not let a client with 256 connections starve one with a single connection', async () => {
    const agent = new Agent({ keepAlive: true, ca: s.pki.ca.cert });
    let greedy = 0;
    let stop = false;
    const get = (): Promise<void> => new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port: s.port, path: '/version', agent, headers: bearer('greedy') }, (response) => {
        response.resume().on('end', resolve);
      }).on('error', reject).end();
    });
    const pressing = Promise.all(Array.from({ length: 256 }, async () => {
      while (!stop) {
        await get();
        greedy += 1;
      }
    }));
    // All connections are open and busy.
    while (greedy < 512) {
      await turn();
    }
    const between: number[] = [];
    for (let round = 0; round < 20; round += 1) {
      const before = greedy;
      assert.equal((await s.ask({ path: '/version', token: 'polite-token' })).code, 200);
      between.push(greedy - before);
    }
    stop = true;
    await pressing;
    agent.destroy();
    const middle = between.toSorted((a, b) => a - b)[between.length / 2] ?? Infinity;
    assert.ok(middle < 128, `greedy answers between two polite ones: ${between.join(', ')}`);
  });
});
