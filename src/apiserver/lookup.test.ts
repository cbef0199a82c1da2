import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ResourcePath } from './lookup.ts';
import { CMS, configMap, TestServer } from './testing/harness.ts';

const CONFIGMAPS: ResourcePath = ['', 'v1', 'configmaps'];

describe('lookup', () => {
  let s: TestServer;
  before(async () => {
    s = await TestServer.start();
  });
  after(() => s.close());

  it('finds what was just written, and says when something has changed', async () => {
    const { lookup } = s.server.core;
    const names = (): string[] => lookup.list(CONFIGMAPS, 'default').map(({ metadata }) => metadata.name);
    assert.deepEqual(names(), []);
    const first = lookup.version(CONFIGMAPS);
    await s.post(CMS, configMap('one'));
    assert.notEqual(lookup.version(CONFIGMAPS), first);
    assert.deepEqual(names(), ['one']);
    const [before, second] = [lookup.list(CONFIGMAPS, 'default'), lookup.version(CONFIGMAPS)];
    assert.equal(lookup.list(CONFIGMAPS, 'default'), before, 'the same array while nothing changes');
    assert.equal(lookup.version(CONFIGMAPS), second);
    await s.patch(`${CMS}/one`, { data: { a: '2' } });
    assert.notEqual(lookup.version(CONFIGMAPS), second);
    assert.equal(lookup.get(CONFIGMAPS, 'default', 'one'), lookup.list(CONFIGMAPS)[0], 'no copies');
    await s.delete(`${CMS}/one`);
    assert.deepEqual(names(), []);
    assert.equal(lookup.get(CONFIGMAPS, 'default', 'one'), undefined);
  });

  it('answers for resources that are not served', () => {
    const { lookup } = s.server.core;
    assert.deepEqual(lookup.list(['example.com', 'v1', 'things']), []);
    assert.equal(lookup.version(['example.com', 'v1', 'things']), 0);
    assert.equal(lookup.get(['example.com', 'v1', 'things'], '', 'x'), undefined);
  });
});
