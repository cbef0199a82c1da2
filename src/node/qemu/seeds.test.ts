import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStatusError, notFound } from '../../apimachinery/status.ts';
import type { ConfigMap, Secret } from '../../kinds/generated/core.ts';
import type { VirtualMachineInstance, VirtualMachineInstanceSpec } from '../../kinds/generated/kubevirt.ts';
import { LaunchError } from './errors.ts';
import { seedDisks, type ObjectSource } from './seeds.ts';

const encode = (text: string): string => Buffer.from(text).toString('base64');

const OBJECTS: Record<string, Record<string, string>> = {
  user: { userdata: encode('#cloud-config from a secret') }, network: { networkData: encode('version: 2') }, keys: { one: encode('ssh-ed25519 AAA one\n') },
  config: { 'a.txt': encode('A') },
};

function find(name: string): Record<string, string> {
  const data = OBJECTS[name];
  if (data === undefined) {
    throw notFound({ group: '', resource: 'secrets', name });
  }
  return data;
}

const source: ObjectSource = {
  secret: async (name): Promise<Secret> => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, data: find(name) }),
  configMap: async (name): Promise<ConfigMap> => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { 'b.txt': 'B' }, binaryData: find(name) }),
};

function vmi(spec: Partial<VirtualMachineInstanceSpec>): VirtualMachineInstance {
  return { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', metadata: { name: 'my.box', namespace: 'ns', uid: 'u' }, spec: { domain: { devices: {} }, ...spec } };
}

const seeds = (spec: Partial<VirtualMachineInstanceSpec>): Promise<string[]> =>
  seedDisks(vmi(spec), source, (error) => isStatusError(error, 'NotFound')).then((disks) => disks.map(({ image }) => image.toString('latin1')));

test('NoCloud from the spec, from base64 and from secrets', async () => {
  const [plain = ''] = await seeds({ volumes: [{ name: 's', cloudInitNoCloud: { userData: '#cloud-config plain', networkDataBase64: encode('version: 1') } }] });
  assert.ok(plain.includes('cidata') && plain.includes('#cloud-config plain') && plain.includes('version: 1'));
  assert.ok(plain.includes('{"instance-id":"my.box.ns","local-hostname":"my-box"}'));
  const [secret = ''] = await seeds({ volumes: [{ name: 's', cloudInitNoCloud: { secretRef: { name: 'user' }, networkDataSecretRef: { name: 'network' } } }] });
  assert.ok(secret.includes('from a secret') && secret.includes('version: 2'));
});

test('keys go where their credentials say', async () => {
  const accessCredentials = [{ sshPublicKey: { source: { secret: { secretName: 'keys' } }, propagationMethod: { noCloud: {} } } }];
  const [disk = ''] = await seeds({ accessCredentials, volumes: [{ name: 's', cloudInitNoCloud: { userData: 'x' } }] });
  assert.ok(disk.includes('"public-keys":{"0":"ssh-ed25519 AAA one"}'));
  const [other = ''] = await seeds({ accessCredentials, volumes: [{ name: 's', cloudInitConfigDrive: { userData: 'x' } }] });
  assert.ok(other.includes('config-2') && other.includes('meta_data.json') && !other.includes('ssh-ed25519'));
});

test('ConfigMaps and Secrets as disks; a missing one only where it may be', async () => {
  const [config = '', secret = ''] = await seeds({ volumes: [{ name: 'c', configMap: { name: 'config', volumeLabel: 'mine' } }, { name: 's', secret: { secretName: 'config' } }] });
  assert.ok(config.includes('mine') && config.includes('a.txt') && config.includes('b.txt'));
  assert.ok(secret.includes('cfgdata') && !secret.includes('b.txt'));
  assert.equal((await seeds({ volumes: [{ name: 'c', secret: { secretName: 'gone', optional: true } }] })).length, 1);
  await assert.rejects(seeds({ volumes: [{ name: 'c', secret: { secretName: 'gone' } }] }), (error) => isStatusError(error, 'NotFound'));
  await assert.rejects(seeds({ volumes: [{ name: 's', cloudInitNoCloud: { secretRef: { name: 'keys' } } }] }), LaunchError);
});
