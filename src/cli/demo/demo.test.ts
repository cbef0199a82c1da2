import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contains, readManifests, SHOP_FOLDER } from './manifests.ts';
import { pageLines } from './shop.ts';

test('the shop is a namespace, a virtual machine, a Deployment, a Job and their Services', async () => {
  const manifests = await readManifests(SHOP_FOLDER);
  assert.deepEqual(manifests.map(({ kind, metadata }) => `${kind ?? ''}/${metadata.name ?? ''}`), [
    'Namespace/shop', 'VirtualMachine/inventory', 'Service/inventory', 'Deployment/web', 'Service/web', 'Job/check',
  ]);
  assert.ok(manifests.slice(1).every(({ metadata }) => metadata.namespace === 'shop'));
});

test('what the server adds does not count as a difference, what it lacks does', () => {
  assert.ok(contains({ a: 1, b: [{ c: 'x', added: true }], status: {} }, { a: 1, b: [{ c: 'x' }] }));
  assert.ok(!contains({ a: 1, b: [{ c: 'x' }, { c: 'y' }] }, { b: [{ c: 'x' }] }));
  assert.ok(!contains({ a: '1' }, { a: 1 }));
  assert.ok(!contains({}, { a: {} }));
});

test('a page is shown as words', () => {
  assert.deepEqual(pageLines('<title>t</title>\n<h1>A &amp; B</h1>\n\n<table>\n<tr><td>x</td><td>&lt;3</td></tr>\n</table>'), ['A & B', 'x  <3']);
});
