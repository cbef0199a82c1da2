import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseReference, referenceText } from './reference.ts';

const normal = (text: string): string | undefined => {
  const parsed = parseReference(text);
  return parsed === undefined ? undefined : referenceText(parsed);
};

test('names are completed as Docker does', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const cases: Record<string, string> = {
    nginx: 'docker.io/library/nginx:latest',
    'nginx:1.27': 'docker.io/library/nginx:1.27',
    'bitnami/redis': 'docker.io/bitnami/redis:latest',
    'docker.io/nginx': 'docker.io/library/nginx:latest',
    'index.docker.io/library/nginx': 'docker.io/library/nginx:latest',
    'localhost/app:dev': 'localhost/app:dev',
    'registry.example:5000/team/app': 'registry.example:5000/team/app:latest',
    'telar.local/starter/vm': 'telar.local/starter/vm:latest',
    [`quay.io/a/b@${digest}`]: `quay.io/a/b@${digest}`,
    [`quay.io/a/b:v1@${digest}`]: `quay.io/a/b@${digest}`,
  };
  for (const [text, expected] of Object.entries(cases)) {
    assert.equal(normal(text), expected);
  }
});

test('what is not a name is refused', () => {
  for (const text of ['', 'Nginx', 'nginx:', ':tag', 'a//b', 'a b', 'nginx@sha256:zz', 'a'.repeat(300), 'nginx:-x', '../etc', 'a/../b', '-x']) {
    assert.equal(normal(text), undefined, text);
  }
});
