/** Custom resources as people use them: the real kubectl against a definition with columns, a scale, versions and rules. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { join } from 'node:path';
import { KubectlBench } from '../harness/kubectl.ts';

const DEFINITION = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.harbour.example}
spec:
  group: harbour.example
  scope: Namespaced
  names: {plural: boats, singular: boat, kind: Boat, shortNames: [bt], categories: [all, fleet]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.crew, statusReplicasPath: .status.aboard, labelSelectorPath: .status.selector}
    additionalPrinterColumns:
    - {name: Crew, type: integer, jsonPath: .spec.crew, description: How many sail her}
    - {name: Ready, type: string, jsonPath: '.status.conditions[?(@.type=="Ready")].status'}
    - {name: Colour, type: string, jsonPath: .spec.colour, priority: 1}
    - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
    schema:
      openAPIV3Schema:
        description: Boat is what sails.
        type: object
        required: [spec]
        properties:
          spec:
            description: What is wanted of her.
            type: object
            required: [crew]
            x-kubernetes-validations:
            - {rule: "self.crew <= self.berths", message: more crew than berths, fieldPath: .crew}
            properties:
              crew: {type: integer, minimum: 0, description: How many sail her.}
              berths: {type: integer, default: 8}
              colour: {type: string, enum: [red, blue], default: red}
              ports:
                type: array
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [name]
                items: {type: object, required: [name], properties: {name: {type: string}, nights: {type: integer}}}
          status:
            type: object
            x-kubernetes-preserve-unknown-fields: true
`;

const BOAT = `apiVersion: harbour.example/v1
kind: Boat
metadata: {name: ann}
spec:
  crew: 3
  ports: [{name: cadiz, nights: 2}]
`;

describe('kubectl and custom resources', () => {
  let bench: KubectlBench;
  before(async () => { bench = await KubectlBench.start(); });
  after(() => bench.close());
  let files = 0;
  const file = (text: string): Promise<string> => {
    files += 1;
    return bench.file(`${files}.yaml`, text);
  };

  it('installs a definition and waits for it', async () => {
    await bench.ok('apply', '-f', await file(DEFINITION));
    assert.match(await bench.ok('wait', '--for=condition=Established', 'crd/boats.harbour.example', '--timeout=10s'), /condition met/);
    assert.match(await bench.ok('get', 'crd', 'boats.harbour.example'), /boats\.harbour\.example +20\d\d-/);
    assert.match(await bench.ok('api-resources', '--api-group=harbour.example'), /^boats +bt +harbour\.example\/v1 +true +Boat$/m);
  });

  it('explains it', async () => {
    assert.match(await bench.ok('explain', 'boats'), /Boat is what sails\./);
    assert.match(await bench.ok('explain', 'boats.spec.crew'), /FIELD: crew <integer>[\s\S]*How many sail her\./);
  });

  it('applies, shows and changes objects', async () => {
    assert.match(await bench.ok('apply', '-f', await file(BOAT)), /boat\.harbour\.example\/ann created/);
    assert.match(await bench.ok('apply', '-f', await file(BOAT)), /unchanged/);
    const table = await bench.ok('get', 'bt');
    assert.match(table, /^NAME +CREW +READY +AGE$/m);
    assert.match(table, /^ann +3 +\d+s$/m);
    assert.match(await bench.ok('get', 'boats', '-o', 'wide'), /^ann +3 +red +\d+s$/m);
    assert.match(await bench.ok('get', 'fleet'), /boat\.harbour\.example\/ann|^ann /m);
    assert.match(await bench.ok('patch', 'boat', 'ann', '--type=merge', '-p', '{"spec":{"colour":"blue"}}'), /patched/);
    assert.equal(await bench.ok('get', 'boat', 'ann', '-o', 'jsonpath={.spec.colour} {.spec.berths} {.metadata.generation}'), 'blue 8 2');
    assert.match((await bench.run(['diff', '-f', await file(BOAT.replace('nights: 2', 'nights: 4'))])).out, /^\+.*nights: 4$/m);
    assert.match(await bench.ok('describe', 'boat', 'ann'), /Colour: +blue/);
    assert.match(await bench.fails('patch', 'boat', 'ann', '-p', '{}'), /application\/strategic-merge-patch\+json is not supported|UnsupportedMediaType|not supported/);
  });

  it('refuses what the schema and its rules refuse', async () => {
    const wrong = await bench.fails('apply', '-f', await file(BOAT.replace('crew: 3', 'crew: 9').replace('ann', 'bea')));
    assert.match(wrong, /The Boat "bea" is invalid: spec\.crew: Invalid value: more crew than berths/);
    assert.match(await bench.fails('apply', '-f', await file(BOAT.replace('crew: 3', 'crew: three').replace('ann', 'bea'))), /spec\.crew in body must be of type integer: "string"/);
    assert.match(await bench.fails('apply', '-f', await file(`${BOAT}  sails: 2\n`)), /unknown field "spec\.sails"/);
  });

  it('scales and reports', async () => {
    assert.match(await bench.ok('scale', 'boat', 'ann', '--replicas=5'), /scaled/);
    assert.equal(await bench.ok('get', 'boat', 'ann', '-o', 'jsonpath={.spec.crew}'), '5');
    await bench.ok('patch', 'boat', 'ann', '--subresource=status', '--type=merge', '-p', '{"status":{"aboard":4,"conditions":[{"type":"Ready","status":"True"}]}}');
    assert.match(await bench.ok('get', 'boat', 'ann'), /^ann +5 +True +\d+s$/m);
    assert.equal(await bench.ok('get', 'boat', 'ann', '--subresource=scale', '-o', 'jsonpath={.status.replicas}'), '4');
    assert.match(await bench.ok('wait', '--for=condition=Ready', 'boat/ann', '--timeout=10s'), /condition met/);
  });

  it('applies on the server, sharing lists by their keys', async () => {
    await bench.ok('create', '-f', await file(BOAT.replace('ann', 'eva')));
    const pilot = ['apply', '--server-side', '--field-manager=pilot', '-f'];
    const eva = 'apiVersion: harbour.example/v1\nkind: Boat\nmetadata: {name: eva}\nspec: ';
    await bench.ok(...pilot, await file(`${eva}{ports: [{name: lisbon, nights: 1}]}\n`));
    assert.equal(await bench.ok('get', 'boat', 'eva', '-o', 'jsonpath={.spec.ports[*].name}'), 'cadiz lisbon');
    const conflict = await bench.fails(...pilot, await file(`${eva}{crew: 1}\n`));
    assert.match(conflict, /conflict/i);
  });

  it('watches', async () => {
    const env = { ...process.env, KUBECONFIG: join(bench.dir, 'kubeconfig'), HOME: bench.dir };
    const child = spawn(process.env['KUBECTL'] ?? 'kubectl', ['get', 'boats', '-w'], { env });
    let seen = '';
    const done = Promise.withResolvers<void>();
    child.stdout.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
      if (/^ann +2 /m.test(seen)) {
        done.resolve();
      } else if (/^ann +5 /m.test(seen)) {
        bench.ok('patch', 'boat', 'ann', '--type=merge', '-p', '{"spec":{"crew":2}}').catch(done.reject);
      }
    });
    child.once('exit', () => done.reject(new Error(`the watch ended: ${seen}`)));
    await done.promise;
    child.removeAllListeners('exit');
    child.kill();
    assert.equal((seen.match(/^NAME/gm) ?? []).length, 1);
  });

  it('takes everything away with the definition', async () => {
    assert.match(await bench.ok('delete', 'crd', 'boats.harbour.example', '--timeout=20s'), /deleted/);
    assert.match(await bench.fails('get', 'boats'), /the server doesn't have a resource type "boats"|could not find the requested resource/);
  });
});
