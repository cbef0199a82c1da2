/** The image store on a real Podman of its own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { silentLog } from '../../apimachinery/log.ts';
import { startPodmanService, type PodmanService } from '../podman/service.ts';
import { cleanersDone } from '../podman/cleaners.ts';
import { missing } from '../testing/bed.ts';
import { unmountBelow } from '../volumes/mounts.ts';
import { buildStarter } from './build.ts';
import { imagesHandler } from './handler.ts';
import { Images } from './images.ts';
import { imageArchive } from './starter/archive.ts';

const skip = missing() ?? false;
const noPackages = spawnSync('apt-cache', ['show', 'busybox-static']).status === 0 ? false : 'apt offers no packages here';
const NAME = 'telar.local/test/empty:latest';

let folder: string;
let service: PodmanService;
let images: Images;

const archive = (name: string): Readable => Readable.from([imageArchive(
  { name, created: 1000, labels: { kind: 'test' }, env: ['A=b'], cmd: ['/x'] }, [[{ type: 'file', path: 'x', mode: 0o755, data: Buffer.from('x') }]],
)]);

before(async () => {
  if (skip === false) {
    folder = await mkdtemp('/tmp/telar-images-');
    service = await startPodmanService({ dataDir: join(folder, 'data'), runDir: join(folder, 'run'), log: silentLog });
    images = new Images(service.client);
  }
});
after(async () => {
  if (skip === false) {
    await service.stop();
    await cleanersDone(service.paths);
    await unmountBelow(folder);
    await rm(folder, { recursive: true, force: true });
  }
});

test('an archive is imported, listed and removed; the same bytes are the same image', { skip }, async () => {
  assert.deepEqual(await images.import(archive(NAME)), [NAME]);
  const [first] = (await images.list()).filter(({ names }) => names.includes(NAME));
  assert.equal(first?.created, '1970-01-01T00:16:40.000Z');
  await images.import(archive(NAME));
  assert.deepEqual((await images.list()).filter(({ names }) => names.includes(NAME)).map(({ id }) => id), [first?.id]);
  await images.remove(NAME);
  assert.deepEqual((await images.list()).filter(({ names }) => names.includes(NAME)), []);
  await assert.rejects(images.remove(NAME), /the node has no image "telar.local\/test\/empty:latest"/);
});

test('what is no archive is said to be none', { skip }, async () => {
  await assert.rejects(images.import(Readable.from([Buffer.from('no archive')])), /^ImageError: this is not an image archive/);
});

test('local images are never pulled, whatever the policy', { skip }, async () => {
  await assert.rejects(images.ensure(NAME, 'Always'), { reason: 'ErrImagePull', message: /never pulled; import it/ });
  await assert.rejects(images.ensure('telar.local/starter/vm', 'IfNotPresent'), { message: /telar images build vm/ });
  await images.import(archive(NAME));
  const found = await images.ensure('telar.local/test/empty', 'Always');
  assert.deepEqual([found.pulled, found.env, found.cmd, found.labels['kind']], [false, ['A=b'], ['/x'], 'test']);
});

test('the kubelet\'s reasons are given', { skip }, async () => {
  await assert.rejects(images.ensure('Not A Name', 'Always'), { reason: 'InvalidImageName' });
  await assert.rejects(images.ensure('registry.invalid/none', 'Never'), { reason: 'ErrImageNeverPull' });
  await assert.rejects(images.ensure('127.0.0.1:1/none', 'IfNotPresent'), { reason: 'ErrImagePull', message: /^Failed to pull image "127.0.0.1:1\/none"/ });
});

test('an image in use is not removed, and the answer says why', { skip }, async () => {
  await images.import(archive(NAME));
  const { id } = await service.client.createContainer({
    name: 'user', image: NAME, command: ['/x'], netns: { nsmode: 'none' }, labels: {}, mounts: [], log_configuration: { driver: 'none' },
    restart_policy: 'no', use_image_hosts: false, httpproxy: false,
  });
  await assert.rejects(images.remove(NAME), { code: 409, message: /in use: delete the pods/ });
  await service.client.removeContainer(id);
  await images.remove(NAME);
});

test('a starter image is made from packages, twice the same', { skip: skip || noPackages }, async () => {
  const steps: string[] = [];
  assert.equal(await buildStarter(images, 'shell', join(folder, 'cache'), (step) => steps.push(step)), 'telar.local/starter/shell:latest');
  assert.ok(steps.length > 0);
  const id = async (): Promise<string | undefined> => (await images.list()).find(({ names }) => names.includes('telar.local/starter/shell:latest'))?.id;
  const before = await id();
  assert.notEqual(before, undefined);
  await buildStarter(images, 'shell', join(folder, 'cache'), () => undefined);
  assert.equal(await id(), before);
  await assert.rejects(buildStarter(images, 'nothing', join(folder, 'cache'), () => undefined), /there are shell, web, vm/);
});

test('the same over HTTP, refusals as Status', { skip }, async () => {
  const handler = imagesHandler({ images, log: silentLog, cache: join(folder, 'cache') });
  const server = createServer((req, res) => handler(req.url ?? '', req, res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const address = server.address();
    const base = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/telar/images`;
    const bytes = Buffer.concat(await archive(NAME).toArray());
    assert.deepEqual(await (await fetch(`${base}/import`, { method: 'POST', body: bytes })).json(), { images: [NAME] });
    assert.match(await (await fetch(base)).text(), /telar\.local\/test\/empty:latest/);
    const refused = await fetch(`${base}/import`, { method: 'POST', body: 'no archive' });
    assert.deepEqual([refused.status, Reflect.get(await refused.json() as object, 'reason')], [400, 'BadRequest']);
    const wrong = await fetch(`${base}/build?name=nothing`, { method: 'POST' });
    assert.match(await wrong.text(), /there is no starter image/);
    assert.equal((await fetch(`${base}?name=none`, { method: 'DELETE' })).status, 404);
    assert.equal((await fetch(`${base}/else`, { method: 'PUT' })).status, 405);
    assert.equal((await fetch(`${base}?name=${NAME}`, { method: 'DELETE' })).status, 200);
  } finally {
    server.close();
  }
});

test('compressed archives are imported, damaged ones refused; who waits hears of it', { skip }, async () => {
  const plain = Buffer.concat(await archive(NAME).toArray());
  let heard = 0;
  const listening = new Images(service.client, () => { heard += 1; });
  for (const packed of [gzipSync(plain), zstdCompressSync(plain)]) {
    // In pieces as small as a network may bring them.
    const pieces = [packed.subarray(0, 1), packed.subarray(1, 3), packed.subarray(3)];
    assert.deepEqual(await listening.import(Readable.from(pieces)), [NAME]);
    await listening.remove(NAME);
  }
  assert.equal(heard, 2);
  const damaged = gzipSync(plain);
  damaged.fill(0xff, 20, 60);
  await assert.rejects(listening.import(Readable.from([damaged])), /^ImageError: the compressed archive is damaged/);
  await assert.rejects(listening.import(Readable.from([])), /^ImageError: this is not an image archive/);
  assert.equal(heard, 2);
});
