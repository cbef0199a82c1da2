import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { JsonObject } from '../../apimachinery/object.ts';
import { decodeObject } from '../../apimachinery/schema/decode.ts';
import { isObject } from '../../apimachinery/values.ts';
import { at, create } from '../testing.ts';
import { typed } from '../typed.ts';
import { loadTypes } from '../types.ts';
import { customResourceDefinition, customResourceDefinitions } from './customresourcedefinition.ts';
import { validateSchemas } from './schemas.ts';

const UPSTREAM = new URL('../../../../shared/data/crds/kubevirt/virtualmachines.kubevirt.io.json.gz', import.meta.url);
const json = (value: unknown): JsonObject => {
  const parsed: unknown = JSON.parse(JSON.stringify(value));
  assert.ok(isObject(parsed));
  // Parsed JSON is JSON.
  return parsed as JsonObject;
};

test('every custom kind that is built in has a definition', () => {
  assert.deepEqual(customResourceDefinitions().map(({ metadata }) => metadata.name), ['virtualmachines.kubevirt.io', 'virtualmachineinstances.kubevirt.io']);
  for (const definition of customResourceDefinitions()) {
    const { object, errors } = create(customResourceDefinition, json(definition));
    assert.deepEqual(errors, []);
    assert.deepEqual([at(object, 'status.conditions'), at(object, 'status.storedVersions')], [[], ['v1']]);
  }
});

test('the definition KubeVirt installs is accepted', { skip: !existsSync(UPSTREAM) }, () => {
  const { errors } = create(customResourceDefinition, json(JSON.parse(gunzipSync(readFileSync(UPSTREAM)).toString())));
  assert.deepEqual(errors, []);
});

const THING = {
  group: 'example.com', scope: 'Namespaced', names: { plural: 'things', kind: 'Thing' },
  versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
};
const version = (extra: JsonObject): JsonObject => ({ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } }, ...extra });
/** What is wrong with a definition, its schemas included. */
function errorsOf(spec: JsonObject, metadata: JsonObject = {}): string[] {
  const { object, errors } = create(customResourceDefinition, json({ metadata: { name: 'things.example.com', ...metadata }, spec: { ...THING, ...spec } }));
  const steps = validateSchemas(typed('apiextensions.k8s.io/v1 CustomResourceDefinition', object));
  let step = steps.next();
  while (step.done !== true) {
    step = steps.next();
  }
  return [...errors, ...step.value.map(({ field, detail }) => `${field}: ${detail}`)];
}

test('what is missing is completed', () => {
  const { object, errors } = create(customResourceDefinition, json({ metadata: { name: 'things.example.com' }, spec: THING }));
  assert.deepEqual(errors, []);
  assert.deepEqual([at(object, 'spec.names.singular'), at(object, 'spec.names.listKind'), at(object, 'spec.conversion.strategy')], ['thing', 'ThingList', 'None']);
});

test('what is wrong is named in the words of Kubernetes', () => {
  const cases: [JsonObject, ...string[]][] = [
    [{ group: 'example' }, 'metadata.name: Invalid value: "things.example.com": must be spec.names.plural+"."+spec.group', 'spec.group: Invalid value: "example": should be a domain with at least one dot'],
    [{ scope: 'Galaxy' }, 'spec.scope: Unsupported value: "Galaxy": supported values: "Cluster", "Namespaced"'],
    [{ versions: [version({ storage: false })] }, 'spec.versions: Invalid value: ["v1"]: must have exactly one version marked as storage version'],
    [{ versions: [version({}), version({ storage: false })] }, 'spec.versions: Invalid value: ["v1","v1"]: must contain unique version names'],
    [{ versions: [version({ schema: {} })] }, 'spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required'],
    [{ versions: [version({ deprecationWarning: 'x' })] }, 'spec.versions[0].deprecationWarning: Invalid value: "x": can only be set for deprecated versions'],
    [{ names: { plural: 'things', kind: 'Thing', listKind: 'Thing' } }, 'spec.names.listKind: Invalid value: "Thing": kind and listKind may not be the same'],
    [{ names: { plural: 'things', kind: 'Thing', shortNames: ['A_B'] } },
      "spec.names.shortNames[0]: Invalid value: \"A_B\": a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character "
      + "(e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"],
    [{ versions: [version({ additionalPrinterColumns: [{ name: 'a', type: 'text', jsonPath: 'x' }] })] },
      'spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string', 'spec.additionalPrinterColumns[0].jsonPath: Invalid value: "x": must be a simple json path starting with .'],
    [{ versions: [version({ subresources: { scale: { specReplicasPath: '.status.a', statusReplicasPath: '.status.b' } } })] },
      'spec.subresources.scale.specReplicasPath: Invalid value: ".status.a": should be a json path under .spec'],
    [{ versions: [version({ selectableFields: [{ jsonPath: '.metadata.name' }] })] }, 'spec.selectableFields[0].jsonPath: Invalid value: ".metadata.name": must not point to fields in metadata'],
    [{ conversion: { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1beta1'], clientConfig: { url: 'http://x' } } } },
      'spec.conversion.webhookClientConfig.url: Invalid value: "http://x": \'https\' is the only allowed URL scheme; desired format: https://host[/path]',
      'spec.conversion.conversionReviewVersions: Invalid value: ["v1beta1"]: must include at least one of v1'],
    [{ preserveUnknownFields: true }, 'spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead'],
    [{ versions: [version({ schema: { openAPIV3Schema: { type: 'object', properties: { a: {} } } } })] },
      'spec.validation.openAPIV3Schema.properties[a].type: Required value: must not be empty for specified object fields'],
  ];
  for (const [spec, ...errors] of cases) {
    assert.deepEqual(errorsOf(spec), errors, JSON.stringify(spec));
  }
});

test('protected groups need the word of their owners', () => {
  const spec = { group: 'things.k8s.io' };
  const name = 'things.things.k8s.io';
  assert.deepEqual(errorsOf(spec, { name }), ['metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111']);
  for (const word of ['https://github.com/kubernetes/enhancements/pull/1', 'unapproved, experimental']) {
    assert.deepEqual(errorsOf(spec, { name, annotations: { 'api-approved.kubernetes.io': word } }), []);
  }
});

test('schemas are read through, whatever they stand in', () => {
  const table = loadTypes();
  const schema = {
    type: 'object', properties: { a: { type: 'array', items: { type: 'object', typo: 1, additionalProperties: { type: 'string', other: {} } } }, b: { additionalProperties: true } },
  };
  const value = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'x' }, spec: { versions: [{ name: 'v1', schema: { openAPIV3Schema: schema } }] } };
  const { object, unknown } = decodeObject(value, table, 'apiextensions/v1.CustomResourceDefinition', 'strict');
  const place = 'spec.versions[0].schema.openAPIV3Schema.properties.a.items';
  assert.deepEqual(unknown, [`unknown field "${place}.typo"`, `unknown field "${place}.additionalProperties.other"`]);
  assert.deepEqual(at(object, 'spec.versions.0.schema.openAPIV3Schema.properties'), { a: { type: 'array', items: { type: 'object', additionalProperties: { type: 'string' } } }, b: { additionalProperties: true } });
  Object.assign(schema.properties.b, { additionalProperties: 'yes' });
  assert.throws(() => decodeObject(value, table, 'apiextensions/v1.CustomResourceDefinition', 'strict'), /boolean or JSON schema expected/);
});
