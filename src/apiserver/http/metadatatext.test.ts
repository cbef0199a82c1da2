import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KubeObject } from '../../apimachinery/object.ts';
import type { Stored } from '../../store/store.ts';
import { metadataText } from './metadatatext.ts';

/** As the store holds an object: its own text, in its own order. */
function stored(object: Record<string, unknown>): Stored {
  const json = JSON.stringify(object);
  return { key: '/a', revision: 1, createRevision: 1, json, object: JSON.parse(json) as KubeObject };
}

const metadata = { name: 'a', labels: { metadata: '"metadata":{', spec: '},"spec":{' }, managedFields: [{ fieldsV1: { 'f:spec': { spec: {} } } }] };
const head = { apiVersion: 'v1', kind: 'Pod' };

describe('the metadata of a stored object', () => {
  it('is cut out wherever it stands and whatever it looks like', () => {
    const objects: Record<string, unknown>[] = [
      { ...head, metadata, spec: {}, status: { a: 1 } },
      { kind: 'Pod', metadata, apiVersion: 'v1', data: { spec: 'x' } },
      { ...head, metadata },
      { metadata, ...head },
      { ...head, metadata: { name: 'a' }, spec: { template: { metadata: {}, spec: {} } } },
      // What follows is called as something inside of it.
      { ...head, metadata: { annotations: { a: 'b' }, name: 'x', labels: {} }, name: 'y' },
      { ...head, metadata: { managedFields: [{ fieldsV1: { 'f:a': {}, data: {} } }], name: 'x' }, data: { a: 'b' } },
      { ...head, metadata: { name: 'x', labels: { a: 'b' } }, '7': {}, 'quo"te': 1 },
      { spec: { metadata: { name: 'other' } }, ...head, metadata },
      { ...head, metadata: {}, 'quo"te': { a: { b: {} } } },
    ];
    for (const object of objects) {
      assert.equal(metadataText(stored(object)), JSON.stringify(object['metadata']));
    }
  });
});
