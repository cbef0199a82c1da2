/** A guest's network, with a client of DHCP in the place of a guest. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Sandbox } from '../network/podnetwork.ts';
import { Bed, until } from '../network/testing/bed.ts';
import { removeGuestNetworks, setupGuestNetwork, teardownGuestNetwork, type GuestNetworkOptions } from './guestnet.ts';
import { dnsmasqArguments, guestAddresses, renderGuestRules } from './rules.ts';

const WIRE = fileURLToPath(new URL('../network/testing/guest.pl', import.meta.url));
const MAC = '52:54:00:12:34:56';

describe('a guest’s network', () => {
  const bed = new Bed(70);
  let vm: Sandbox;
  let client: Sandbox;
  /** Stands for the inside of the machine: a namespace without any of Telar's own links in it. */
  let guest: Sandbox;
  let wire: ChildProcess;
  let options: GuestNetworkOptions;

  before(async () => {
    await bed.prepare();
    [vm, client, guest] = await Promise.all([
      bed.net.setup({ uid: 'vm', namespace: 'default', name: 'vm' }), bed.pod('client', 9999), bed.net.setup({ uid: 'inside', namespace: 'x', name: 'inside' }),
    ]);
    options = { sandbox: vm, uid: 65_534, mac: MAC, hostname: 'legacy', namespace: 'default', instance: bed.instance };
    await setupGuestNetwork(options);
    await bed.inPod(guest, 'ip', 'link', 'del', 'eth0');
    wire = spawn('nsenter', [`--net=${vm.netns}`, 'perl', WIRE, 'k6t-eth0', guest.netns], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise<void>((resolve) => { wire.stdout?.once('data', () => { resolve(); }); });
    await bed.inPod(guest, 'ip', 'link', 'set', 'eth0', 'address', MAC, 'up');
    await bed.answerer('guest', 8080, guest);
    await bed.service('vm', { clusterIP: '10.71.1.1', ports: [{ port: 80 }] });
    await bed.endpoints('vm', [vm.ip]);
    await bed.startProxy();
  });
  after(async () => {
    wire.kill('SIGKILL');
    await removeGuestNetworks(bed.instance);
    await bed.remove();
  });

  const lease = async (): Promise<string> => {
    const { stdout, stderr } = await bed.inPod(guest, 'busybox', 'udhcpc', '-i', 'eth0', '-n', '-q', '-f', '-t', '10', '-T', '1', '-O', 'search', '-O', 'mtu', '-s', '/bin/true');
    return stdout + stderr;
  };

  it('gives the guest its lease, with everything it needs', async () => {
    assert.match(await lease(), /lease of 10\.0\.2\.2 obtained from 10\.0\.2\.1/);
    const seen = await bed.inPod(guest, 'busybox', 'udhcpc', '-i', 'eth0', '-n', '-q', '-f', '-t', '10', '-T', '1', '-O', 'search', '-O', 'mtu', '-s', join(fileURLToPath(new URL('../network/testing/', import.meta.url)), 'lease.sh'));
    const values = new Map(seen.stdout.split('\n').map((line): [string, string] => [line.split('=')[0] ?? '', line.split('=').slice(1).join('=')]));
    assert.equal(values.get('router'), '10.0.2.1');
    assert.equal(values.get('dns'), bed.instance.dnsAddress);
    assert.equal(values.get('hostname'), 'legacy');
    assert.match(values.get('search') ?? '', /^default\.svc\.cluster\.local svc\.cluster\.local cluster\.local/);
    assert.match(values.get('mtu') ?? '', /^\d+$/);
    await bed.inPod(guest, 'ip', 'addr', 'add', '10.0.2.2/24', 'dev', 'eth0');
    await bed.inPod(guest, 'ip', 'route', 'add', 'default', 'via', '10.0.2.1');
  });

  it('makes every port of the pod’s address the guest’s', async () => {
    assert.deepEqual(await bed.ask(client, vm.ip, 8080), { name: 'guest', from: client.ip });
    assert.deepEqual(await bed.ask(undefined, vm.ip, 8080), { name: 'guest', from: bed.instance.nodeAddress });
    assert.equal((await bed.askUdp(client, vm.ip, 8080)).name, 'guest');
    assert.equal((await bed.ask(client, '10.71.1.1', 80)).name, 'guest');
    assert.equal((await bed.ask(vm, '127.0.0.1', 8080)).name, 'guest', 'a sidecar');
    assert.equal((await bed.ask(vm, vm.ip, 8080)).name, 'guest', 'the pod itself');
  });

  it('lets the guest out under the pod’s address, to pods, services and itself', async () => {
    assert.deepEqual(await bed.ask(guest, client.ip, 9999), { name: 'client', from: vm.ip });
    assert.equal((await bed.ask(guest, '10.71.1.1', 80)).name, 'guest');
    assert.equal((await bed.ask(guest, vm.ip, 8080)).name, 'guest');
  });

  it('keeps the guest to its own address', async () => {
    await bed.inPod(guest, 'ip', 'addr', 'add', '10.0.2.77/32', 'dev', 'eth0');
    await bed.inPod(guest, 'ip', 'route', 'replace', client.ip, 'via', '10.0.2.1', 'dev', 'eth0', 'src', '10.0.2.77');
    assert.notEqual((await bed.ask(guest, client.ip, 9999)).name, 'client');
    await bed.inPod(guest, 'ip', 'route', 'del', client.ip);
    assert.equal((await bed.ask(guest, client.ip, 9999)).name, 'client');
  });

  it('is taken up as it is by the next Telar, and mended', async () => {
    const pidFile = join(bed.instance.runDir, 'guestnet', 'vm', 'dnsmasq.pid');
    const pid = readFileSync(pidFile, 'utf8');
    assert.deepEqual(await setupGuestNetwork(options), { tap: 'k6t-eth0', mac: MAC, mtu: (await setupGuestNetwork(options)).mtu });
    assert.equal(readFileSync(pidFile, 'utf8'), pid);
    process.kill(Number(pid), 'SIGKILL');
    await setupGuestNetwork(options);
    assert.notEqual(readFileSync(pidFile, 'utf8'), pid);
    assert.match(await lease(), /lease of 10\.0\.2\.2 obtained/);
  });

  it('forwards the listed ports only, when some are listed', async () => {
    await setupGuestNetwork({ ...options, ports: [{ port: 80 }] });
    assert.equal((await until(() => bed.ask(client, vm.ip, 8080), ({ name }) => name === 'refused')).name, 'refused');
    await setupGuestNetwork({ ...options, ports: [{ port: 8080, protocol: 'TCP' }] });
    assert.equal((await bed.ask(client, vm.ip, 8080)).name, 'guest');
  });

  it('leaves no process behind', async () => {
    const pid = Number(readFileSync(join(bed.instance.runDir, 'guestnet', 'vm', 'dnsmasq.pid'), 'utf8'));
    await teardownGuestNetwork({ podUid: 'vm', instance: bed.instance });
    await until(async () => existsSync(`/proc/${pid}/exe`), (there) => !there);
    assert.equal(existsSync(join(bed.instance.runDir, 'guestnet', 'vm')), false);
    await teardownGuestNetwork({ podUid: 'vm', instance: bed.instance });
  });
});

