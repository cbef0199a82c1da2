import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { route } from '../route.ts';
import { at, CMS, configMap, lines, pod, PODS, TestServer } from '../testing/harness.ts';
import { watch } from './watch.ts';

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json';

const names = (list: Record<string, unknown>): unknown[] => (list['items'] as unknown[]).map((item) => at(item, 'metadata', 'name'));

type Event = Record<string, unknown>;

/** Takes `count` events of a watch, then ends it. */
async function take(incoming: IncomingMessage, count: number): Promise<Event[]> {
  const events: Event[] = [];
  for await (const event of lines(incoming)) {
    events.push(event);
    if (events.length === count) {
      break;
    }
  }
  incoming.destroy();
  return events;
}

const shown = (events: readonly Event[]): string[] => events.map((event) => `${String(event['type'])} ${String(at(event, 'object', 'metadata', 'name'))}`);

describe('list', () => {
  let s: TestServer;
  before(async () => {
    s = await TestServer.start();
    for (const index of [0, 1, 2, 3, 4, 5, 6]) {
      await s.post(CMS, configMap(`cm-${index}`, {}, { parity: index % 2 === 0 ? 'even' : 'odd' }));
    }
  });
  after(() => s.close());

  it('lists a namespace and all of them', async () => {
    const list = await s.get(CMS);
    assert.equal(list.json['kind'], 'ConfigMapList');
    assert.equal(list.json['apiVersion'], 'v1');
    assert.equal(names(list.json).length, 7);
    assert.equal(at(list.json, 'metadata', 'resourceVersion'), String(s.store.currentRevision));
    // Beside these there is what aggregated API servers read.
    assert.equal(names((await s.get('/api/v1/configmaps')).json).length, 8);
    assert.deepEqual(names((await s.get('/api/v1/namespaces/kube-system/configmaps')).json), ['extension-apiserver-authentication']);
  });

  it('selects by labels and fields', async () => {
    assert.deepEqual(names((await s.get(`${CMS}?labelSelector=parity%3Deven`)).json), ['cm-0', 'cm-2', 'cm-4', 'cm-6']);
    assert.deepEqual(names((await s.get(`${CMS}?labelSelector=parity+in+(odd),!other`)).json), ['cm-1', 'cm-3', 'cm-5']);
    assert.deepEqual(names((await s.get(`${CMS}?fieldSelector=metadata.name%3Dcm-3`)).json), ['cm-3']);
    assert.deepEqual(names((await s.get(`/api/v1/configmaps?fieldSelector=metadata.name%3Dcm-3,metadata.namespace%3Ddefault`)).json), ['cm-3']);
    assert.equal((await s.get(`${CMS}?labelSelector=a%3D%3D%3Db`)).code, 400);
    const field = await s.get(`${CMS}?fieldSelector=data.a%3Db`);
    assert.equal(field.code, 400);
    assert.match(String(field.json['message']), /field label "data.a" not supported for ConfigMap/);
  });

  it('gives pages of one snapshot', async () => {
    const first = await s.get(`${CMS}?limit=3`);
    assert.deepEqual(names(first.json), ['cm-0', 'cm-1', 'cm-2']);
    assert.equal(at(first.json, 'metadata', 'remainingItemCount'), 4);
    const token = String(at(first.json, 'metadata', 'continue'));
    await s.post(CMS, configMap('cm-35'));
    await s.delete(`${CMS}/cm-35`);
    await s.post(CMS, configMap('cm-36'));
    const second = await s.get(`${CMS}?limit=10&continue=${encodeURIComponent(token)}`);
    assert.deepEqual(names(second.json), ['cm-3', 'cm-4', 'cm-5', 'cm-6'], 'what came later is not in the snapshot');
    assert.equal(at(second.json, 'metadata', 'resourceVersion'), at(first.json, 'metadata', 'resourceVersion'));
    assert.equal(at(second.json, 'metadata', 'continue'), undefined);
    await s.delete(`${CMS}/cm-36`);
    const odd = await s.get(`${CMS}?limit=2&labelSelector=parity%3Dodd`);
    assert.deepEqual(names(odd.json), ['cm-1', 'cm-3']);
    assert.equal(at(odd.json, 'metadata', 'remainingItemCount'), undefined);
    const rest = await s.get(`${CMS}?limit=2&labelSelector=parity%3Dodd&continue=${encodeURIComponent(String(at(odd.json, 'metadata', 'continue')))}`);
    assert.deepEqual(names(rest.json), ['cm-5']);
    assert.equal((await s.get(`${CMS}?continue=nonsense`)).code, 400);
    assert.equal((await s.get(`${CMS}?limit=1&resourceVersion=3&continue=${encodeURIComponent(token)}`)).code, 400);
  });

  it('reads at revisions as the API concepts say', async () => {
    const before = String(s.store.currentRevision);
    await s.post(CMS, configMap('later'));
    assert.ok(!names((await s.get(`${CMS}?resourceVersion=${before}&resourceVersionMatch=Exact`)).json).includes('later'));
    assert.ok(names((await s.get(`${CMS}?resourceVersion=${before}&resourceVersionMatch=NotOlderThan`)).json).includes('later'));
    assert.ok(names((await s.get(`${CMS}?resourceVersion=0`)).json).includes('later'));
    await s.delete(`${CMS}/later`);
    assert.equal((await s.get(`${CMS}?resourceVersionMatch=Exact`)).code, 422);
    assert.equal((await s.get(`${CMS}?resourceVersion=0&resourceVersionMatch=Exact`)).code, 422);
    assert.equal((await s.get(`${CMS}?resourceVersion=x`)).code, 422);
    const future = await s.get(`${CMS}?resourceVersion=999999`);
    assert.equal(future.code, 504);
    assert.equal(future.json['reason'], 'Timeout');
    assert.equal(at(future.json, 'details', 'causes', 0, 'reason'), 'ResourceVersionTooLarge');
    assert.equal(at(future.json, 'details', 'retryAfterSeconds'), 1);
  });

  it('says 410 for what has been compacted, with a way on', async () => {
    const page = await s.get(`${CMS}?limit=2`);
    const old = String(at(page.json, 'metadata', 'resourceVersion'));
    await s.patch(`${CMS}/cm-0`, { data: { x: '1' } });
    await s.store.compact(s.store.currentRevision);
    const exact = await s.get(`${CMS}?resourceVersion=${old}&resourceVersionMatch=Exact`);
    assert.equal(exact.code, 410);
    assert.equal(exact.json['reason'], 'Expired');
    const next = await s.get(`${CMS}?limit=10&continue=${encodeURIComponent(String(at(page.json, 'metadata', 'continue')))}`);
    assert.equal(next.code, 410);
    const fresh = await s.get(`${CMS}?limit=10&continue=${encodeURIComponent(String(at(next.json, 'metadata', 'continue')))}`);
    assert.deepEqual(names(fresh.json), ['cm-2', 'cm-3', 'cm-4', 'cm-5', 'cm-6']);
  });

  it('answers in the shape asked for', async () => {
    const table = await s.get(`${CMS}?limit=2`, { accept: TABLE });
    assert.equal(table.json['kind'], 'Table');
    assert.equal(at(table.json, 'columnDefinitions', 0, 'name'), 'Name');
    assert.equal(at(table.json, 'rows', 0, 'cells', 0), 'cm-0');
    assert.equal(at(table.json, 'rows', 0, 'object', 'kind'), 'PartialObjectMetadata');
    assert.equal(typeof at(table.json, 'metadata', 'continue'), 'string');
    const whole = await s.get(`${CMS}/cm-1?includeObject=Object`, { accept: TABLE });
    assert.equal(at(whole.json, 'rows', 0, 'object', 'kind'), 'ConfigMap');
    const partial = await s.get(CMS, { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' });
    assert.equal(partial.json['kind'], 'PartialObjectMetadataList');
    assert.deepEqual(Object.keys(at(partial.json, 'items', 0) as object).sort(), ['apiVersion', 'kind', 'metadata']);
    const yaml = await s.get(`${CMS}/cm-1`, { accept: 'application/yaml' });
    assert.match(yaml.text, /^kind: ConfigMap$/m);
    assert.equal(yaml.headers['content-type'], 'application/yaml');
    assert.equal((await s.get(`${CMS}/cm-1`, { accept: 'application/vnd.kubernetes.protobuf,application/json' })).headers['content-type'], 'application/json');
    assert.equal((await s.get(`${CMS}/cm-1`, { accept: 'application/vnd.kubernetes.protobuf' })).code, 200);
    assert.equal((await s.get(`${CMS}/cm-1`, { accept: 'text/html' })).code, 406);
    assert.match((await s.get(`${CMS}/cm-1`, { 'user-agent': 'curl/8' })).text, /\n {2}"kind": "ConfigMap"/);
    assert.ok(!(await s.get(`${CMS}/cm-1?pretty=0`, { 'user-agent': 'curl/8' })).text.includes('\n  '));
  });

  it('shows events under both of their groups', async () => {
    const event = {
      apiVersion: 'v1', kind: 'Event', metadata: { name: 'e1' }, involvedObject: { kind: 'Pod', name: 'p', namespace: 'default', uid: 'u' },
      reason: 'Started', message: 'it started', type: 'Normal',
    };
    assert.equal((await s.post('/api/v1/namespaces/default/events', event)).code, 201);
    const other = await s.get('/apis/events.k8s.io/v1/namespaces/default/events/e1');
    assert.equal(other.json['apiVersion'], 'events.k8s.io/v1');
    assert.equal(other.json['note'], 'it started');
    assert.equal(names((await s.get('/apis/events.k8s.io/v1/events')).json).length, 1);
    assert.equal(names((await s.get('/api/v1/namespaces/default/events?fieldSelector=involvedObject.uid%3Du')).json).length, 1);
  });

  it('compresses big answers for those who ask', async () => {
    await s.post('/api/v1/namespaces/kube-public/configmaps', configMap('big', { text: 'x'.repeat(200_000) }));
    const big = await s.get('/api/v1/namespaces/kube-public/configmaps', { 'accept-encoding': 'gzip' });
    assert.equal(big.headers['content-encoding'], 'gzip');
    assert.equal((await s.get('/api/v1/namespaces/kube-public/configmaps')).headers['content-encoding'], undefined);
    assert.equal((await s.get(CMS, { 'accept-encoding': 'gzip' })).headers['content-encoding'], undefined);
  });
});

describe('watch', () => {
  let s: TestServer;
  before(async () => {
    s = await TestServer.start();
  });
  after(() => s.close());

  it('tells what happens after a revision, once and in order', async () => {
    const from = String(s.store.currentRevision);
    const stream = await s.open({ path: `${CMS}?watch=true&resourceVersion=${from}` });
    assert.equal(stream.statusCode, 200);
    assert.equal(stream.headers['transfer-encoding'], 'chunked');
    await s.post(CMS, configMap('w1'));
    await s.patch(`${CMS}/w1`, { data: { b: '2' } });
    await s.delete(`${CMS}/w1`);
    const events = await take(stream, 3);
    assert.deepEqual(shown(events), ['ADDED w1', 'MODIFIED w1', 'DELETED w1']);
    const revisions = events.map((event) => Number(at(event, 'object', 'metadata', 'resourceVersion')));
    assert.deepEqual(revisions, [...revisions].sort((a, b) => a - b));
    assert.equal(new Set(revisions).size, 3);
    const again = await s.open({ path: `${CMS}?watch=true&resourceVersion=${from}` });
    assert.deepEqual(shown(await take(again, 3)), ['ADDED w1', 'MODIFIED w1', 'DELETED w1'], 'the past is told to those who come later');
  });

  it('begins with what is there', async () => {
    await s.post(CMS, configMap('there'));
    const stream = await s.open({ path: `${CMS}?watch=true&resourceVersion=0&fieldSelector=metadata.name%3Dthere` });
    await s.post(CMS, configMap('elsewhere'));
    await s.patch(`${CMS}/there`, { data: { c: '3' } });
    assert.deepEqual(shown(await take(stream, 2)), ['ADDED there', 'MODIFIED there']);
    const single = await s.open({ path: `/api/v1/watch/namespaces/default/configmaps/there` });
    assert.deepEqual(shown(await take(single, 1)), ['ADDED there']);
  });

  it('ends the initial objects with a bookmark', async () => {
    const stream = await s.open({ path: `${CMS}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&resourceVersion=` });
    const events: Event[] = [];
    for await (const event of lines(stream)) {
      events.push(event);
      if (event['type'] === 'BOOKMARK') {
        break;
      }
    }
    stream.destroy();
    const mark = events.at(-1);
    assert.equal(at(mark, 'object', 'metadata', 'annotations', 'k8s.io/initial-events-end'), 'true');
    assert.equal(at(mark, 'object', 'kind'), 'ConfigMap');
    assert.ok(events.length > 1);
    assert.equal((await s.get(`${CMS}?watch=true&sendInitialEvents=true`)).code, 422);
    assert.equal((await s.get(`${CMS}?watch=true&resourceVersionMatch=NotOlderThan`)).code, 422);
  });

  it('sees objects come into and go out of a selection', async () => {
    const from = String(s.store.currentRevision);
    const stream = await s.open({ path: `${CMS}?watch=true&labelSelector=team%3Dred&resourceVersion=${from}` });
    await s.post(CMS, configMap('sel', {}, { team: 'blue' }));
    await s.patch(`${CMS}/sel`, { metadata: { labels: { team: 'red' } } });
    await s.patch(`${CMS}/sel`, { data: { d: '4' } });
    const left = await s.patch(`${CMS}/sel`, { metadata: { labels: { team: 'blue' } } });
    await s.delete(`${CMS}/sel`);
    const events = await take(stream, 3);
    assert.deepEqual(shown(events), ['ADDED sel', 'MODIFIED sel', 'DELETED sel']);
    assert.equal(at(events[2], 'object', 'metadata', 'labels', 'team'), 'red', 'the last state that matched');
    assert.equal(at(events[2], 'object', 'metadata', 'resourceVersion'), at(left.json, 'metadata', 'resourceVersion'));
  });

  it('shows Tables whose columns come once', async () => {
    await s.post(PODS, pod('tabled'));
    const stream = await s.open({ path: `${PODS}?watch=true&resourceVersion=0`, headers: { accept: TABLE } });
    await s.patch(`${PODS}/tabled`, { metadata: { labels: { x: 'y' } } });
    const events = await take(stream, 2);
    assert.equal(at(events[0], 'object', 'kind'), 'Table');
    assert.equal(at(events[0], 'object', 'rows', 0, 'cells', 0), 'tabled');
    assert.equal(at(events[0], 'object', 'columnDefinitions', 0, 'name'), 'Name');
    assert.equal(at(events[1], 'object', 'columnDefinitions'), null);
  });

  it('ends when asked to', async () => {
    const stream = await s.open({ path: `${CMS}?watch=true&timeoutSeconds=1&resourceVersion=${s.store.currentRevision}` });
    const events: Event[] = [];
    for await (const event of lines(stream)) {
      events.push(event);
    }
    assert.deepEqual(events, []);
    assert.equal(stream.complete, true);
  });

  it('answers 410 for the forgotten past and 504 for the future', async () => {
    const old = s.store.currentRevision;
    await s.post(CMS, configMap('past'));
    await s.post(CMS, configMap('past2'));
    await s.store.compact(s.store.currentRevision);
    const gone = await s.get(`${CMS}?watch=true&resourceVersion=${old}`);
    assert.equal(gone.code, 410);
    assert.match(String(gone.json['message']), /^too old resource version: /);
    const future = await s.get(`${CMS}?watch=true&resourceVersion=999999`);
    assert.equal(future.code, 504);
  });

  it('marks its place for those who ask', async () => {
    const { core } = s.server;
    const path = CMS;
    const info = route(path);
    const kind = core.kindOf(info);
    const answer = await watch(core, {
      method: 'GET', verb: 'watch', info, query: new URLSearchParams(`watch=true&allowWatchBookmarks=true&resourceVersion=${s.store.currentRevision}`),
      user: { name: 'x', groups: [] }, accept: { format: 'json', metaVersion: 'v1' }, body: { kind: 'none' }, warnings: [],
    }, kind);
    assert.ok(answer.type === 'watch' && answer.stream.bookmarks);
    const next = answer.stream.next();
    // Others' writes move the mark too, so that a watcher of something quiet can come back later.
    await s.post('/api/v1/namespaces', { metadata: { name: 'unrelated' } });
    assert.equal(at(answer.stream.bookmark(), 'object', 'metadata', 'resourceVersion'), String(s.store.currentRevision));
    const made = await s.post(CMS, configMap('marked'));
    assert.deepEqual((await next)?.map(({ type }) => type), ['ADDED']);
    assert.equal(at(answer.stream.bookmark(), 'object', 'metadata', 'resourceVersion'), at(made.json, 'metadata', 'resourceVersion'));
    answer.stream.close();
    assert.equal(await answer.stream.next(), undefined);
  });

  it('serves many watchers the same events', async () => {
    const from = String(s.store.currentRevision);
    const watches = await Promise.all(Array.from({ length: 30 }, () => s.open({ path: `${CMS}?watch=true&resourceVersion=${from}` })));
    await Promise.all(Array.from({ length: 20 }, (_, index) => s.post(CMS, configMap(`many-${index}`))));
    const seen = await Promise.all(watches.map((stream) => take(stream, 20)));
    for (const events of seen) {
      assert.deepEqual(events, seen[0]);
    }
  });
});
