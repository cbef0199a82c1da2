/** Definitions and their look-ups, for tests. */
import assert from 'node:assert/strict';
import { at, type TestServer } from '../../testing/harness.ts';

export const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

type Members = Record<string, unknown>;

/** One version, with a schema for `spec`. */
export const version = (name: string, spec: Members, extra: Members = {}): Members => ({
  name, served: true, storage: false,
  schema: { openAPIV3Schema: { type: 'object', properties: { spec, status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } } }, ...extra,
});

/** A namespaced definition of `example.com`; the first version is the storage version unless one says so itself. */
export function definition(plural: string, versions: Members[], spec: Members = {}): Members {
  const kind = plural.slice(0, 1).toUpperCase() + plural.slice(1, -1);
  const stored = versions.some((one) => one['storage'] === true);
  return {
    apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `${plural}.example.com` },
    spec: {
      group: 'example.com', scope: 'Namespaced', names: { plural, kind },
      versions: versions.map((one, index) => (stored ? one : { ...one, storage: index === 0 })), ...spec,
    },
  };
}

/** Waits until `check` holds. */
export async function eventually(check: () => Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; !await check(); tries += 1) {
    assert.ok(tries < 500, what);
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
}

/** Creates a definition and waits until it says that it is established. */
export async function establish(s: TestServer, body: Members): Promise<void> {
  const made = await s.post(CRDS, body);
  assert.equal(made.code, 201, made.text);
  const name = String(at(body, 'metadata', 'name'));
  await eventually(async () => {
    const conditions = at((await s.get(`${CRDS}/${name}`)).json, 'status', 'conditions');
    return Array.isArray(conditions) && conditions.some((one) => at(one, 'type') === 'Established' && at(one, 'status') === 'True');
  }, `${name} is not established`);
}
