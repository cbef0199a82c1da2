import assert from 'node:assert/strict';
import { test } from 'node:test';
import { credentialsOf, matchingCredentials, registryAuth } from './credentials.ts';

const secret = (key: string, value: unknown): { data: Record<string, string> } =>
  ({ data: { [key]: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64') } });

test('both forms of a pull secret are read', () => {
  const auth = Buffer.from('ana:se:cret').toString('base64');
  assert.deepEqual(credentialsOf(secret('.dockerconfigjson', { auths: { 'https://index.docker.io/v1/': { auth } } })), [
    { scope: 'docker.io', username: 'ana', password: 'se:cret' },
  ]);
  assert.deepEqual(credentialsOf(secret('.dockercfg', { 'registry.example:5000': { username: 'u', password: 'p' } })), [
    { scope: 'registry.example:5000', username: 'u', password: 'p' },
  ]);
});

test('what holds no credentials gives none', () => {
  assert.deepEqual(credentialsOf({ data: {} }), []);
  assert.deepEqual(credentialsOf(secret('.dockerconfigjson', 'not json')), []);
  assert.deepEqual(credentialsOf(secret('.dockerconfigjson', { auths: { a: 1, b: { auth: 'AAAA' } } })), []);
});

test('the credential of the longest fitting scope comes first', () => {
  const of = (scope: string): { scope: string; username: string; password: string } => ({ scope, username: scope, password: '' });
  const all = [of('r.example'), of('r.example/team'), of('r.example/tea'), of('other.example')];
  assert.deepEqual(matchingCredentials(all, 'r.example', 'team/app').map(({ scope }) => scope), ['r.example/team', 'r.example']);
  assert.deepEqual(JSON.parse(Buffer.from(registryAuth(of('x')), 'base64').toString()), { username: 'x', password: '' });
});
