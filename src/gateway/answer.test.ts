/** What cluster names mean. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decode, encode } from 'dns-packet';
import { answerFromZone, isOurs, type ZoneAnswer } from './answer.ts';
import { encodeRefusal, encodeResponse, parseQuestion, responseLimit, WireError } from './wire.ts';
import { parseZone, ZoneError } from './zone.ts';

const http = { name: 'http', protocol: 'tcp', port: 80 };
const zone = parseZone(JSON.stringify({
  format: 1, domain: 'cluster.local', listen: '10.43.0.10', ranges: ['10.43.0.0/16', '10.42.0.0/16'],
  services: [
    { namespace: 'default', name: 'web', ip: '10.43.0.7', ports: [http, { protocol: 'udp', port: 53 }] },
    { namespace: 'default', name: 'db', endpoints: [
      { ip: '10.42.0.5', hostname: 'db-0', ports: [http] }, { ip: '10.42.0.6', ports: [http] },
    ] },
    { namespace: 'default', name: 'none', endpoints: [] },
    { namespace: 'other', name: 'alias', externalName: 'web.default.svc.cluster.local' },
    { namespace: 'other', name: 'out', externalName: 'example.org.' },
    { namespace: 'other', name: 'loop', externalName: 'loop.other.svc.cluster.local' },
  ],
}), 7);

const keep = <T>(items: readonly T[]): T[] => [...items];
const ask = (name: string, type = 'A'): ZoneAnswer => answerFromZone(zone, name, type, keep);
const data = (answer: ZoneAnswer): unknown[] => answer.answers.map((record) => record.data);

describe('answers for cluster names', () => {
  it('gives a service its cluster address', () => {
    assert.deepEqual(data(ask('web.default.svc.cluster.local')), ['10.43.0.7']);
    assert.deepEqual(data(ask('WEB.Default.SVC.cluster.LOCAL')), ['10.43.0.7']);
    assert.equal(ask('WEB.Default.svc.cluster.local').answers[0]?.name, 'WEB.Default.svc.cluster.local');
  });

  it('gives a headless service the addresses of its endpoints, and each its own name', () => {
    assert.deepEqual(data(ask('db.default.svc.cluster.local')), ['10.42.0.5', '10.42.0.6']);
    assert.deepEqual(data(ask('db-0.db.default.svc.cluster.local')), ['10.42.0.5']);
    assert.deepEqual(data(ask('10-42-0-6.db.default.svc.cluster.local')), ['10.42.0.6']);
    assert.equal(ask('db-1.db.default.svc.cluster.local').rcode, 'NXDOMAIN');
    assert.deepEqual([ask('none.default.svc.cluster.local').rcode, data(ask('none.default.svc.cluster.local'))], ['NOERROR', []]);
  });

  it('gives ports as SRV records with their targets’ addresses', () => {
    const one = ask('_http._tcp.web.default.svc.cluster.local', 'SRV');
    assert.deepEqual(data(one), [{ priority: 0, weight: 100, port: 80, target: 'web.default.svc.cluster.local' }]);
    assert.deepEqual(one.additionals, [{ type: 'A', name: 'web.default.svc.cluster.local', data: '10.43.0.7' }]);
    const many = ask('_http._tcp.db.default.svc.cluster.local', 'SRV');
    assert.deepEqual(many.answers.map((record) => (record.type === 'SRV' ? record.data.target : '')), ['db-0.db.default.svc.cluster.local', '10-42-0-6.db.default.svc.cluster.local']);
    assert.equal(ask('_ftp._tcp.web.default.svc.cluster.local', 'SRV').rcode, 'NXDOMAIN');
    assert.equal(ask('_tcp.web.default.svc.cluster.local', 'SRV').rcode, 'NOERROR');
  });

  it('tells a name that does not exist from one without such records, with the SOA', () => {
    for (const name of ['nope.default.svc.cluster.local', 'web.nope.svc.cluster.local', 'nope.cluster.local', 'a.b.web.default.svc.cluster.local', 'nope.svc.cluster.local']) {
      assert.equal(ask(name).rcode, 'NXDOMAIN', name);
    }
    for (const [name, type] of [['web.default.svc.cluster.local', 'AAAA'], ['default.svc.cluster.local', 'A'], ['svc.cluster.local', 'A'], ['cluster.local', 'A'], ['pod.cluster.local', 'A']] as const) {
      const answer = ask(name, type);
      assert.deepEqual([answer.rcode, answer.answers, answer.authorities[0]?.type], ['NOERROR', [], 'SOA'], name);
    }
  });

  it('follows aliases inside the zone, hands on the others, and survives a loop', () => {
    assert.deepEqual(data(ask('alias.other.svc.cluster.local')), ['web.default.svc.cluster.local', '10.43.0.7']);
    const out = ask('out.other.svc.cluster.local');
    assert.deepEqual([data(out), out.follow], [['example.org'], 'example.org']);
    assert.deepEqual(data(ask('out.other.svc.cluster.local', 'CNAME')), ['example.org']);
    assert.ok(ask('loop.other.svc.cluster.local').answers.length < 20);
  });

  it('answers pods’ names, reverse names and the zone’s own', () => {
    assert.deepEqual(data(ask('10-42-0-9.default.pod.cluster.local')), ['10.42.0.9']);
    assert.equal(ask('8-8-8-8.default.pod.cluster.local').rcode, 'NXDOMAIN');
    assert.deepEqual(data(ask('7.0.43.10.in-addr.arpa', 'PTR')), ['web.default.svc.cluster.local']);
    assert.deepEqual(data(ask('5.0.42.10.in-addr.arpa', 'PTR')), ['db-0.db.default.svc.cluster.local']);
    assert.equal(ask('99.0.42.10.in-addr.arpa', 'PTR').rcode, 'NXDOMAIN');
    assert.deepEqual(data(ask('dns-version.cluster.local', 'TXT')), ['1.1.0']);
    assert.equal(ask('cluster.local', 'SOA').answers[0]?.type, 'SOA');
  });

  it('knows what is its own', () => {
    assert.deepEqual(['cluster.local', 'x.Cluster.Local', '1.0.42.10.in-addr.arpa'].map((name) => isOurs(zone, name)), [true, true, true]);
    assert.deepEqual(['notcluster.local', 'example.org', '8.8.8.8.in-addr.arpa', ''].map((name) => isOurs(zone, name)), [false, false, false, false]);
  });

  it('refuses a file of another format', () => {
    assert.throws(() => parseZone('{"format":2,"domain":"x"}', 1), ZoneError);
    assert.throws(() => parseZone('{', 1), SyntaxError);
  });
});

describe('messages', () => {
  const query = (size?: number): Buffer => encode({
    type: 'query', id: 4711, flags: 0x100, questions: [{ type: 'A', name: 'db.default.svc.cluster.local' }],
    ...(size === undefined ? {} : { additionals: [{ type: 'OPT', name: '.', udpPayloadSize: size, extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false, options: [] }] }),
  });

  it('are answered as other software reads them', () => {
    const question = parseQuestion(query(4096));
    const answer = answerFromZone(zone, '_http._tcp.db.default.svc.cluster.local', 'SRV', keep);
    const soa = answerFromZone(zone, 'x.cluster.local', 'A', keep);
    const read = decode(encodeResponse(question, { ...answer, authorities: soa.authorities, authoritative: true }, 4096));
    assert.deepEqual([read.id, read.type, read.flag_aa, read.flag_tc, read.questions?.[0]?.name], [4711, 'response', true, false, 'db.default.svc.cluster.local']);
    assert.deepEqual(read.answers?.map(({ type }) => type), ['SRV', 'SRV']);
    assert.deepEqual(read.authorities?.map(({ type }) => type), ['SOA']);
    assert.deepEqual(read.additionals?.map(({ type }) => type), ['A', 'A', 'OPT']);
  });

  it('are cut to what the client takes, and say so', () => {
    const answers = Array.from({ length: 120 }, (_, index) => ({ type: 'A' as const, name: 'db.default.svc.cluster.local', data: `10.42.0.${index}` }));
    for (const [size, tcp, whole] of [[undefined, false, false], [1232, false, false], [undefined, true, true]] as const) {
      const question = parseQuestion(query(size));
      const limit = responseLimit(question, tcp);
      const bytes = encodeResponse(question, { rcode: 'NOERROR', authoritative: true, answers }, limit);
      const read = decode(bytes);
      assert.ok(bytes.length <= limit);
      assert.equal(read.flag_tc, !whole);
      assert.equal((read.answers?.length ?? 0) === 120, whole);
      assert.ok((read.answers?.length ?? 0) >= 25);
    }
    assert.equal(responseLimit({ edns: { size: 65_000 } }, false), 1232);
    assert.equal(responseLimit({ edns: { size: 10 } }, false), 512);
  });

  it('that make no sense are refused or ignored, never fatal', () => {
    const rcodeOf = (message: Buffer): string | undefined => {
      try {
        parseQuestion(message);
        return 'fine';
      } catch (error) {
        assert.ok(error instanceof WireError, String(error));
        return error.rcode;
      }
    };
    assert.equal(rcodeOf(Buffer.alloc(5)), undefined);
    assert.equal(rcodeOf(Buffer.from(query().map((byte, index) => (index === 2 ? byte | 0x80 : byte)))), undefined);
    assert.equal(rcodeOf(Buffer.from(query().map((byte, index) => (index === 2 ? 0x28 : byte)))), 'NOTIMP');
    assert.equal(rcodeOf(query().subarray(0, 20)), 'FORMERR');
    assert.equal(rcodeOf(Buffer.concat([query().subarray(0, 12), Buffer.from([0xc0, 12, 0, 1, 0, 1])])), 'FORMERR');
    assert.equal((encodeRefusal(query(), 'FORMERR')[3] ?? 0) & 15, 1);
    // A small generator, so that a failure can be repeated.
    let seed = 12_345;
    const next = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed % below;
    };
    for (let round = 0; round < 20_000; round++) {
      const message = Buffer.from(query(1232));
      for (let change = next(6); change >= 0; change--) {
        message[next(message.length)] = next(256);
      }
      rcodeOf(message.subarray(0, next(message.length + 1)));
    }
  });
});
