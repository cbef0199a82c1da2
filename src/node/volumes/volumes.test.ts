/** Volumes: what hostile paths, changing objects and missing things do. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Pod } from '../../kinds/generated/core.ts';
import type { ObjectSource } from '../pods/objects.ts';
import { badVolumePath, writePayload } from './atomic.ts';
import { prepareHostPath } from './hostpath.ts';
import { isMountPoint, removeFolder } from './mounts.ts';
import type { VolumeContext } from './payload.ts';
import { mountSubPath } from './subpath.ts';
import { PodVolumes, unsupportedVolume } from './volumes.ts';

const skip = process.getuid?.() === 0 ? false : 'needs root';
let folder: string;
before(async () => { folder = await mkdtemp('/tmp/telar-volumes-'); });
after(async () => { await removeFolder(folder); });

const file = (text: string, mode = 0o644): { data: Buffer; mode: number } => ({ data: Buffer.from(text), mode });

test('files change all at once, and those that are gone disappear', async () => {
  const at = join(folder, 'atomic');
  assert.equal(await writePayload(at, new Map([['a', file('1')], ['deep/b', file('2', 0o600)]])), true);
  assert.equal(await readFile(join(at, 'deep/b'), 'utf8'), '2');
  assert.equal((await stat(join(at, 'deep/b'))).mode & 0o777, 0o600);
  const first = await readlink(join(at, '..data'));
  assert.equal(await writePayload(at, new Map([['a', file('1')], ['deep/b', file('2', 0o600)]])), false);
  assert.equal(await readlink(join(at, '..data')), first);
  assert.equal(await writePayload(at, new Map([['a', file('new')]])), true);
  assert.deepEqual((await readdir(at)).filter((name) => !name.startsWith('..')), ['a']);
  assert.equal(await readFile(join(at, 'a'), 'utf8'), 'new');
  assert.equal((await readdir(at)).includes(first), false);
});

test('paths that lead out of a volume are refused', async () => {
  for (const path of ['', '/etc', 'a/../../b', '../x', '..data/x']) {
    assert.notEqual(badVolumePath(path), undefined, path);
  }
  assert.equal(badVolumePath('a/b.c'), undefined);
  await assert.rejects(writePayload(join(folder, 'bad'), new Map([['../escape', file('x')]])), /must not contain/);
});

test('a subPath is made and mounted; links out of the volume are not followed', { skip }, async () => {
  const root = join(folder, 'volume');
  await mkdir(join(root, 'inside'), { recursive: true });
  await writeFile(join(root, 'inside/file'), 'content');
  await symlink('inside', join(root, 'within'));
  await symlink('/etc', join(root, 'out'));
  await symlink('/nowhere/at/all', join(root, 'dangling'));
  await mountSubPath(root, 'within/file', join(folder, 'sub/file'));
  assert.equal(await readFile(join(folder, 'sub/file'), 'utf8'), 'content');
  await mountSubPath(root, 'new/deeper', join(folder, 'sub/dir'));
  await writeFile(join(folder, 'sub/dir/x'), 'y');
  assert.equal(await readFile(join(root, 'new/deeper/x'), 'utf8'), 'y');
  await assert.rejects(mountSubPath(root, 'out/passwd', join(folder, 'sub/no')), /leads out of the volume/);
  await assert.rejects(mountSubPath(root, 'dangling/x', join(folder, 'sub/no')), /link/);
  await assert.rejects(mountSubPath(root, '../volume', join(folder, 'sub/no')), /must not contain/);
  // What is mounted is taken off, never deleted through.
  await removeFolder(join(folder, 'sub'));
  assert.equal(await readFile(join(root, 'new/deeper/x'), 'utf8'), 'y');
});

test('hostPath types are checked and made', async () => {
  const at = join(folder, 'host');
  await assert.rejects(prepareHostPath(join(at, 'none'), 'Directory'), /does not exist/);
  await prepareHostPath(join(at, 'made'), 'DirectoryOrCreate');
  await prepareHostPath(join(at, 'made/file'), 'FileOrCreate');
  await assert.rejects(prepareHostPath(join(at, 'made'), 'File'), /is not a file/);
  await assert.rejects(prepareHostPath(join(at, 'made/file'), 'Socket'), /is not a socket/);
  await assert.rejects(prepareHostPath(join(at, 'x'), 'Nonsense'), /Nonsense/);
  await assert.rejects(prepareHostPath('/tmp/../etc'), /'\.\.'/);
});

const pod = (volumes: NonNullable<Pod['spec']>['volumes']): Pod => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'ns', uid: 'u', labels: { a: 'b' } },
  spec: { containers: [{ name: 'main', resources: { limits: { memory: '64Mi' } } }], ...(volumes === undefined ? {} : { volumes }) },
});

function contextOf(subject: Pod, data: Record<string, string> | undefined): VolumeContext {
  const objects: ObjectSource = {
    configMap: () => Promise.resolve(data === undefined ? undefined : { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data }),
    secret: () => Promise.resolve({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, data: { pw: Buffer.from('hidden').toString('base64') } }),
    release: () => undefined,
  };
  return {
    pod: subject, objects, token: () => Promise.resolve({ text: 'token', renewAt: 5 }),
    addresses: { podIp: '192.0.2.2', hostIp: '192.0.2.1', nodeName: 'n' }, allocatable: { cpu: 2, memory: 2 ** 30 },
  };
}

test('a pod gets its volumes, sees changes, and leaves nothing', { skip }, async () => {
  const subject = pod([
    { name: 'c', configMap: { name: 'c', items: [{ key: 'k', path: 'sub/k', mode: 0o600 }] } },
    { name: 's', secret: { secretName: 's', defaultMode: 0o400 } },
    { name: 'p', projected: { sources: [{ serviceAccountToken: { path: 'token' } }, { downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } }] } },
    { name: 'm', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }, { name: 'e', emptyDir: {} },
  ]);
  const folders = { podDir: join(folder, 'pod'), secretDir: join(folder, 'secrets/u') };
  const volumes = new PodVolumes(folders);
  await volumes.mount(contextOf(subject, { k: 'one' }));
  assert.equal(volumes.renewAt, 5);
  const container = { name: 'main', volumeMounts: ['c', 's', 'p', 'm', 'e'].map((name) => ({ name, mountPath: `/${name}` })) };
  const { mounts } = await volumes.mountsOf(container, (text) => text);
  const at = (name: string): string => mounts.find(({ destination }) => destination === `/${name}`)?.source ?? '';
  assert.equal(await readFile(join(at('c'), 'sub/k'), 'utf8'), 'one');
  assert.equal(await readFile(join(at('s'), 'pw'), 'utf8'), 'hidden');
  assert.ok(at('s').startsWith(folders.secretDir), 'secrets lie in memory');
  assert.equal(await readFile(join(at('p'), 'labels'), 'utf8'), 'a="b"');
  assert.equal(await isMountPoint(at('m')), true);
  assert.equal((await stat(at('e'))).mode & 0o777, 0o777);
  assert.deepEqual(mounts.map(({ options }) => options.includes('ro')), [true, true, true, false, false]);
  await volumes.refresh(contextOf(subject, { k: 'two' }));
  assert.equal(await readFile(join(at('c'), 'sub/k'), 'utf8'), 'two');
  await volumes.remove(false);
  await assert.rejects(stat(folders.podDir));
  await assert.rejects(stat(folders.secretDir));
});

test('what is missing is said, what is optional may be missing', async () => {
  const volumes = new PodVolumes({ podDir: join(folder, 'missing'), secretDir: join(folder, 'missing-secrets') });
  const required = pod([{ name: 'c', configMap: { name: 'c' } }]);
  await assert.rejects(volumes.mount(contextOf(required, undefined)), { reason: 'FailedMount', message: 'MountVolume.SetUp failed for volume "c" : configmap "c" not found' });
  await assert.rejects(volumes.mount(contextOf(pod([{ name: 'c', configMap: { name: 'c', items: [{ key: 'no', path: 'no' }] } }]), {})), /non-existent config key: no/);
  await volumes.mount(contextOf(pod([{ name: 'c', configMap: { name: 'c', optional: true } }]), undefined));
  assert.match(unsupportedVolume(pod([{ name: 'n', nfs: { server: 's', path: '/' } }])) ?? '', /type nfs/);
  await rm(join(folder, 'missing'), { recursive: true });
});
