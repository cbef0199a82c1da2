import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isStatusError } from '../apimachinery/status.ts';
import type { InProcessTransport } from './inprocess.ts';
import { at, CMS, configMap, TestServer } from './testing/harness.ts';

describe('in process', () => {
  let s: TestServer;
  let t: InProcessTransport;
  before(async () => {
    s = await TestServer.start();
    t = s.server.transport({ name: 'tester', groups: ['system:masters'] });
  });
  after(() => s.close());

  it('hands out the store\'s own objects and takes none of the caller\'s', async () => {
    const body = configMap('mine', { a: '1' });
    await t.request({ method: 'POST', path: CMS, body });
    assert.equal(at(body, 'metadata', 'uid'), undefined, 'the body is the caller\'s');
    const first = await t.request({ method: 'GET', path: `${CMS}/mine` });
    assert.equal(first, await t.request({ method: 'GET', path: `${CMS}/mine` }), 'not a copy');
    const list = await t.request({ method: 'GET', path: CMS, query: { labelSelector: '!x' } });
    assert.equal(at(list, 'items', 0), first);
  });

  it('writes through the same rules', async () => {
    const error = await t.request({ method: 'POST', path: CMS, body: configMap('Bad') }).then(() => undefined, (caught: unknown) => caught);
    assert.ok(isStatusError(error, 'Invalid'));
    const other = s.server.transport({ name: 'nobody', groups: ['system:authenticated'] });
    await assert.rejects(other.request({ method: 'GET', path: CMS }), (caught) => isStatusError(caught, 'Forbidden'));
    await assert.rejects(t.request({ method: 'GET', path: '/apis/none.example.com/v1/things' }), (caught) => isStatusError(caught, 'NotFound'));
    const patched = await t.request({ method: 'PATCH', path: `${CMS}/mine`, body: { data: { b: '2' } }, contentType: 'application/merge-patch+json' });
    assert.deepEqual(at(patched, 'data'), { a: '1', b: '2' });
    assert.equal(at(patched, 'metadata', 'managedFields', 0, 'manager'), 'tester', 'there is no User-Agent: the user says who writes');
    assert.deepEqual(at(await t.request({ method: 'DELETE', path: `${CMS}/mine` }), 'status'), 'Success');
  });

  it('watches until told to stop', async () => {
    const stop = new AbortController();
    const seen: string[] = [];
    const watching = (async (): Promise<void> => {
      for await (const { type, object } of t.watch({ method: 'GET', path: CMS, query: { resourceVersion: String(s.store.currentRevision) }, signal: stop.signal })) {
        seen.push(`${type} ${object.metadata.name}`);
        if (type === 'DELETED') {
          stop.abort();
        }
      }
    })();
    await s.post(CMS, configMap('watched'));
    await s.delete(`${CMS}/watched`);
    await watching;
    assert.deepEqual(seen, ['ADDED watched', 'DELETED watched']);
    await assert.rejects(async () => {
      for await (const event of t.watch({ method: 'GET', path: CMS, query: { resourceVersion: 'x' } })) {
        assert.fail(event.type);
      }
    }, (caught) => isStatusError(caught, 'Invalid'));
  });

  it('may be told to listen where it listens already', async () => {
    const { port } = await s.server.listen('0.0.0.0', 0);
    assert.deepEqual(await s.server.listen('127.0.0.2', port), { port });
    assert.notDeepEqual(await s.server.listen('127.0.0.2', 0), { port });
  });

  it('ends with the server', async () => {
    const own = await TestServer.start();
    const client = own.server.transport({ name: 'tester', groups: ['system:masters'] });
    const watching = (async (): Promise<void> => {
      for await (const event of client.watch({ method: 'GET', path: CMS, query: { resourceVersion: String(own.store.currentRevision) } })) {
        assert.fail(event.type);
      }
    })();
    await new Promise(setImmediate);
    await own.close();
    await watching;
  });
});
