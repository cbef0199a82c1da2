/** Clients that vanish, read slowly or ask for too much at once. */
import assert from 'node:assert/strict';
import { connect as connectH2 } from 'node:http2';
import { after, before, describe, it } from 'node:test';
import { MAX_REQUESTS_IN_FLIGHT } from '../limits.ts';
import { CMS, configMap, lines, TestServer } from '../testing/harness.ts';

const ITEMS = 300;
/** HTTP/2 streams a test connection opens. */
const STREAMS = 200;
const PADDING = 'x'.repeat(20_000);

describe('rough clients', () => {
  let s: TestServer;
  before(async () => {
    s = await TestServer.start();
    await Promise.all(Array.from({ length: ITEMS }, (_, index) => s.post(CMS, configMap(`cm-${index}`, { padding: PADDING }))));
  });
  after(() => s.close());

  const watchers = async (): Promise<number> => {
    const metrics = await s.get('/metrics');
    return [...metrics.text.matchAll(/^apiserver_longrunning_requests\{[^}]*\} (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
  };

  it('may vanish in the middle of anything', async () => {
    for (const headers of [{}, { 'accept-encoding': 'gzip' }]) {
      const opened = await Promise.all(Array.from({ length: 40 }, (_, index) =>
        s.open({ path: index % 2 === 0 ? CMS : `${CMS}?watch=true`, headers })));
      for (const incoming of opened) {
        incoming.on('error', () => undefined);
        incoming.destroy();
      }
    }
    await s.patch(`${CMS}/cm-0`, { data: { touched: 'yes' } });
    // Connections are torn down asynchronously.
    for (let tries = 0; tries < 200 && await watchers() > 0; tries += 1) {
      await new Promise((resolve) => {
        setTimeout(resolve, 10);
      });
    }
    assert.equal(await watchers(), 0);
  });

  it('may vanish over HTTP/2 too', async () => {
    const session = connectH2(`https://127.0.0.1:${s.port}`, { ca: s.pki.ca.cert });
    session.on('error', () => undefined);
    const streams = [CMS, `${CMS}?watch=true`, CMS].map((path) => session.request({ ':path': path, authorization: `Bearer ${s.pki.adminToken}` }));
    await Promise.all(streams.map((stream) => new Promise((resolve) => {
      stream.on('error', () => undefined);
      stream.once('response', resolve);
    })));
    session.destroy();
    assert.equal((await s.get('/livez')).code, 200);
  });

  it('are waited for when they read slowly, and lose nothing', async () => {
    const from = String(s.store.currentRevision);
    const watch = await s.open({ path: `${CMS}?watch=true&resourceVersion=${from}` });
    watch.pause();
    const rounds = 200;
    for (let round = 0; round < rounds; round += 1) {
      await s.patch(`${CMS}/cm-1`, { data: { round: String(round), padding: PADDING.repeat(2) } });
    }
    const seen: unknown[] = [];
    for await (const event of lines(watch)) {
      seen.push(event['type']);
      if (seen.length === rounds) {
        break;
      }
    }
    watch.destroy();
    assert.deepEqual(new Set(seen), new Set(['MODIFIED']));
  });

  it('get the whole of a long list, compressed or not, however slowly they take it', async () => {
    const incoming = await s.open({ path: CMS });
    let size = 0;
    for await (const chunk of incoming) {
      const bytes: Buffer = chunk;
      size += bytes.length;
      await new Promise(setImmediate);
    }
    assert.ok(incoming.complete);
    assert.ok(size > ITEMS * PADDING.length);
    const { items } = (await s.get(CMS)).json;
    assert.equal(Array.isArray(items) ? items.length : 0, ITEMS);
  });

  it('do not hold up others while they are served', async () => {
    const lists = Array.from({ length: 8 }, () => s.get(CMS));
    assert.equal((await s.get('/livez')).code, 200);
    assert.deepEqual([...new Set((await Promise.all(lists)).map(({ code }) => code))], [200]);
  });

  it('are told to come back when there are too many of them', async () => {
    const path = `${CMS}/cm-0?resourceVersion=${s.store.currentRevision + 1_000_000}`;
    const sessions = Array.from({ length: Math.ceil(MAX_REQUESTS_IN_FLIGHT / STREAMS) + 1 }, () => connectH2(`https://127.0.0.1:${s.port}`, { ca: s.pki.ca.cert }));
    try {
      // Each waits a while for a revision that will not come.
      const waiting = sessions.flatMap((session) => Array.from({ length: STREAMS }, () => {
        const stream = session.request({ ':path': path, authorization: `Bearer ${s.pki.adminToken}` });
        return new Promise<number>((resolve, reject) => {
          stream.on('response', (headers) => resolve(Number(headers[':status'])));
          stream.on('error', reject);
          stream.resume();
        });
      }));
      let refused = await s.get(`${CMS}/none`);
      for (let tries = 0; tries < 2_000 && refused.code !== 429; tries += 1) {
        refused = await s.get(`${CMS}/none`);
      }
      assert.equal(refused.code, 429);
      assert.equal(refused.headers['retry-after'], '1');
      assert.equal(refused.json['reason'], 'TooManyRequests');
      assert.ok((await Promise.all(waiting)).every((status) => status === 504 || status === 429));
      assert.equal((await s.get(`${CMS}/cm-0`)).code, 200);
    } finally {
      sessions.forEach((session) => session.destroy());
    }
  });
});
