/** Sandboxes on the real kernel: addresses, isolation, restarts, removal. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { silentLog } from '../../apimachinery/log.ts';
import { RangeConflict } from './nodelink.ts';
import { PodNetwork, type Sandbox } from './podnetwork.ts';
import { Bed, until } from './testing/bed.ts';

describe('pod networks', () => {
  const bed = new Bed(72);
  const { id, podCidr, runDir } = bed.instance;
  let a: Sandbox;
  let b: Sandbox;
  /** A machine elsewhere, behind a link of ours: 198.18.72.2. */
  const outside = { uid: 'outside', netns: join(runDir, 'outside-netns'), ip: '198.18.72.2' };

  before(async () => {
    await bed.prepare();
    [a, b] = await Promise.all([bed.pod('a'), bed.pod('b')]);
    writeFileSync(outside.netns, '');
    await bed.tool('unshare', `--net=${outside.netns}`, 'true');
    await bed.tool('ip', 'link', 'add', 'testwan72', 'type', 'veth', 'peer', 'name', 'wan0', 'netns', outside.netns);
    await bed.tool('sh', '-c', `ip addr add 198.18.72.1/24 dev testwan72 && ip link set testwan72 up && nsenter --net=${outside.netns} sh -c 'ip addr add 198.18.72.2/24 dev wan0; ip link set wan0 up; ip link set lo up'`);
    await bed.answerer('outside', 8080, outside);
  });
  after(async () => {
    await bed.tool('ip', 'link', 'del', 'testwan72');
    await bed.tool('umount', outside.netns);
    await bed.remove();
  });

  it('lets pods reach each other under their own addresses', async () => {
    assert.deepEqual(await bed.ask(a, b.ip, 8080), { name: 'b', from: a.ip });
    assert.deepEqual(await bed.ask(b, a.ip, 8080), { name: 'a', from: b.ip });
    assert.deepEqual(await bed.ask(a, '127.0.0.1', 8080), { name: 'a', from: '127.0.0.1' });
  });

  it('lets pods out under the machine’s address, and others in by node ports under theirs', async () => {
    assert.deepEqual(await bed.ask(a, outside.ip, 8080), { name: 'outside', from: '198.18.72.1' });
    await bed.service('web', { clusterIP: '10.73.1.1', type: 'NodePort', ports: [{ port: 80, nodePort: 30_721 }] });
    await bed.endpoints('web', [a.ip]);
    await bed.service('remote', { clusterIP: '10.73.1.2', ports: [{ port: 80 }] });
    await bed.endpoints('remote', [outside.ip], { nodeName: 'elsewhere' });
    await bed.startProxy();
    assert.deepEqual(await bed.ask(outside, '198.18.72.1', 30_721), { name: 'a', from: outside.ip });
    assert.deepEqual(await bed.ask(a, '10.73.1.2', 80), { name: 'outside', from: '198.18.72.1' }, 'an endpoint that is no pod');
    assert.equal((await bed.ask(undefined, '10.73.1.2', 80)).name, 'outside');
    bed.stopProxy();
  });

  it('drops what a pod sends from another’s address', async () => {
    await bed.inPod(a, 'ip', 'addr', 'add', b.ip, 'dev', 'eth0');
    await bed.inPod(a, 'ip', 'route', 'add', outside.ip, 'via', '169.254.1.1', 'dev', 'eth0', 'src', b.ip);
    assert.notEqual((await bed.ask(a, outside.ip, 8080)).name, 'outside');
    await bed.inPod(a, 'ip', 'route', 'del', outside.ip);
    await bed.inPod(a, 'ip', 'addr', 'del', b.ip, 'dev', 'eth0');
    assert.equal((await bed.ask(a, outside.ip, 8080)).name, 'outside');
  });

  it('gives every pod an address of its own, also many at once, and takes them back', async () => {
    const many = await Promise.all(Array.from({ length: 20 }, (_, index) => bed.net.setup({ uid: `many-${index}`, namespace: 'x', name: `many-${index}` })));
    assert.equal(new Set([a.ip, b.ip, ...many.map(({ ip }) => ip)]).size, 22);
    assert.deepEqual(await bed.net.setup({ uid: 'many-3', namespace: 'x', name: 'many-3' }), many[3]);
    await Promise.all(many.map(({ uid }) => bed.net.teardown(uid)));
    assert.deepEqual((await bed.net.list()).map(({ uid }) => uid).toSorted(), ['a', 'b']);
    assert.deepEqual(readdirSync(join(runDir, 'netns')).toSorted(), ['a', 'b']);
    const next = await bed.net.setup({ uid: 'next', namespace: 'x', name: 'next' });
    assert.ok(!many.some(({ ip }) => ip === next.ip), 'an address just released rests');
    await bed.net.teardown('next');
    await bed.net.teardown('next');
  });

  it('opens host ports while the pod lives, also after a restart, and says who has one', async () => {
    const hostPorts = [{ protocol: 'TCP', hostPort: 30_725, containerPort: 8080 }, { protocol: 'UDP', hostPort: 30_725, containerPort: 8080, hostIP: '127.0.0.1' }];
    const pod = await bed.net.setup({ uid: 'ports', namespace: 'x', name: 'ports', hostPorts });
    await bed.answerer('ports', 8080, pod);
    assert.equal((await bed.ask(undefined, '127.0.0.1', 30_725)).name, 'ports');
    assert.deepEqual(await bed.ask(outside, '198.18.72.1', 30_725), { name: 'ports', from: outside.ip });
    assert.equal((await bed.ask(a, bed.instance.nodeAddress, 30_725)).name, 'ports');
    assert.equal((await bed.askUdp(undefined, '127.0.0.1', 30_725)).name, 'ports');
    assert.notEqual((await bed.askUdp(a, bed.instance.nodeAddress, 30_725)).name, 'ports', 'its hostIP is the loopback');
    await assert.rejects(bed.net.setup({ uid: 'second', namespace: 'x', name: 'second', hostPorts: hostPorts.slice(0, 1) }), /30725\/TCP is used by pod x\/ports/);
    const holder = await bed.answerer('holder', 30_726);
    await assert.rejects(bed.net.setup({ uid: 'third', namespace: 'x', name: 'third', hostPorts: [{ protocol: 'TCP', hostPort: 30_726, containerPort: 1 }] }), new RegExp(`pid ${holder.pid}`));
    const again = await PodNetwork.prepare(bed.instance, silentLog);
    assert.equal((await bed.ask(undefined, '127.0.0.1', 30_725)).name, 'ports');
    await again.teardown('ports');
    assert.equal((await bed.ask(undefined, '127.0.0.1', 30_725)).name, 'refused');
    await bed.net.teardown('ports');
  });

  it('refuses a uid that is no file name', async () => {
    await assert.rejects(bed.net.setup({ uid: '../x', namespace: 'x', name: 'x' }), /cannot name/);
  });

  it('is taken up by the next process: addresses stay, half-made things go', async () => {
    const half = await bed.net.setup({ uid: 'half', namespace: 'x', name: 'half' });
    const record = join(runDir, 'network', 'half.json');
    writeFileSync(record, readFileSync(record, 'utf8').replace('"complete":true', '"complete":false'));
    const rebooted = await bed.net.setup({ uid: 'rebooted', namespace: 'x', name: 'rebooted' });
    await bed.tool('umount', '-l', rebooted.netns);
    writeFileSync(join(runDir, 'network', 'torn.json'), '{"uid":"torn","ip');
    writeFileSync(join(runDir, 'netns', 'stray'), '');
    const again = await PodNetwork.prepare(bed.instance, silentLog);
    assert.deepEqual((await again.list()).toSorted((x, y) => (x.uid < y.uid ? -1 : 1)), [a, b]);
    assert.deepEqual(readdirSync(join(runDir, 'netns')).toSorted(), ['a', 'b']);
    const links = await until(() => bed.tool('sh', '-c', `ip -o link | grep -c tl${id}p`), ({ stdout }) => stdout.trim() === '2');
    assert.equal(links.stdout.trim(), '2');
    assert.deepEqual(await again.setup({ uid: 'a', namespace: 'default', name: 'a' }), a);
    const fresh = await again.setup({ uid: 'half', namespace: 'x', name: 'half' });
    assert.ok(![a.ip, b.ip].includes(fresh.ip) && existsSync(half.netns));
    assert.equal((await bed.ask(fresh, a.ip, 8080)).name, 'a');
    await again.teardown('half');
  });

  it('mends what somebody broke', async () => {
    const pod = await bed.net.setup({ uid: 'broken', namespace: 'x', name: 'broken' });
    const link = (await bed.tool('sh', '-c', `ip -o route get ${pod.ip}`)).stdout.split(/\s+/)[2] ?? '';
    await bed.tool('ip', 'link', 'del', link);
    const mended = await bed.net.setup({ uid: 'broken', namespace: 'x', name: 'broken' });
    assert.equal(mended.ip, pod.ip);
    assert.equal((await bed.ask(mended, a.ip, 8080)).name, 'a');
    await bed.net.teardown('broken');
  });

  it('refuses ranges that are somebody else’s, and says whose', async () => {
    const other = { ...bed.instance, id: 'zzzzzz', runDir: join(runDir, 'other') };
    await assert.rejects(PodNetwork.prepare(other, silentLog), (error: unknown) => error instanceof RangeConflict && error.message.includes(`tl${id}`) && error.message.includes('--pod-cidr'));
    await assert.rejects(PodNetwork.prepare({ ...other, podCidr: '10.250.0.0/16', nodeAddress: '10.250.0.1' }, silentLog), /--service-cidr/);
    assert.equal(existsSync('/proc/sys/net/ipv4/conf/tlzzzzzz'), false);
  });

  it('leaves no trace, and other tables alone', async () => {
    await bed.tool('nft', 'add table inet somebody72');
    await bed.net.removeAll();
    const { stdout } = await bed.tool('sh', '-c', `ip -o link; ip route; nft list tables; mount`);
    assert.ok(!stdout.includes(`tl${id}`) && !stdout.includes(`telar-${id}`) && !stdout.includes(`${runDir}/netns`) && !stdout.includes(podCidr.replace('/16', '/24')), stdout);
    assert.ok(stdout.includes('somebody72'));
    await bed.tool('nft', 'delete table inet somebody72');
    await bed.net.removeAll();
    assert.deepEqual(readdirSync(runDir).toSorted(), ['other', 'outside-netns'], 'the other is the refused instance of above');
  });
});
