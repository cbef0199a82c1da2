import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileJsonPath, JsonPathError, simpleSteps } from './jsonpath.ts';

const DOCUMENT = {
  metadata: { name: 'a', labels: { 'example.com/team': 'blue' } },
  spec: { list: [1, 2, 3, 4], nested: [{ name: 'x', size: 1 }, { name: 'y', size: 5 }] },
  status: { conditions: [{ type: 'Ready', status: 'True' }, { type: 'Synced', status: 'False' }] },
};

test('paths lead where Kubernetes\' columns lead', () => {
  const cases: [string, unknown[]][] = [
    ['.metadata.name', ['a']], ['metadata.name', ['a']], ['$.metadata.name', ['a']],
    ['.metadata.labels.example\\.com/team', ['blue']], ["['metadata']['labels']['example.com/team']", ['blue']],
    ['.spec.list[0]', [1]], ['.spec.list[-1]', [4]], ['.spec.list[1:3]', [2, 3]], ['.spec.list[0,2]', [1, 3]], ['.spec.list[::2]', [1, 3]], ['.spec.list[9]', []],
    ['.spec.nested[*].name', ['x', 'y']], ['.spec.nested.*.size', [1, 5]], ["['metadata','spec'].name", ['a']],
    ['.status.conditions[?(@.type=="Ready")].status', ['True']], ["[?(@.none=='x')]", []], ['.spec.nested[?(@.size>2)].name', ['y']], ['.spec.nested[?(@.size)].name', ['x', 'y']],
    ['.status.conditions[?(@.type != "Ready")].type', ['Synced']], ['.spec.list[?(@<=2)]', [1, 2]],
    ['..status', [DOCUMENT.status, 'True', 'False']], ['.absent.deeper', []], ['.', [DOCUMENT]],
  ];
  for (const [path, expected] of cases) {
    assert.deepEqual(compileJsonPath(path)(DOCUMENT), expected, path);
  }
});

test('what cannot be read is refused', () => {
  for (const path of ['.a[', '.a[x]', '.a[?(@.b==c)]', '.a[1:2:0]', `.${'a'.repeat(5000)}`, '.a[0]b']) {
    assert.throws(() => compileJsonPath(path), JsonPathError, path);
  }
});

test('plain paths are told from the others', () => {
  assert.deepEqual(simpleSteps('.spec.a'), ['spec', 'a']);
  assert.deepEqual(simpleSteps(".spec['a.b']"), ['spec', 'a.b']);
  assert.deepEqual(simpleSteps('.spec.a\\.b'), ['spec', 'a.b']);
  assert.equal(simpleSteps('.spec[0]'), undefined);
  assert.equal(simpleSteps('spec'), undefined);
});
