/** Services as data, transactions and zone text: no kernel needed. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Service, ServicePort, ServiceSpec } from '../../../kinds/generated/core.ts';
import type { Endpoint, EndpointSlice } from '../../../kinds/generated/discovery.ts';
import { parseRange } from '../address.ts';
import { renderTargets } from './conntrack.ts';
import { desiredOf, keepPlaces, type Desired, type DesireContext } from './desired.ts';
import { zoneText } from './dnszone.ts';
import { portBackends } from './endpoints.ts';
import { parseTable } from './kernelstate.ts';
import { Ledger } from './ledger.ts';
import { parseListeners } from './ports.ts';

const service = (spec: Partial<ServiceSpec>, status?: Service['status']): Service => ({
  apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: 'shop' },
  spec: { clusterIP: '10.43.0.7', ports: [{ port: 80 }], ...spec }, ...(status === undefined ? {} : { status }),
});
const slice = (endpoints: Endpoint[], ports: EndpointSlice['ports'] = [{ port: 8080, protocol: 'TCP' }]): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: 'web-1', namespace: 'shop' }, addressType: 'IPv4', endpoints, ports: ports ?? [],
});
const ready = (ip: string, more: Partial<Endpoint> = {}): Endpoint => ({ addresses: [ip], nodeName: 'here', conditions: { ready: true }, ...more });
const context: DesireContext = {
  nodeName: 'here', pods: parseRange('10.42.0.0/24'), dnsAddress: '10.43.0.10', places: () => [], nodePortFree: () => true,
};
const entries = (desired: Desired): string[] => desired.entries.map(({ collection, key, value }) => `${collection}: ${key}${value === '' ? '' : ` → ${value}`}`);

describe('endpoints of a port', () => {
  const port: ServicePort = { port: 80, name: 'http' };
  const backends = (spec: Partial<ServiceSpec>, ...slices: EndpointSlice[]) => portBackends(service(spec), port, slices, 'here');
  const http = [{ name: 'http', port: 8080, protocol: 'TCP' }];

  it('are those with the port’s name and protocol, each once', () => {
    const { internal } = backends({}, slice([ready('10.42.0.2'), ready('10.42.0.3')], http), slice([ready('10.42.0.3')], http), slice([ready('10.42.0.9')], [{ name: 'other', port: 1 }]), { ...slice([ready('fd00::1')], http), addressType: 'IPv6' });
    assert.deepEqual(internal, [{ ip: '10.42.0.2', port: 8080 }, { ip: '10.42.0.3', port: 8080 }]);
  });

  it('must be ready, unless only leaving ones are left', () => {
    const leaving = ready('10.42.0.4', { conditions: { ready: false, serving: true, terminating: true } });
    const starting = ready('10.42.0.5', { conditions: { ready: false, serving: false } });
    const unknown = ready('10.42.0.6', { conditions: {} });
    assert.deepEqual(backends({}, slice([leaving, starting, unknown], http)).internal.map(({ ip }) => ip), ['10.42.0.6']);
    assert.deepEqual(backends({}, slice([leaving, starting], http)).internal.map(({ ip }) => ip), ['10.42.0.4']);
    assert.deepEqual(backends({}, slice([starting], http)).internal, []);
  });

  it('are this node’s only where a policy says so', () => {
    const both = slice([ready('10.42.0.2'), ready('192.0.2.9', { nodeName: 'elsewhere' })], http);
    assert.deepEqual(backends({ internalTrafficPolicy: 'Local' }, both).internal.length, 1);
    assert.deepEqual(backends({ externalTrafficPolicy: 'Local' }, both).external.length, 1);
    assert.deepEqual(backends({ externalTrafficPolicy: 'Local' }, both).internal.length, 2);
  });
});

describe('what a service wants of the table', () => {
  it('is an element for its address and one for each endpoint', () => {
    assert.deepEqual(entries(desiredOf(service({}), [slice([ready('10.42.0.2'), ready('10.42.0.3')])], context)), [
      'endpoints-0: 10.43.0.7 . tcp . 80 → 10.42.0.2 . 8080', 'endpoints-1: 10.43.0.7 . tcp . 80 → 10.42.0.3 . 8080',
      'service-addresses: 10.43.0.7 . tcp . 80 → goto spread-2',
    ]);
  });

  it('is nothing without endpoints, without an address, and for the DNS’s own address', () => {
    const some = [slice([ready('10.42.0.2')])];
    assert.deepEqual(entries(desiredOf(service({}), [], context)), []);
    for (const spec of [{ clusterIP: 'None' }, { clusterIP: '' }, { type: 'ExternalName', externalName: 'x.y' }, { clusterIP: '10.43.0.10' }]) {
      assert.deepEqual(entries(desiredOf(service(spec), some, context)), []);
    }
  });

  it('covers node ports and external addresses, refused without endpoints', () => {
    const spec = { type: 'LoadBalancer', ports: [{ port: 80, nodePort: 30_080 }], externalIPs: ['192.0.2.7'] };
    const status = { loadBalancer: { ingress: [{ ip: '192.0.2.8' }, { ip: '192.0.2.9', ipMode: 'Proxy' }] } };
    assert.deepEqual(entries(desiredOf(service(spec, status), [slice([ready('10.42.0.2')])], context)).filter((line) => line.includes('goto')), [
      'service-addresses: 10.43.0.7 . tcp . 80 → goto spread-1', 'service-addresses: 192.0.2.7 . tcp . 80 → goto spread-1',
      'service-addresses: 192.0.2.8 . tcp . 80 → goto spread-1', 'node-ports: tcp . 30080 → goto node-port-spread-1',
    ]);
    assert.deepEqual(entries(desiredOf(service(spec, status), [], context)), [
      'rejected-addresses: 192.0.2.7 . tcp . 80', 'rejected-addresses: 192.0.2.8 . tcp . 80', 'rejected-node-ports: tcp . 30080',
    ]);
    assert.ok(!entries(desiredOf(service(spec), [], { ...context, nodePortFree: () => false })).some((line) => line.includes('node-port')));
  });

  it('marks endpoints that are no pods, and UDP addresses', () => {
    const desired = desiredOf(service({ ports: [{ port: 53, protocol: 'UDP' }] }), [slice([ready('192.0.2.50')], [{ port: 53, protocol: 'UDP' }])], context);
    assert.ok(entries(desired).includes('remote-endpoints: 192.0.2.50 . udp . 53'));
    assert.deepEqual(desired.udp, [{ address: '10.43.0.7', port: 53, backends: [{ ip: '192.0.2.50', port: 53 }] }]);
    assert.equal(renderTargets([...desired.udp, { address: '*', port: 30_053, backends: [] }], ['127.0.0.1', '10.42.0.1']), '10.43.0.7 53 192.0.2.50:53\n127.0.0.1 30053\n10.42.0.1 30053\n');
  });

  it('keeps who stays in his place', () => {
    assert.deepEqual(keepPlaces(['a', 'b', 'c'], ['c', 'a', 'd']), ['a', 'd', 'c']);
    assert.deepEqual(keepPlaces(['a', 'b', 'c'], ['c']), ['c']);
    assert.deepEqual(keepPlaces([], ['b', 'a']), ['a', 'b']);
    assert.deepEqual(keepPlaces(['a', 'b', 'c'], []), []);
  });

  it('has chains of its own with session affinity, which outlive changes of other endpoints', () => {
    const spec = { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } };
    const [one] = desiredOf(service(spec), [slice([ready('10.42.0.2'), ready('10.42.0.3')])], context).sticky;
    const [two] = desiredOf(service(spec), [slice([ready('10.42.0.2'), ready('10.42.0.4')])], context).sticky;
    assert.notEqual(one?.chain, two?.chain);
    assert.equal(one?.endpoints[0]?.set, two?.endpoints[0]?.set);
    assert.match(one?.endpoints[0]?.setBody ?? '', /timeout 60s/);
  });
});

describe('the ledger', () => {
  const web = (...ips: string[]): Desired => desiredOf(service({}), [slice(ips.map((ip) => ready(ip)))], context);
  const settled = (): Ledger => {
    const ledger = new Ledger('telar-abc123');
    ledger.load({ collections: new Map(), chains: new Set(), sets: new Set() });
    ledger.set('shop/web', web('10.42.0.2'));
    ledger.plan().commit();
    return ledger;
  };

  it('writes a service once, and nothing when nothing changed', () => {
    const ledger = new Ledger('telar-abc123');
    ledger.load({ collections: new Map(), chains: new Set(), sets: new Set() });
    ledger.set('shop/web', web('10.42.0.2'));
    const plan = ledger.plan();
    assert.equal(plan.script, [
      'add map inet telar-abc123 endpoints-0 { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }',
      'add chain inet telar-abc123 pick-0', 'flush chain inet telar-abc123 pick-0',
      'add rule inet telar-abc123 pick-0 meta l4proto { tcp, udp, sctp } dnat ip to ip daddr . meta l4proto . th dport map @endpoints-0',
      'add chain inet telar-abc123 spread-1', 'flush chain inet telar-abc123 spread-1',
      'add rule inet telar-abc123 spread-1 numgen random mod 1 vmap { 0 : goto pick-0 }',
      'add element inet telar-abc123 endpoints-0 { 10.43.0.7 . tcp . 80 : 10.42.0.2 . 8080 }',
      'add element inet telar-abc123 service-addresses { 10.43.0.7 . tcp . 80 : goto spread-1 }', '',
    ].join('\n'));
    plan.commit();
    ledger.set('shop/web', web('10.42.0.2'));
    assert.equal(ledger.plan().script, '');
    assert.deepEqual(ledger.places('10.43.0.7 . tcp . 80', false), ['10.42.0.2 . 8080']);
  });

  it('changes an endpoint by one element, and forgets a service by its elements', () => {
    const ledger = settled();
    ledger.set('shop/web', web('10.42.0.9'));
    const plan = ledger.plan();
    assert.equal(plan.script, 'delete element inet telar-abc123 endpoints-0 { 10.43.0.7 . tcp . 80 }\nadd element inet telar-abc123 endpoints-0 { 10.43.0.7 . tcp . 80 : 10.42.0.9 . 8080 }\n');
    plan.commit();
    ledger.set('shop/web', undefined);
    assert.equal(ledger.plan().script, 'delete element inet telar-abc123 endpoints-0 { 10.43.0.7 . tcp . 80 }\ndelete element inet telar-abc123 service-addresses { 10.43.0.7 . tcp . 80 }\n');
  });

  it('repeats what failed, and removes what nobody wants after a restart', () => {
    const ledger = settled();
    ledger.set('shop/web', web('10.42.0.9'));
    ledger.plan();
    assert.match(ledger.plan().script, /10\.42\.0\.9/, 'not committed: still to do');
    const next = new Ledger('telar-abc123');
    next.load(parseTable(JSON.stringify({ nftables: [
      { chain: { name: 'pick-0' } }, { chain: { name: 'spread-1' } }, { chain: { name: 'sticky-old' } }, { chain: { name: 'dnat-arriving' } }, { set: { name: 'clients-old' } }, { set: { name: 'hairpin', elem: [{ concat: ['1.1.1.1', '1.1.1.1'] }] } },
      { map: { name: 'endpoints-0', type: ['ipv4_addr', 'inet_proto', 'inet_service'], elem: [[{ concat: ['10.43.0.7', 6, 80] }, { concat: ['10.42.0.2', 8080] }], [{ concat: ['10.43.0.8', 'udp', 53] }, { concat: ['10.42.0.3', 53] }]] } },
      { map: { name: 'service-addresses', type: ['ipv4_addr', 'inet_proto', 'inet_service'], elem: [[{ concat: ['10.43.0.7', 'tcp', 80] }, { goto: { target: 'spread-1' } }]] } },
    ] })));
    next.set('shop/web', web('10.42.0.2'));
    assert.equal(next.plan().script, [
      'delete element inet telar-abc123 endpoints-0 { 10.43.0.8 . udp . 53 }', 'flush chain inet telar-abc123 sticky-old', 'delete chain inet telar-abc123 sticky-old',
      'delete set inet telar-abc123 clients-old', '',
    ].join('\n'));
  });

  it('gives an address that two claim to the first, and to the second when the first goes', () => {
    const ledger = settled();
    const rival = web('10.42.0.99');
    assert.deepEqual(ledger.set('shop/rival', rival), [{ service: 'shop/rival', holder: 'shop/web', key: '10.43.0.7 . tcp . 80' }]);
    assert.equal(ledger.plan().script, '');
    ledger.plan().commit();
    ledger.set('shop/web', undefined);
    assert.match(ledger.plan().script, /add element .* 10\.42\.0\.99 \. 8080/);
  });
});

describe('zone and ports', () => {
  it('a service’s part of the zone', () => {
    const parse = (text: string | undefined): unknown => (text === undefined ? undefined : JSON.parse(text));
    assert.deepEqual(parse(zoneText(service({ ports: [{ name: 'http', port: 80 }] }), [])), { namespace: 'shop', name: 'web', ip: '10.43.0.7', ports: [{ name: 'http', protocol: 'tcp', port: 80 }] });
    assert.deepEqual(parse(zoneText(service({ clusterIP: 'None' }), [slice([ready('10.42.0.2', { hostname: 'web-0' }), ready('10.42.0.3', { conditions: { ready: false } })])])), {
      namespace: 'shop', name: 'web', endpoints: [{ ip: '10.42.0.2', hostname: 'web-0', ports: [{ protocol: 'tcp', port: 8080 }] }],
    });
    assert.deepEqual(parse(zoneText(service({ type: 'ExternalName', externalName: 'a.b', clusterIP: '' }), [])), { namespace: 'shop', name: 'web', externalName: 'a.b' });
    assert.equal(zoneText(service({ clusterIP: '' }), []), undefined);
  });

  it('listeners of /proc/net', () => {
    const text = 'sl local rem st\n 0: 00000000:7540 00000000:0000 0A 0:0 00:0 0 0 0 4711 1\n 1: 0100007F:7541 0100007F:1234 01 0:0 00:0 0 0 0 4712 1\n';
    assert.deepEqual([...parseListeners(text, '0A')], [[30_016, '4711']]);
  });
});
