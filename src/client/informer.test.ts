import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { StatusError, failure } from '../apimachinery/status.ts';
import { Client } from './client.ts';
import { Informer } from './informer.ts';
import { Informers } from './informers.ts';
import { CONFIGMAPS, PODS } from './resources.ts';
import { MemoryTransport } from './testing/memory.ts';

const configMap = (name: string, data: Record<string, string> = {}, namespace = 'default') =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data });

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await turn();
  }
}

function setup() {
  const server = new MemoryTransport([CONFIGMAPS, PODS]);
  const client = new Client(server);
  const informer = new Informer(client, CONFIGMAPS, { indexers: { color: (one) => (one.data?.['color'] === undefined ? [] : [one.data['color']]) } });
  const seen: string[] = [];
  informer.on({
    added: (one) => seen.push(`+${one.metadata.name}`),
    updated: (one, old) => seen.push(`~${one.metadata.name}:${old.data?.['color'] ?? ''}>${one.data?.['color'] ?? ''}`),
    deleted: (one) => seen.push(`-${one.metadata.name}`),
  });
  const stop = new AbortController();
  return { server, client, informer, seen, stop };
}

test('lists, then follows the watch, with indexes in step', async () => {
  const { client, informer, seen, stop } = setup();
  await client.create(CONFIGMAPS, configMap('a', { color: 'red' }));
  await informer.start(stop.signal);
  assert.deepEqual(seen, ['+a']);
  const b = await client.create(CONFIGMAPS, configMap('b', { color: 'red' }, 'other'));
  await until(() => informer.size === 2);
  assert.deepEqual(informer.byIndex('color', 'red').map((one) => one.metadata.name), ['a', 'b']);
  assert.deepEqual(informer.list('other').map((one) => one.metadata.name), ['b']);
  await client.update(CONFIGMAPS, { ...b, data: { color: 'blue' } });
  await until(() => informer.byIndex('color', 'blue').length === 1);
  assert.equal(informer.byIndex('color', 'red').length, 1);
  await client.delete(CONFIGMAPS, 'a', 'default');
  await until(() => informer.size === 1);
  assert.deepEqual(seen, ['+a', '+b', '~b:red>blue', '-a']);
  stop.abort();
});

test('resumes where it was when the server ends the watch', async () => {
  const { server, client, informer, seen, stop } = setup();
  await informer.start(stop.signal);
  await until(() => server.watchers === 1);
  server.endWatches();
  await client.create(CONFIGMAPS, configMap('a'));
  await until(() => informer.size === 1);
  assert.equal(server.requests.filter((one) => one.startsWith('GET')).length, 1);
  assert.deepEqual(seen, ['+a']);
  stop.abort();
});

test('lists anew after 410 and says what was deleted and made again meanwhile', async () => {
  const { server, client, informer, seen, stop } = setup();
  await client.create(CONFIGMAPS, configMap('gone'));
  await client.create(CONFIGMAPS, configMap('again'));
  await informer.start(stop.signal);
  await until(() => server.watchers === 1);
  let blocked = true;
  server.intercept = (request) => {
    if (blocked && request.query?.['watch'] === 'true') {
      throw failure('ServiceUnavailable', 'restarting');
    }
  };
  server.endWatches();
  await until(() => server.watchers === 0);
  await client.delete(CONFIGMAPS, 'gone', 'default');
  await client.delete(CONFIGMAPS, 'again', 'default');
  await client.create(CONFIGMAPS, configMap('again'));
  await client.create(CONFIGMAPS, configMap('new'));
  server.compact();
  blocked = false;
  await until(() => informer.get('default/new') !== undefined && informer.get('default/gone') === undefined);
  assert.deepEqual(seen, ['+gone', '+again', '-again', '+again', '+new', '-gone']);
  stop.abort();
});

test('a broken server is asked again, not hammered', async () => {
  const { server, informer, stop } = setup();
  let failures = 0;
  server.intercept = () => {
    failures += 1;
    if (failures < 3) {
      throw new StatusError({ status: 'Failure', code: 500, message: 'no' });
    }
  };
  await informer.start(stop.signal);
  assert.ok(server.requests.length <= 4);
  stop.abort();
});

test('start rejects when it is stopped before it is synced', async () => {
  const { server, informer, stop } = setup();
  server.intercept = () => {
    throw failure('ServiceUnavailable', 'never');
  };
  const started = informer.start(stop.signal);
  stop.abort(new Error('enough'));
  await assert.rejects(started, /enough/);
});

test('hasSeen compares versions as numbers', async () => {
  const { server, client, informer, stop } = setup();
  await informer.start(stop.signal);
  assert.equal(informer.hasSeen('99'), true);
  assert.equal(informer.hasSeen('1000'), false);
  assert.equal(informer.hasSeen('x'), undefined);
  const made = await client.create(CONFIGMAPS, configMap('a'));
  await until(() => informer.hasSeen(made.metadata.resourceVersion ?? '') === true);
  assert.equal(server.revision, made.metadata.resourceVersion);
  stop.abort();
});

test('a late handler hears of what is there; one that throws does not silence the others', async () => {
  const { client, informer, stop } = setup();
  await client.create(CONFIGMAPS, configMap('a'));
  await informer.start(stop.signal);
  const late: string[] = [];
  informer.on({ added: () => { throw new Error('mine'); } });
  informer.on({ added: (one) => late.push(one.metadata.name) });
  await client.create(CONFIGMAPS, configMap('b'));
  await until(() => late.length === 2);
  assert.deepEqual(late, ['a', 'b']);
  stop.abort();
});

test('a process has one informer per resource, and later ones start by themselves', async () => {
  const server = new MemoryTransport([CONFIGMAPS, PODS]);
  const informers = new Informers(new Client(server));
  const stop = new AbortController();
  const first = informers.for(CONFIGMAPS);
  assert.equal(informers.for(CONFIGMAPS), first);
  await informers.start(stop.signal);
  const later = informers.for(PODS);
  await informers.start(stop.signal);
  assert.ok(later.synced);
  stop.abort();
});
