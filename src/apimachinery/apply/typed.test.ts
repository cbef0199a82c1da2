/** Values by their shapes: what is claimed, compared, merged, removed, refused. The tables are written as the kinds' are. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Json, JsonObject } from '../object.ts';
import { parseTypes } from '../typetable.ts';
import { compare } from './compare.ts';
import { fieldsOf } from './extract.ts';
import { merge } from './merge.ts';
import { extractFields, reconcile, removeFields, withNamedFields } from './remove.ts';
import { DEDUCED, shapeOfMessage } from './shape.ts';
import { typeErrors } from './typecheck.ts';

const table = new Map(parseTypes('core/v1', `
Pod kind
  metadata ObjectMeta 1
  spec PodSpec 2

ObjectMeta
  name string 1
  labels map:string 2
  finalizers []string 3 set

PodSpec
  containers []Container 1 ! map=name
  args []string 2 atomic
  selector Selector 3
  nodeSelector map:string 4 atomic
  replicas int32 5
  paused bool 6
  tree PodSpec 7
  raw any 8
  overhead map:Quantity 9
  optional []Container 10 map=name
  plain []Container 11

Container
  name string 1 !
  image string 2
  ports []ContainerPort 3 map=containerPort,protocol

ContainerPort
  containerPort int32 1 !
  protocol string 2
  name string 3

Selector atomic
  matchLabels map:string 1
`).map((message) => [message.name, message]));

const POD = shapeOfMessage(table, 'core/v1.Pod');
const SPEC = shapeOfMessage(table, 'core/v1.PodSpec');

const claimed = (value: Json): JsonObject => fieldsOf(value, POD);
const differs = (old: Json, next: Json): { changed: JsonObject; removed: JsonObject } => compare(old, next, POD);

describe('what a configuration claims', () => {
  it('is its leaves, and the elements of its maps and lists', () => {
    assert.deepEqual(claimed({ metadata: { labels: { a: '1', b: '2' }, finalizers: ['x', 'y'] }, spec: { replicas: 0, args: ['a'], selector: { matchLabels: { a: 'b' } } } }), {
      'f:metadata': { 'f:labels': { 'f:a': {}, 'f:b': {} }, 'f:finalizers': { 'v:"x"': {}, 'v:"y"': {} } },
      'f:spec': { 'f:replicas': {}, 'f:args': {}, 'f:selector': {} },
    });
    assert.deepEqual(claimed({ spec: { containers: [{ name: 'c', image: 'x', ports: [{ containerPort: 80 }] }] } }), {
      'f:spec': { 'f:containers': { 'k:{"name":"c"}': { '.': {}, 'f:name': {}, 'f:image': {}, 'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } } } } },
    });
  });

  it('is what it leaves empty, too', () => {
    assert.deepEqual(claimed({ metadata: { labels: {} }, spec: null }), { 'f:metadata': { 'f:labels': {} }, 'f:spec': {} });
    assert.deepEqual(claimed({ spec: { containers: [] } }), {}, 'but not an empty list');
  });

  it('is nothing of what the type does not have', () => {
    assert.deepEqual(claimed({ spec: { nothing: 1, constructor: 2 } }), {});
  });

  it('is found out where nothing is known of the type', () => {
    assert.deepEqual(fieldsOf({ a: { b: [1, 2], c: {} }, d: null }, DEDUCED), { 'f:a': { '.': {}, 'f:b': {}, 'f:c': {} }, 'f:d': {} });
  });

  it('of an element given twice is only that it is there', () => {
    assert.deepEqual(claimed({ spec: { containers: [{ name: 'c', image: 'x' }, { name: 'c', image: 'y' }, { name: 'd' }, null, 'text'] } }), {
      'f:spec': { 'f:containers': { 'k:{"name":"c"}': {}, 'k:{"name":"d"}': { '.': {}, 'f:name': {} } } },
    });
  });
});

describe('what differs', () => {
  it('is everything of a new object, its maps and elements included', () => {
    assert.deepEqual(differs({}, { metadata: { labels: { a: '1' } }, spec: { replicas: 1, optional: [{ name: 'c' }], containers: [{ name: 'c', ports: [{ containerPort: 1, protocol: 'UDP' }] }] } }), {
      // Structs that Kubernetes' types hold by value, and required lists, are there already.
      changed: {
        'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } },
        'f:spec': {
          'f:replicas': {}, 'f:optional': { '.': {}, 'k:{"name":"c"}': { '.': {}, 'f:name': {} } },
          'f:containers': { 'k:{"name":"c"}': { '.': {}, 'f:name': {}, 'f:ports': { '.': {}, 'k:{"containerPort":1,"protocol":"UDP"}': { '.': {}, 'f:containerPort': {}, 'f:protocol': {} } } } },
        },
      },
      removed: {},
    });
  });

  it('is told apart by leaf, element and key', () => {
    const old = { metadata: { labels: { a: '1', b: '2' }, finalizers: ['x', 'y'] }, spec: { args: ['a'], containers: [{ name: 'c', image: 'x' }, { name: 'd', image: 'x' }] } };
    const next = { metadata: { labels: { a: '2', c: '3' }, finalizers: ['y', 'z'] }, spec: { args: ['a', 'b'], containers: [{ name: 'd', image: 'y' }, { name: 'c', image: 'x' }] } };
    assert.deepEqual(differs(old, next), {
      changed: {
        'f:metadata': { 'f:labels': { 'f:a': {}, 'f:c': {} }, 'f:finalizers': { 'v:"z"': {} } },
        'f:spec': { 'f:args': {}, 'f:containers': { 'k:{"name":"d"}': { 'f:image': {} } } },
      },
      removed: { 'f:metadata': { 'f:labels': { 'f:b': {} }, 'f:finalizers': { 'v:"x"': {} } } },
    });
    assert.deepEqual(differs(old, structuredClone(old)), { changed: {}, removed: {} });
  });

  it('is all of what is gone', () => {
    assert.deepEqual(differs({ metadata: { labels: { a: '1' } }, spec: { optional: [{ name: 'c' }] } }, { metadata: {}, spec: {} }), {
      changed: {}, removed: { 'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } }, 'f:spec': { 'f:optional': { '.': {}, 'k:{"name":"c"}': { '.': {}, 'f:name': {} } } } },
    });
  });

  it('is seen where names are those of every object', () => {
    assert.deepEqual(differs({ metadata: { labels: { a: '1' } } }, { metadata: { labels: { a: '1', constructor: 'x' } } }).changed, { 'f:metadata': { 'f:labels': { 'f:constructor': {} } } });
    assert.deepEqual(differs({ metadata: { labels: { a: '1', constructor: 'x' } } }, { metadata: { labels: { a: '1' } } }).removed, { 'f:metadata': { 'f:labels': { 'f:constructor': {} } } });
  });

  it('is what changes its kind, where nothing is known of the type', () => {
    assert.deepEqual(compare({ a: { b: 1 }, c: [1], d: 1 }, { a: 'x', c: [2], d: { e: 1 } }, DEDUCED), {
      changed: { 'f:a': {}, 'f:c': {}, 'f:d': { '.': {}, 'f:e': {} } }, removed: { 'f:a': { 'f:b': {} } },
    });
  });

  it('of elements given twice is the element', () => {
    const twice = { spec: { containers: [{ name: 'c', image: 'x' }, { name: 'c', image: 'y' }] } };
    const once = { spec: { containers: [{ name: 'c', image: 'x' }] } };
    const key = 'k:{"name":"c"}';
    assert.deepEqual(differs(twice, once), { changed: { 'f:spec': { 'f:containers': { [key]: { '.': {}, 'f:name': {}, 'f:image': {} } } } }, removed: { 'f:spec': { 'f:containers': { [key]: {} } } } });
    assert.deepEqual(differs(twice, { spec: { containers: [{ name: 'c', image: 'x' }, { name: 'c', image: 'z' }] } }).changed, { 'f:spec': { 'f:containers': { [key]: {} } } });
  });
});

describe('merging', () => {
  it('takes what is named and keeps the rest', () => {
    const live = { metadata: { name: 'p', labels: { a: '1', b: '2' } }, spec: { replicas: 1, paused: true, args: ['a', 'b'] } };
    const before = JSON.stringify(live);
    assert.deepEqual(merge(live, { metadata: { labels: { a: '3', constructor: 'c' } }, spec: { replicas: 2, args: ['c'] } }, POD),
      { metadata: { name: 'p', labels: { a: '3', b: '2', constructor: 'c' } }, spec: { replicas: 2, paused: true, args: ['c'] } });
    assert.equal(JSON.stringify(live), before);
  });

  it('gives the live object back when nothing changes', () => {
    const live = { metadata: { labels: { a: '1' } }, spec: { replicas: 1, containers: [{ name: 'c', image: 'x' }, { name: 'd' }], selector: { matchLabels: { a: 'b' } } } };
    assert.equal(merge(live, structuredClone(live), POD), live);
    assert.equal(merge(live, { metadata: { labels: {} }, spec: { containers: [{ name: 'c' }], selector: { matchLabels: { a: 'b' } } } }, POD), live);
    assert.equal(merge(live, { spec: null }, POD), live);
  });

  const order = (live: string[], config: string[]): string[] => {
    const named = (names: string[]): JsonObject[] => names.map((name) => ({ name }));
    const merged = merge({ optional: named(live) }, { optional: named(config) }, SPEC);
    return (merged as { optional: { name: string }[] }).optional.map(({ name }) => name);
  };

  it('keeps both orders as far as they agree', () => {
    assert.deepEqual(order(['a', 'b', 'c'], ['b', 'd']), ['a', 'b', 'c', 'd']);
    assert.deepEqual(order(['a', 'b'], ['b', 'a']), ['b', 'a'], 'the configuration\'s holds among its own');
    assert.deepEqual(order(['x', 'a', 'y', 'b', 'z'], ['n', 'b', 'm', 'a']), ['x', 'y', 'n', 'b', 'z', 'm', 'a']);
    assert.deepEqual(order([], ['b', 'a']), ['b', 'a']);
    assert.deepEqual(order(['a', 'b'], []), ['a', 'b']);
  });

  it('merges elements by key, and replaces one that was there twice', () => {
    assert.deepEqual(merge({ containers: [{ name: 'c', image: 'x', ports: [{ containerPort: 1, protocol: 'TCP', name: 'n' }] }] }, { containers: [{ name: 'c', ports: [{ containerPort: 1, name: 'm' }] }] }, SPEC),
      { containers: [{ name: 'c', image: 'x', ports: [{ containerPort: 1, protocol: 'TCP', name: 'm' }] }] });
    assert.deepEqual(merge({ containers: [{ name: 'c', image: 'x' }, { name: 'c', image: 'y' }, { name: 'd' }] }, { containers: [{ name: 'c', paused: 1 }] }, SPEC),
      { containers: [{ name: 'c', paused: 1 }, { name: 'd' }] });
  });

  it('does not merge what is atomic', () => {
    assert.deepEqual(merge({ nodeSelector: { a: '1' }, plain: [{ name: 'a' }] }, { nodeSelector: { b: '2' }, plain: [{ name: 'b' }] }, SPEC), { nodeSelector: { b: '2' }, plain: [{ name: 'b' }] });
  });
});

describe('removing and extracting', () => {
  const value = { metadata: { labels: { a: '1', b: '2' } }, spec: { replicas: 1, args: ['x'], containers: [{ name: 'c', image: 'x' }, { name: 'd', image: 'y' }] } };

  it('removes members, and what that leaves empty', () => {
    assert.deepEqual(removeFields(value, { 'f:metadata': { 'f:labels': { 'f:a': {} } }, 'f:spec': { 'f:args': {}, 'f:containers': { 'k:{"name":"c"}': { '.': {} }, 'k:{"name":"d"}': { 'f:image': {} } } } }, POD),
      { metadata: { labels: { b: '2' } }, spec: { replicas: 1, containers: [{ name: 'd' }] } });
    assert.deepEqual(removeFields(value, { 'f:metadata': { 'f:labels': { 'f:a': {}, 'f:b': {} } } }, POD), { spec: value.spec });
    assert.equal(removeFields(value, { 'f:spec': { 'f:paused': {} } }, POD), value);
  });

  it('extracts the configuration that claims a set', () => {
    const set = { 'f:metadata': { 'f:labels': { 'f:a': {} } }, 'f:spec': { 'f:args': {}, 'f:containers': { 'k:{"name":"d"}': { '.': {}, 'f:image': {} } } } };
    const config = extractFields(value, set, POD);
    assert.deepEqual(config, { metadata: { labels: { a: '1' } }, spec: { args: ['x'], containers: [{ name: 'd', image: 'y' }] } });
    assert.equal(extractFields(value, {}, POD), undefined);
  });

  it('names the fields on the way, but no maps or elements', () => {
    assert.deepEqual(withNamedFields({ 'f:metadata': { 'f:labels': { 'f:a': {} } }, 'f:spec': { 'f:containers': { 'k:{"name":"c"}': { 'f:image': {} } } } }, POD), {
      'f:metadata': { '.': {}, 'f:labels': { '.': {}, 'f:a': {} } }, 'f:spec': { '.': {}, 'f:containers': { '.': {}, 'k:{"name":"c"}': { 'f:image': {} } } },
    });
  });

  it('brings sets up to a schema that has become atomic', () => {
    assert.deepEqual(reconcile({ 'f:spec': { 'f:nodeSelector': { 'f:a': {} }, 'f:replicas': {} } }, POD), { 'f:spec': { 'f:nodeSelector': {}, 'f:replicas': {} } });
  });
});

describe('what does not fit its type', () => {
  const cases: [Json, string[]][] = [
    [{ spec: { replicas: '3' } }, ['.spec.replicas: expected numeric (int or float), got string']],
    [{ metadata: { labels: { a: 1 } } }, ['.metadata.labels.a: expected string, got &value.valueUnstructured{Value:1}']],
    [{ spec: { paused: 'yes' } }, ['.spec.paused: expected boolean, got &{yes}']],
    [{ spec: { overhead: { cpu: [1] } } }, ['.spec.overhead.cpu: expected any scalar, got &{[1]}']],
    [{ spec: { containers: {} } }, ['.spec.containers: expected list, got &{map[]}']],
    [{ spec: [] }, ['.spec: expected map, got &{[]}']],
    [{ spec: { foo: 1, goo: 2 }, metadata: { bar: 1 } }, ['.metadata.bar: field not declared in schema', '.spec.foo: field not declared in schema']],
    [{ spec: { containers: [{ name: 'c', nothing: 1 }] } }, ['.spec.containers[name="c"].nothing: field not declared in schema']],
    [{ spec: { containers: [{ name: 'c' }, { name: 'c' }] } }, ['.spec.containers: duplicate entries for key [name="c"]']],
    [{ spec: { containers: [null] } }, ['.spec.containers: element 0: associative list with keys may not have a null element']],
    [{ metadata: { finalizers: ['a', 'a', {}] } }, ['.metadata.finalizers: duplicate entries for key [="a"]', '.metadata.finalizers: element 2: associative list without keys has an element that\'s a map type']],
    [{ spec: { selector: { matchLabels: { a: 1 } } } }, ['.spec.selector.matchLabels.a: expected string, got &value.valueUnstructured{Value:1}']],
    [{ spec: { raw: { any: [1, { thing: null }] }, replicas: null, overhead: { cpu: 1, memory: '1Gi' } } }, []],
  ];
  for (const [value, errors] of cases) {
    it(JSON.stringify(value), () => assert.deepEqual(typeErrors(value, POD), errors));
  }
});
