/** The parts that need no kernel: addresses, names, resolv.conf, rules as text. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod, PodSpec } from '../../kinds/generated/core.ts';
import { formatRange, nodeRange, parseAddress, parseRange } from './address.ts';
import { AddressesExhausted, AddressPool } from './addresspool.ts';
import { parseChains } from './forwarding.ts';
import { podLink, podMac } from './names.ts';
import { checkRanges, RangeConflict } from './nodelink.ts';
import { parseResolvConf, podDns } from './poddns.ts';
import { baseChainNames, renderBaseRules } from './rules.ts';

const instance = { id: 'abc123', podCidr: '10.42.0.0/16', serviceCidr: '10.43.0.0/16', nodeAddress: '10.42.0.1', dnsAddress: '10.43.0.10', clusterDomain: 'cluster.local' };

describe('addresses', () => {
  it('are parsed strictly', () => {
    assert.deepEqual(['1.2.3.4', '255.255.255.255', '256.1.1.1', '1.2.3', '::1', ''].map(parseAddress), [16_909_060, 4_294_967_295, undefined, undefined, undefined, undefined]);
    assert.equal(formatRange(parseRange('10.42.7.9/20')), '10.42.0.0/20');
    assert.throws(() => parseRange('10.42.0.0/33'), /not an IPv4 range/);
  });

  it('of a node are the /24 of its own address, or a smaller range', () => {
    assert.equal(formatRange(nodeRange('10.42.0.0/16', '10.42.0.1')), '10.42.0.0/24');
    assert.equal(formatRange(nodeRange('10.42.0.0/28', '10.42.0.1')), '10.42.0.0/28');
    assert.throws(() => nodeRange('10.42.0.0/16', '10.99.0.1'), /not in the pod range/);
  });

  it('are handed out in turn, rest when released, and end with a word about what to do', () => {
    let now = 0;
    const pool = new AddressPool(parseRange('10.42.0.0/29'), ['10.42.0.1'], () => now);
    assert.deepEqual([pool.allocate(), pool.allocate()], ['10.42.0.2', '10.42.0.3']);
    pool.release('10.42.0.2');
    assert.equal(pool.allocate(), '10.42.0.4', 'not the one just released');
    assert.equal(pool.claim('10.42.0.5'), true);
    assert.equal(pool.claim('10.42.0.5'), false);
    assert.equal(pool.claim('10.42.0.1'), false, 'the node’s own');
    assert.equal(pool.claim('10.43.0.5'), false, 'not of the range');
    assert.deepEqual([pool.allocate(), pool.allocate()], ['10.42.0.6', '10.42.0.2'], 'a resting one when there is no other');
    assert.throws(() => pool.allocate(), (error: unknown) => error instanceof AddressesExhausted && /larger pod range/.test(error.message));
    pool.release('10.42.0.3');
    now += 60_000;
    assert.equal(pool.allocate(), '10.42.0.3');
  });

  it('make names and MACs that fit', () => {
    assert.equal(podLink(instance, 0xfe), 'tlabc123pfe');
    assert.throws(() => podLink({ id: 'toolongname' }, 0xfff), /longer than 15/);
    assert.equal(podMac(parseAddress('10.42.0.254') ?? 0), '0a:58:0a:2a:00:fe');
  });

  it('are not taken from others', () => {
    const routes = [{ dst: 'default', dev: 'eth0' }, { dst: '192.168.0.0/24', dev: 'eth0' }, { dst: '10.42.0.0/24', type: 'unreachable' }, { dst: '10.42.0.7', dev: 'tlabc123p7' }];
    checkRanges(instance, routes);
    assert.throws(() => checkRanges(instance, [{ dst: '10.42.0.0/24', dev: 'cni0' }]), (error: unknown) => error instanceof RangeConflict && /cni0.*--pod-cidr/.test(error.message));
    assert.throws(() => checkRanges(instance, [{ dst: '10.0.0.0/8', dev: 'wg0' }]), /wg0/);
    assert.throws(() => checkRanges(instance, [{ dst: '10.43.5.0/24', dev: 'wg0' }]), /--service-cidr/);
    assert.throws(() => checkRanges({ ...instance, serviceCidr: '10.42.0.0/16' }, []), /overlaps/);
  });
});

describe('resolv.conf', () => {
  const pod = (spec: Partial<PodSpec>): Pod => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'shop' }, spec: { containers: [], ...spec } });
  const host = () => parseResolvConf('# c\nnameserver 192.0.2.1\nnameserver 192.0.2.2\nsearch corp.example\noptions timeout:1\n');
  const conf = (spec: Partial<PodSpec>): string => podDns(pod(spec), instance, host).resolvConf;

  it('points to the cluster first', () => {
    assert.equal(conf({}), 'search shop.svc.cluster.local svc.cluster.local cluster.local corp.example\nnameserver 10.43.0.10\noptions ndots:5\n');
    assert.equal(conf({ dnsPolicy: 'ClusterFirst', hostNetwork: true }), conf({ dnsPolicy: 'Default' }));
    assert.equal(conf({ dnsPolicy: 'ClusterFirstWithHostNet', hostNetwork: true }), conf({}));
  });

  it('is the machine’s, or the pod’s own', () => {
    assert.equal(conf({ dnsPolicy: 'Default' }), 'search corp.example\nnameserver 192.0.2.1\nnameserver 192.0.2.2\noptions timeout:1\n');
    assert.equal(conf({ dnsPolicy: 'None', dnsConfig: { nameservers: ['9.9.9.9'], searches: ['a.b'], options: [{ name: 'edns0' }] } }), 'search a.b\nnameserver 9.9.9.9\noptions edns0\n');
    assert.match(conf({ dnsConfig: { options: [{ name: 'ndots', value: '2' }] } }), /options ndots:2\n/);
    assert.equal(conf({ dnsConfig: { nameservers: ['1.1.1.1', '1.1.1.2', '1.1.1.3'] } }).match(/nameserver/g)?.length, 3);
  });
});

describe('the fixed rules', () => {
  const rules = renderBaseRules(instance);

  it('name nothing but the instance’s own table', () => {
    for (const line of rules.trim().split('\n')) {
      assert.match(line, /^(add table|add set|add map|add element|add chain|flush chain|add rule) inet telar-abc123\b/);
    }
    assert.ok(baseChainNames(instance).has('dnat-arriving'));
  });

  it('guard the loopback, the sources and the service range', () => {
    assert.match(rules, /guard-pods ip daddr 127\.0\.0\.0\/8 drop/);
    assert.match(rules, /guard-pods fib saddr \. iif oif missing drop/);
    assert.match(rules, /refuse-forwarded ip daddr 10\.43\.0\.0\/16 ip daddr != 10\.43\.0\.10 goto refuse/);
    assert.match(rules, /10\.42\.0\.254 \. 10\.42\.0\.254/);
  });

  it('know other firewalls’ base chains from their own', () => {
    const chains = parseChains(JSON.stringify({ nftables: [
      { metainfo: {} }, { chain: { family: 'ip', table: 'filter', name: 'FORWARD', type: 'filter', hook: 'forward', prio: 0, policy: 'drop' } },
      { chain: { family: 'ip', table: 'filter', name: 'DOCKER-USER' } },
    ] }));
    assert.deepEqual(chains, [{ family: 'ip', table: 'filter', name: 'FORWARD', hook: 'forward', policy: 'drop', type: 'filter' }]);
  });
});
