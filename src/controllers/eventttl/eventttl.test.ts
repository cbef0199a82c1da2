import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EVENTS } from '../../client/resources.ts';
import type { Event } from '../../kinds/generated/core.ts';
import { harness } from '../testing/harness.ts';
import { EVENT_TTL_MS, sweepEvents } from './eventttl.ts';

test('events go an hour after they were last seen', async () => {
  const { client, server } = harness();
  const at = Date.parse('2026-01-01T12:00:00Z');
  const event = (name: string, lastTimestamp: string): Event => ({
    apiVersion: 'v1', kind: 'Event', metadata: { name, namespace: 'default', creationTimestamp: '2026-01-01T00:00:00Z' },
    involvedObject: {}, lastTimestamp,
  });
  for (let old = 0; old < 20; old += 1) {
    await client.create(EVENTS, event(`old${old}`, '2025-12-31T00:00:00Z'));
  }
  await client.create(EVENTS, event('young', '2126-01-01T00:00:00Z'));
  const signal = new AbortController().signal;
  assert.equal(await sweepEvents({ client }, at - EVENT_TTL_MS, signal), 0);
  assert.equal(await sweepEvents({ client }, Date.now() + 2 * EVENT_TTL_MS, signal), 20);
  assert.deepEqual((await client.list(EVENTS)).items.map((one) => one.metadata.name), ['young']);
  assert.ok(server.requests.length > 20);
});
