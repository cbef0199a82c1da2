import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { at, CMS, configMap, lines, TestServer } from '../testing/harness.ts';

const STREAMED = 'watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
const END = 'k8s.io/initial-events-end';

describe('streaming lists', () => {
  let s: TestServer;
  before(async () => {
    s = await TestServer.start();
    await Promise.all(Array.from({ length: 1200 }, (_, index) => s.post(CMS, configMap(`c${index}`, {}, { half: String(index % 2) }))));
  });
  after(() => s.close());

  type Event = Record<string, unknown>;

  /** Events until the first bookmark, which is the last one. */
  async function beginning(query: string, accept = 'application/json'): Promise<Event[]> {
    const stream = await s.open({ path: `${CMS}?${query}`, headers: { accept } });
    assert.equal(stream.statusCode, 200);
    const events: Event[] = [];
    for await (const event of lines(stream)) {
      events.push(event);
      if (event['type'] === 'BOOKMARK') {
        break;
      }
    }
    stream.destroy();
    return events;
  }

  it('send all there is, then a bookmark that says so, then what happens', async () => {
    const revision = s.store.currentRevision;
    const stream = await s.open({ path: `${CMS}?${STREAMED}&labelSelector=half%3D1` });
    const names: unknown[] = [];
    let mark: Event | undefined;
    let later: Event | undefined;
    for await (const event of lines(stream)) {
      if (event['type'] === 'BOOKMARK') {
        mark = event;
        await s.post(CMS, configMap('even', {}, { half: '0' }));
        await s.post(CMS, configMap('odd', {}, { half: '1' }));
      } else if (mark !== undefined) {
        later = event;
        break;
      } else {
        names.push(at(event, 'object', 'metadata', 'name'));
      }
    }
    stream.destroy();
    assert.equal(new Set(names).size, 600);
    assert.deepEqual(at(mark, 'object', 'metadata', 'annotations'), { [END]: 'true' });
    assert.equal(at(mark, 'object', 'metadata', 'resourceVersion'), String(revision));
    assert.deepEqual([later?.['type'], at(later, 'object', 'metadata', 'name')], ['ADDED', 'odd']);
  });

  it('come as metadata and as Tables too', async () => {
    const meta = await beginning(STREAMED, 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1');
    assert.ok(meta.length > 1200);
    assert.deepEqual([at(meta[0], 'object', 'kind'), at(meta[0], 'object', 'data')], ['PartialObjectMetadata', undefined]);
    assert.equal(at(meta.at(-1), 'object', 'metadata', 'annotations', END), 'true');
    const table = await beginning(STREAMED, 'application/json;as=Table;g=meta.k8s.io;v=v1');
    assert.equal(at(table[0], 'object', 'columnDefinitions', 0, 'name'), 'Name');
    assert.equal(at(table[1], 'object', 'columnDefinitions'), null, 'columns go out once');
    const mark = table.at(-1);
    assert.deepEqual([at(mark, 'object', 'kind'), at(mark, 'object', 'rows', 0, 'object', 'metadata', 'annotations', END)], ['Table', 'true']);
  });

  it('wait for a state as new as is asked for, and go on from one without its objects', async () => {
    const now = s.store.currentRevision;
    const waiting = beginning(`${STREAMED}&resourceVersion=${now + 1}&fieldSelector=metadata.name%3Dfresh`);
    await s.post(CMS, configMap('fresh'));
    assert.deepEqual((await waiting).map(({ type }) => type), ['ADDED', 'BOOKMARK']);
    const stream = await s.open({ path: `${CMS}?watch=true&sendInitialEvents=false&resourceVersionMatch=NotOlderThan&resourceVersion=${now}` });
    for await (const event of lines(stream)) {
      assert.equal(at(event, 'object', 'metadata', 'name'), 'fresh');
      break;
    }
    stream.destroy();
  });

  it('are refused in Kubernetes\' words where their options make no sense', async () => {
    const refusals: [string, string][] = [
      ['watch=true&sendInitialEvents=true', 'resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'],
      ['watch=true&sendInitialEvents=true&resourceVersionMatch=Exact&resourceVersion=1',
        '[resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan, '
        + 'resourceVersionMatch: Unsupported value: "Exact": supported values: "NotOlderThan"]'],
      ['watch=true&resourceVersionMatch=NotOlderThan', 'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'],
      ['sendInitialEvents=true', 'sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list'],
      ['watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&continue=x', 'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided'],
    ];
    for (const [query, words] of refusals) {
      const { code, json } = await s.get(`${CMS}?${query}`);
      assert.deepEqual([code, json['message']], [422, `ListOptions.meta.k8s.io "" is invalid: ${words}`], query);
    }
  });
});
