import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redacted, shownMetadata } from './redact.ts';

test('nothing that opens a door is left in a log', () => {
  const jwt = `eyJ${'h'.repeat(10)}.${'p'.repeat(20)}.${'s'.repeat(20)}`;
  const lines = [
    `{"msg":"got authorization: Bearer ${jwt}"}`, '{"password":"hunter2hunter2","user":"bob"}', 'password=hunter2hunter2 next', `token: ${jwt}`, 'known-admin-token-value',
    '-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIIhunter2hunter2\n-----END EC PRIVATE KEY-----', '{"inner":"{\\"secret\\":\\"hunter2hunter2\\"}"}',
  ].join('\n');
  const shown = redacted(lines, ['known-admin-token-value', 'x']);
  for (const secret of [jwt, 'hunter2hunter2', 'known-admin-token-value', 'MHcCAQ']) {
    assert.ok(!shown.includes(secret), secret);
  }
  assert.ok(shown.includes('"user":"bob"') && shown.includes('next'));
});

test('metadata shows no values of annotations', () => {
  assert.deepEqual(shownMetadata({
    name: 'a', namespace: 'b', labels: { app: 'x' }, annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{"data":{"p":"hunter2"}}' },
    managedFields: [{ manager: 'm' }], finalizers: ['f'], other: 'hunter2',
  }), { name: 'a', namespace: 'b', labels: { app: 'x' }, annotations: ['kubectl.kubernetes.io/last-applied-configuration'], finalizers: ['f'] });
  assert.deepEqual(shownMetadata('x'), {});
});
