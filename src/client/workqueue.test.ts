import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../apimachinery/log.ts';
import { TerminalError, newController } from './controller.ts';
import { WorkQueue } from './workqueue.ts';

test('a key waits once, and again after the one who works on it', async () => {
  const queue = new WorkQueue();
  queue.add('a');
  queue.add('b');
  queue.add('a');
  assert.equal(queue.depth, 2);
  assert.equal(await queue.get(), 'a');
  queue.add('a');
  assert.equal(queue.depth, 1);
  assert.equal(await queue.get(), 'b');
  queue.done('a');
  assert.equal(await queue.get(), 'a');
  queue.done('a');
  queue.done('b');
  assert.equal(queue.depth, 0);
  queue.close();
  assert.equal(await queue.get(), undefined);
});

test('who waits for a key gets it, and goes home when the queue closes', async () => {
  const queue = new WorkQueue();
  const first = queue.get();
  const second = queue.get();
  queue.add('a');
  assert.equal(await first, 'a');
  queue.close();
  assert.equal(await second, undefined);
  queue.add('b');
  assert.equal(queue.depth, 0);
});

test('of several delays the earliest wins', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const clock = t.mock.method(performance, 'now', () => now);
  let now = 0;
  const advance = (ms: number): void => {
    now += ms;
    t.mock.timers.tick(ms);
  };
  const queue = new WorkQueue();
  queue.addAfter('a', 1000);
  queue.addAfter('a', 10);
  queue.addAfter('a', 5000);
  advance(10);
  assert.equal(queue.depth, 1);
  assert.equal(await queue.get(), 'a');
  queue.done('a');
  advance(10_000);
  assert.equal(queue.depth, 0);
  assert.ok(clock.mock.callCount() > 0);
});

test('the back-off doubles until the key is forgotten', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  const queue = new WorkQueue({ baseMs: 10, maxMs: 25 });
  const waits: number[] = [];
  for (let round = 0; round < 4; round += 1) {
    queue.addRateLimited('a');
    let waited = 0;
    while (queue.depth === 0) {
      now += 1;
      waited += 1;
      t.mock.timers.tick(1);
    }
    void queue.get();
    queue.done('a');
    waits.push(waited);
  }
  assert.deepEqual(waits, [10, 20, 25, 25]);
  assert.equal(queue.failures('a'), 4);
  queue.forget('a');
  assert.equal(queue.failures('a'), 0);
  queue.close();
});

test('a controller tries again what fails, gives up what is hopeless and never works twice at once on a key', async () => {
  const stop = new AbortController();
  const calls: string[] = [];
  const running = new Set<string>();
  let doubled = false;
  const over = Promise.withResolvers<void>();
  const controller = newController({
    name: 'test', log: silentLog, backoff: { baseMs: 1 },
    reconcile: async (key) => {
      doubled ||= running.has(key);
      running.add(key);
      await Promise.resolve();
      running.delete(key);
      calls.push(key);
      if (key === 'hopeless') {
        throw new TerminalError('no');
      }
      if (calls.length < 4) {
        controller.queue.add(key);
        throw new Error('again');
      }
      over.resolve();
    },
  });
  controller.queue.add('hopeless');
  controller.queue.add('a');
  await controller.start(stop.signal);
  await over.promise;
  stop.abort();
  await controller.stopped;
  assert.equal(doubled, false);
  assert.equal(calls.filter((one) => one === 'hopeless').length, 1);
});
