/** Definitions as KubeVirt, CDI, Kueue, KServe and the Gateway API publish them, where they are at hand: installed, served, and obeyed. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { parseAllDocuments } from 'yaml';
import { isObject } from '../../apimachinery/values.ts';
import { at, TestServer } from '../testing/harness.ts';
import { CRDS } from './testing/definition.ts';

const FOLDER = fileURLToPath(new URL('../../../../shared/data/crds', import.meta.url));
/** Built in, whatever the definition says. */
const BUILT_IN = ['virtualmachines.kubevirt.io', 'virtualmachineinstances.kubevirt.io'];

function load(file: string): Record<string, unknown>[] {
  const text = gunzipSync(readFileSync(file)).toString();
  const documents: unknown[] = file.includes('.json') ? [JSON.parse(text)] : parseAllDocuments(text).map((document): unknown => document.toJSON());
  return documents.filter(isObject).filter(({ kind }) => kind === 'CustomResourceDefinition');
}

type Members = Record<string, unknown>;
const membersOf = (value: unknown): Members => (isObject(value) ? value : {});
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** Values of required members that no schema can guess. */
const BACKEND = { rules: [{ backendRefs: [{ name: 'a', port: 80 }] }] };
const MACHINE = { apiGroup: 'kubevirt.io', kind: 'VirtualMachine', name: 'a' };
const SENSIBLE: Readonly<Record<string, Members>> = {
  'virtualmachinebackups.backup.kubevirt.io': { source: MACHINE, pvcName: 'claim' },
  'virtualmachinebackuptrackers.backup.kubevirt.io': { source: MACHINE },
  'backendtlspolicies.gateway.networking.k8s.io': { targetRefs: [{ group: '', kind: 'Service', name: 'a' }], validation: { hostname: 'a.example', wellKnownCACertificates: 'System' } },
  'tcproutes.gateway.networking.k8s.io': BACKEND, 'udproutes.gateway.networking.k8s.io': BACKEND,
  'tlsroutes.gateway.networking.k8s.io': { hostnames: ['a.example'], ...BACKEND },
};

/** A value of the shape a schema asks for, with nothing that it does not require. */
function sample(schema: Members, name = ''): unknown {
  if (schema['default'] !== undefined) {
    return schema['default'];
  }
  const [first] = listOf(schema['enum']);
  if (first !== undefined) {
    return first;
  }
  switch (schema['type']) {
    case 'object': {
      const properties = membersOf(schema['properties']);
      return Object.fromEntries(listOf(schema['required']).map((one) => [String(one), sample(membersOf(properties[String(one)]), String(one))]));
    }
    case 'array': return Array.from({ length: Number(schema['minItems'] ?? 0) }, () => sample(membersOf(schema['items'])));
    case 'integer': case 'number': return Number(schema['minimum'] ?? 1);
    case 'boolean': return false;
    default: return text(schema, name);
  }
}

function text(schema: Members, name: string): string {
  const pattern = typeof schema['pattern'] === 'string' ? schema['pattern'] : '';
  if (schema['format'] === 'date-time') {
    return '2026-01-01T00:00:00Z';
  }
  if (pattern.includes('KMGTPE') || name === 'storage') {
    return '1';
  }
  if (pattern.includes('System|')) {
    return 'example.com/one';
  }
  return pattern.includes('\\/') || /controllerName/.test(name) ? 'example.com/one' : 'one'.padEnd(Number(schema['minLength'] ?? 0), 'x');
}

/** Required members of a schema that must be there and are objects or texts: what to break. */
const breakable = (schema: Members): string[] => Object.entries(membersOf(schema['properties']))
  .filter(([name, one]) => name !== 'metadata' && ['object', 'array', 'string'].includes(String(membersOf(one)['type']))).map(([name]) => name);

describe('upstream definitions', { skip: !existsSync(FOLDER) }, () => {
  let s: TestServer;
  before(async () => { s = await TestServer.start(); });
  after(() => s.close());
  const definitions = existsSync(FOLDER) ? globSync('**/*.gz', { cwd: FOLDER }).flatMap((file) => load(`${FOLDER}/${file}`)) : [];

  for (const definition of definitions) {
    const name = String(at(definition, 'metadata', 'name'));
    const spec = membersOf(definition['spec']);
    const [group, plural, kind] = [String(spec['group']), String(at(spec, 'names', 'plural')), String(at(spec, 'names', 'kind'))];

    it(name, async () => {
      const made = BUILT_IN.includes(name)
        ? await s.ask({ method: 'PATCH', path: `${CRDS}/${name}`, body: { spec }, headers: { 'content-type': 'application/merge-patch+json' } })
        : await s.post(CRDS, definition);
      if (!listOf(spec['versions']).some((version) => at(version, 'storage') === true)) {
        // Cut off in the middle: refused as such.
        assert.equal(made.code, 422);
        return;
      }
      assert.equal(made.code, BUILT_IN.includes(name) ? 200 : 201, made.text);
      for (const version of listOf(spec['versions']).map(membersOf).filter(({ served }) => served === true)) {
        if (!BUILT_IN.includes(name)) {
          await obeyed(version, String(version['name']));
        }
      }
    });

    async function obeyed(version: Members, versionName: string): Promise<void> {
      const base = `/apis/${group}/${versionName}/${spec['scope'] === 'Namespaced' ? 'namespaces/default/' : ''}${plural}`;
      const schema = membersOf(at(version, 'schema', 'openAPIV3Schema'));
      assert.equal((await s.get(base)).code, 200);
      const index = await s.get('/openapi/v3');
      assert.match(String(at(index.json, 'paths', `apis/${group}/${versionName}`, 'serverRelativeURL')), /hash=[0-9A-F]{128}$/);
      const body = { ...membersOf(sample(schema)), apiVersion: `${group}/${versionName}`, kind, metadata: { name: `one-${versionName}` } };
      const sensible = SENSIBLE[name];
      const good = await s.post(base, sensible === undefined ? body : { ...body, spec: sensible });
      assert.equal(good.code, 201, good.text);
      const [member] = breakable(schema).filter((one) => !['apiVersion', 'kind'].includes(one));
      if (member !== undefined) {
        const bad = await s.post(base, { ...body, metadata: { name: 'bad' }, [member]: 17 });
        assert.equal(bad.code, 422, `${name} ${member}`);
        assert.match(String(at(bad.json, 'message')), new RegExp(`${member}: Invalid value: "integer": ${member} in body must be of type (object|array|string): "integer"`));
      }
    }
  }

  it('leave the built-in machines as they are', async () => {
    const made = await s.post('/apis/kubevirt.io/v1/namespaces/default/virtualmachines', {
      apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', metadata: { name: 'vm' },
      spec: { runStrategy: 'Halted', template: { spec: { domain: { memory: { guest: '64Mi' }, devices: {} } } } },
    });
    assert.equal(made.code, 201, made.text);
    assert.equal((await s.delete(`${CRDS}/virtualmachines.kubevirt.io`)).code, 403);
  });
});
