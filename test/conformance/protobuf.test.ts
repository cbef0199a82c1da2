/**
 * Protobuf as kubectl and client-go speak it: bodies of every kind, answers to clients that ask for protobuf before JSON, and those that
 * ask for nothing else.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { parse } from 'yaml';
import { encodeProtobuf, encodeProtobufEnvelope } from '../../src/apimachinery/protobuf/encode.ts';
import { apiVersionOf, type JsonObject } from '../../src/apimachinery/object.ts';
import { deepClone, isObject } from '../../src/apimachinery/values.ts';
import type { AnyKind } from '../../src/kinds/kind.ts';
import { loadRegistry } from '../../src/kinds/registry.ts';
import { at, TestServer } from '../../src/apiserver/testing/harness.ts';
import { manifest, SAMPLES, type Sample } from './kinds.manifests.ts';

const PROTOBUF = 'application/vnd.kubernetes.protobuf';
const registry = loadRegistry();

function read(sample: Sample): { kind: AnyKind; object: JsonObject } {
  const object: unknown = parse(manifest(sample));
  assert.ok(isObject(object));
  const apiVersion = String(object['apiVersion']);
  const [group = '', version = ''] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  const kind = registry.byKind(group, version, String(object['kind']));
  assert.ok(kind !== undefined, sample.resource);
  // What a YAML parser makes is JSON.
  return { kind, object: object as JsonObject };
}

const pathOf = ({ group, version, plural, namespaced }: AnyKind): string =>
  `${group === '' ? `/api/${version}` : `/apis/${group}/${version}`}${namespaced ? '/namespaces/default' : ''}/${plural}`;

/** What must be equal however an object came: not its birth. */
function essence(object: Record<string, unknown>): unknown {
  const copy = deepClone(object);
  const metadata = copy['metadata'];
  if (isObject(metadata)) {
    for (const name of ['uid', 'creationTimestamp', 'resourceVersion', 'managedFields']) {
      delete metadata[name];
    }
  }
  // Jobs and their pods carry the job's uid; services their address.
  return JSON.parse(JSON.stringify(copy).replaceAll(/[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/g, 'UID').replaceAll(/"clusterIPs?":(?:"[^"]*"|\["[^"]*"\]),?/g, ''));
}

describe('protobuf', () => {
  let s: TestServer;
  before(async () => { s = await TestServer.start(); });
  after(() => s.close());

  for (const sample of SAMPLES.filter(({ resource }) => !resource.includes('customresourcedefinitions'))) {
    it(`a body of ${sample.resource} says what its JSON says`, async () => {
      const { kind, object } = read(sample);
      const raw = encodeProtobuf(object, registry.types, kind.type);
      const body = encodeProtobufEnvelope({ apiVersion: apiVersionOf(kind), kind: kind.kind }, raw);
      const path = `${pathOf(kind)}?dryRun=All&fieldManager=test`;
      const json = await s.post(path, object);
      assert.equal(json.code, 201, json.text);
      const accept = `${PROTOBUF},application/json`;
      const answer = await s.post(path, body, { 'content-type': PROTOBUF, accept });
      assert.equal(answer.code, 201, answer.text);
      assert.deepEqual(essence(answer.json), essence(json.json));
    });
  }

  it('is never refused in an Accept that begins with it', async () => {
    for (const kind of registry.list().filter(({ verbs, unstored }) => unstored !== true && (verbs === undefined || verbs.includes('list')))) {
      for (const accept of [PROTOBUF, `${PROTOBUF}, */*`, `${PROTOBUF},application/json`, `${PROTOBUF};as=Table;v=v1;g=meta.k8s.io,application/json`]) {
        const reply = await s.get(pathOf(kind), { accept });
        assert.equal(reply.code, 200, `${kind.plural} with ${accept}: ${reply.text}`);
        assert.ok(Array.isArray(at(reply.json, 'items')) || Array.isArray(at(reply.json, 'rows')), kind.plural);
      }
    }
  });
});
