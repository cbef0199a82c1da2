import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { elements, integer, octets, oid, sequence, tagged, time } from '../../apimachinery/der.ts';
import { addressBytes, issueCa, issueLeaf } from './issue.ts';

describe('der', () => {
  it('writes what openssl writes', () => {
    assert.equal(oid('1.2.840.10045.4.3.2').toString('hex'), '06082a8648ce3d040302');
    assert.equal(oid('2.5.29.17').toString('hex'), '0603551d11');
    assert.equal(integer(Buffer.from([0x80])).toString('hex'), '02020080');
    assert.equal(octets(Buffer.alloc(200)).subarray(0, 3).toString('hex'), '0481c8');
    assert.equal(octets(Buffer.alloc(70_000)).subarray(0, 5).toString('hex'), '0483011170');
    assert.equal(time(new Date('2049-12-31T23:59:59Z')).toString('latin1', 2), '491231235959Z');
    assert.equal(time(new Date('2050-01-01T00:00:00Z')).toString('latin1', 2), '20500101000000Z');
  });

  it('finds its way back', () => {
    const inner = octets(Buffer.alloc(300, 1));
    const [outer] = elements(sequence(inner, tagged(0x05)));
    assert.deepEqual(elements(outer?.content ?? Buffer.alloc(0)).map(({ tag, content }) => [tag, content.length]), [[0x04, 300], [0x05, 0]]);
    assert.throws(() => elements(inner.subarray(0, 20)), /longer than what holds it/);
  });

  it('knows addresses', () => {
    assert.equal(addressBytes('10.43.0.1').toString('hex'), '0a2b0001');
    assert.equal(addressBytes('::1').toString('hex'), '00000000000000000000000000000001');
    assert.equal(addressBytes('fd00:1::2:3').toString('hex'), 'fd000001000000000000000000020003');
    assert.equal(addressBytes('::ffff:192.0.2.1').toString('hex'), '00000000000000000000ffffc0000201');
  });

  it('issues for names with signs in them, and never outlives its authority', () => {
    const ca = issueCa('authority, of "signs" + Ñandú');
    const leaf = new X509Certificate(issueLeaf(ca, { commonName: 'a,b=c+d', organizations: ['o:1'], usages: ['client'], names: [] }).cert);
    const authority = new X509Certificate(ca.cert);
    assert.ok(leaf.checkIssued(authority) && leaf.verify(authority.publicKey));
    assert.equal(leaf.toLegacyObject().subject.CN, 'a,b=c+d');
    assert.ok(leaf.validToDate <= authority.validToDate);
    assert.equal(authority.ca, true);
    assert.equal(leaf.ca, false);
  });
});
