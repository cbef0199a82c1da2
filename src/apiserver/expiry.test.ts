import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { expireEvents } from './expiry.ts';
import { EVENT_LIFETIME_MS } from './limits.ts';
import { at, TestServer } from './testing/harness.ts';

const EVENTS = '/api/v1/namespaces/default/events';

describe('expiry', () => {
  let s: TestServer;
  before(async () => {
    s = await TestServer.start();
  });
  after(() => s.close());

  it('forgets events an hour after they were last told', async () => {
    const event = { involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' }, reason: 'R', message: 'm', type: 'Normal' };
    const inAnHour = new Date(Date.now() + EVENT_LIFETIME_MS);
    await s.post(EVENTS, { ...event, metadata: { name: 'once' } });
    await s.post(EVENTS, { ...event, metadata: { name: 'again' }, lastTimestamp: `${inAnHour.toISOString().slice(0, 19)}Z` });
    assert.equal(await expireEvents(s.server.core), 0);
    assert.equal(await expireEvents(s.server.core, Date.now() + EVENT_LIFETIME_MS + 5_000), 1);
    const left = await s.get(EVENTS);
    assert.deepEqual((left.json['items'] as unknown[]).map((item) => at(item, 'metadata', 'name')), ['again']);
  });
});
