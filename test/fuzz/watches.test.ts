/** Watches by the thousand, opened and dropped, and readers that do not read: memory stays bounded, others get their events. */
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { after, before, describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { CMS, configMap, lines, TestServer } from '../../src/apiserver/testing/harness.ts';

const WATCHES = 10_000;
const STREAMS_PER_SESSION = 200;
/** Whatever a watch that is gone left behind, bytes: 10,000 of them may leave this together. */
const MAX_LEFT_BYTES = 48 * 1024 * 1024;
const SLOW_READERS = 20;
const EVENTS = 1_500;
const EVENT_CHARS = 20_000;
/** 30 MB of events for each of 20 readers that take none: were they queued for each, it would be 600 MB. */
const MAX_SLOW_BYTES = 160 * 1024 * 1024;

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

describe('many watches', { timeout: 240_000 }, () => {
  let s: TestServer;
  before(async () => {
    s = await TestServer.start();
    await s.post(CMS, configMap('there'));
  });
  after(() => s.close());

  async function watchers(): Promise<number> {
    const { text } = await s.get('/metrics');
    return [...text.matchAll(/^apiserver_longrunning_requests\{[^}]*\} (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
  }

  async function settled(expected: number): Promise<void> {
    for (let tries = 0; await watchers() !== expected; tries += 1) {
      assert.ok(tries < 1000, `${await watchers()} watches are open, not ${expected}`);
      await new Promise((resolve) => { setTimeout(resolve, 10); });
    }
  }

  const used = (): number => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };

  /** One connection with many watches, all of them answered. */
  async function session(count: number): Promise<{ session: ClientHttp2Session; streams: ClientHttp2Stream[] }> {
    const made = connect(`https://127.0.0.1:${s.port}`, { ca: s.pki.ca.cert });
    made.on('error', () => undefined);
    const streams = Array.from({ length: count }, () => made.request({ ':path': `${CMS}?watch=true&resourceVersion=${s.store.currentRevision}`, authorization: `Bearer ${s.pki.adminToken}` }));
    await Promise.all(streams.map((stream) => new Promise<void>((resolve, reject) => {
      stream.on('error', reject);
      stream.once('response', (headers) => {
        if (headers[':status'] === 200) {
          resolve();
        } else {
          reject(new Error(`a watch answered ${String(headers[':status'])}`));
        }
      });
    })));
    return { session: made, streams };
  }

  const open = (count: number): Promise<Awaited<ReturnType<typeof session>>[]> =>
    Promise.all(Array.from({ length: count / STREAMS_PER_SESSION }, () => session(STREAMS_PER_SESSION)));

  function drop(all: Awaited<ReturnType<typeof open>>): void {
    for (const [index, one] of all.entries()) {
      if (index % 2 === 0) {
        one.streams.forEach((stream) => stream.close(8));
      }
      one.session.destroy();
    }
  }

  it(`${WATCHES} can be open at once, each sees its event, and none leaves anything behind`, async () => {
    // Once before, for what is only made when it is first needed.
    drop(await open(WATCHES));
    await settled(0);
    const before = used();
    const all = await open(WATCHES);
    assert.equal(await watchers(), WATCHES);
    try {
      await touched(all);
    } finally {
      drop(all);
    }
    await settled(0);
    const left = used() - before;
    assert.ok(left < MAX_LEFT_BYTES, `${left} bytes are left of ${WATCHES} watches`);
  });

  /** One event for all of them. */
  async function touched(all: Awaited<ReturnType<typeof open>>): Promise<void> {
    const seen = all.flatMap(({ streams }) => streams).map((stream) => new Promise<string>((resolve) => {
      let text = '';
      stream.on('data', (data: Buffer) => {
        text += data.toString();
        if (text.endsWith('\n')) {
          resolve(text);
        }
      });
    }));
    await s.patch(`${CMS}/there`, { data: { touched: 'yes' } });
    for (const text of await Promise.all(seen)) {
      assert.match(text, /^\{"type":"MODIFIED".*"touched":"yes"/);
    }
  }

  it('readers that do not read hold up nobody and are not waited for in memory', async () => {
    const from = s.store.currentRevision;
    const slow: IncomingMessage[] = [];
    for (let n = 0; n < SLOW_READERS; n += 1) {
      const reader = await s.open({ path: `${CMS}?watch=true&resourceVersion=${from}`, headers: { connection: 'close' } });
      reader.on('error', () => undefined);
      reader.pause();
      slow.push(reader);
    }
    const before = used();
    const fast = await s.open({ path: `${CMS}?watch=true&resourceVersion=${from}` });
    const taking = (async (): Promise<number> => {
      let count = 0;
      for await (const event of lines(fast)) {
        assert.equal(event['type'], 'MODIFIED');
        count += 1;
        if (count === EVENTS) {
          break;
        }
      }
      return count;
    })();
    for (let n = 0; n < EVENTS; n += 1) {
      const { code } = await s.patch(`${CMS}/there`, { data: { n: String(n), filler: 'x'.repeat(EVENT_CHARS) } });
      assert.equal(code, 200);
    }
    assert.equal(await taking, EVENTS);
    const more = used() - before;
    assert.ok(more < MAX_SLOW_BYTES, `${more} bytes more are held`);
    fast.destroy();
    slow.forEach((reader) => reader.destroy());
    await settled(0);
  });
});
