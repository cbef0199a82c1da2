import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { at, CMS, configMap, lines, TestServer } from '../testing/harness.ts';

/** Samples by name and labels as they stand there. */
function samples(text: string): Map<string, number> {
  return new Map(text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).map((line) => {
    const space = line.lastIndexOf(' ');
    return [line.slice(0, space), Number(line.slice(space + 1))];
  }));
}

const sum = (all: Map<string, number>, name: string, ...labels: string[]): number =>
  [...all].filter(([key]) => key.startsWith(`${name}{`) && labels.every((label) => key.includes(label))).reduce((total, [, value]) => total + value, 0);

describe('/metrics', () => {
  let s: TestServer;
  before(async () => {
    s = await TestServer.start();
  });
  after(() => s.close());

  const read = async (): Promise<Map<string, number>> => samples((await s.get('/metrics')).text);

  it('counts requests by verb, resource, scope and code, refused ones too', async () => {
    await s.post(CMS, configMap('a'));
    await s.post(CMS, configMap('a'));
    await s.get(`${CMS}/a`);
    await s.get(CMS);
    const stored = at((await s.get('/api/v1/configmaps')).json, 'items');
    await s.get(`${CMS}/missing`);
    await s.ask({ path: `${CMS}/a`, token: null });
    const all = await read();
    const requests = (...labels: string[]): number => sum(all, 'apiserver_request_total', 'resource="configmaps"', ...labels);
    assert.equal(requests('verb="POST"', 'code="201"', 'scope="namespace"'), 1);
    assert.equal(requests('verb="POST"', 'code="409"'), 1);
    assert.equal(requests('verb="GET"', 'code="200"', 'scope="resource"'), 1);
    assert.equal(requests('verb="GET"', 'code="404"'), 1);
    assert.equal(requests('verb="GET"', 'code="401"'), 1);
    assert.equal(requests('verb="LIST"', 'scope="cluster"'), 1);
    assert.equal(requests('verb="LIST"', 'scope="namespace"'), 1);
    assert.equal(sum(all, 'apiserver_request_duration_seconds_count', 'resource="configmaps"'), requests());
    assert.equal(sum(all, 'apiserver_request_duration_seconds_bucket', 'resource="configmaps"', 'le="+Inf"'), requests());
    assert.equal(sum(all, 'apiserver_current_inflight_requests'), 0);
    assert.equal(sum(all, 'apiserver_storage_objects', 'resource="configmaps"'), Array.isArray(stored) ? stored.length : -1);
  });

  it('counts applied configurations apart from patches', async () => {
    const type = { 'content-type': 'application/apply-patch+yaml; charset=utf-8' };
    await s.ask({ method: 'PATCH', path: `${CMS}/applied?fieldManager=m`, body: configMap('applied'), headers: type });
    await s.patch(`${CMS}/applied`, { data: { a: 'b' } });
    const all = await read();
    assert.equal(sum(all, 'apiserver_request_total', 'resource="configmaps"', 'verb="APPLY"', 'code="201"'), 1);
    assert.equal(sum(all, 'apiserver_request_total', 'resource="configmaps"', 'verb="PATCH"'), 1);
  });

  it('counts watches and their events', async () => {
    const stream = await s.open({ path: `${CMS}?watch=true&resourceVersion=${s.store.currentRevision}` });
    const before = await read();
    assert.equal(sum(before, 'apiserver_longrunning_requests', 'resource="configmaps"', 'verb="WATCH"'), 1);
    const events = sum(before, 'apiserver_watch_events_total', 'resource="configmaps"');
    await s.post(CMS, configMap('watched'));
    for await (const event of lines(stream)) {
      assert.equal(event['type'], 'ADDED');
      break;
    }
    stream.destroy();
    assert.equal(sum(await read(), 'apiserver_watch_events_total', 'resource="configmaps"'), events + 1);
    for (let turn = 0; sum(await read(), 'apiserver_longrunning_requests', 'resource="configmaps"') > 0; turn += 1) {
      assert.ok(turn < 1000, 'the watch is still counted');
    }
  });

  it('does not grow with what clients make up', async () => {
    const before = (await read()).size;
    for (let n = 0; n < 50; n += 1) {
      await s.get(`/apis/group${n}.example.com/v1/things${n}/name${n}/status`);
      await s.get(`/nothing/${n}`);
    }
    assert.ok((await read()).size < before + 40);
  });

  it('tells of the process and its event loop', async () => {
    const all = await read();
    for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'process_start_time_seconds', 'nodejs_heap_size_used_bytes', 'nodejs_eventloop_utilization', 'telar_store_revision']) {
      assert.ok((all.get(name) ?? 0) > 0, name);
    }
    for (const name of ['nodejs_eventloop_lag_p50_seconds', 'nodejs_eventloop_lag_p99_seconds', 'nodejs_eventloop_lag_max_seconds']) {
      assert.ok((all.get(name) ?? -1) >= 0, name);
    }
    assert.equal(sum(all, 'kubernetes_build_info', 'git_version="v1.36'), 1);
  });
});