describe('what a guest’s network is made of', () => {
  it('follows the range', () => {
    assert.deepEqual(guestAddresses('192.168.7.0/25'), { router: '192.168.7.1', guest: '192.168.7.2', netmask: '255.255.255.128', prefix: 25 });
    assert.throws(() => guestAddresses('10.0.0.0/31'), RangeError);
  });

  it('refuses ports that cannot be forwarded', () => {
    assert.throws(() => renderGuestRules('10.42.0.5', guestAddresses(), [{ port: 70_000 }]), RangeError);
    assert.throws(() => renderGuestRules('10.42.0.5', guestAddresses(), [{ port: 1, protocol: 'ICMP' }]), RangeError);
    assert.match(renderGuestRules('10.42.0.5', guestAddresses(), [{ port: 80 }, { port: 53, protocol: 'UDP' }]), /ip daddr 10\.42\.0\.5 udp dport \{ 53 \} dnat ip to 10\.0\.2\.2/);
  });

  it('refuses a name or a MAC that a guest cannot have', async () => {
    const bad = { sandbox: { uid: 'x', netns: '/nowhere', ip: '10.42.0.5' }, uid: 1, mac: MAC, hostname: 'ok', namespace: 'default', instance: { runDir: '/nowhere', dnsAddress: '10.43.0.10', clusterDomain: 'c' } };
    await assert.rejects(setupGuestNetwork({ ...bad, hostname: 'a; reboot' }), RangeError);
    await assert.rejects(setupGuestNetwork({ ...bad, mac: '01:00:5e:00:00:01' }), RangeError);
  });

  it('asks dnsmasq for one lease and no DNS', () => {
    const args = dnsmasqArguments({ addresses: guestAddresses(), mac: MAC, hostname: 'a', dnsAddress: '10.43.0.10', searches: ['x.y'], mtu: 1400, pidFile: '/p' });
    assert.ok(args.includes('--port=0') && args.includes('--user=nobody') && args.includes(`--dhcp-host=${MAC},id:*,10.0.2.2,a,infinite`));
  });
});
