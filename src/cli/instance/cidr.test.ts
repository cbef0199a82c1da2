import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addressAt, overlap, parseCidr, type Cidr } from './cidr.ts';

const range = (value: string): Cidr => {
  const cidr = parseCidr(value);
  assert.ok(cidr, value);
  return cidr;
};

describe('IPv4 ranges', () => {
  it('reads ranges and nothing else', () => {
    assert.deepEqual(range('10.42.0.0/16'), { base: 170524672, prefix: 16 });
    for (const wrong of ['10.42.0.0', '10.42.0.1/16', '256.0.0.0/8', '10.0.0.0/33', 'fd00::/8', '', '10.42.0.0/16 ']) {
      assert.equal(parseCidr(wrong), undefined, wrong);
    }
  });

  it('counts addresses', () => {
    assert.equal(addressAt(range('10.43.0.0/16'), 10), '10.43.0.10');
    assert.equal(addressAt(range('192.168.255.0/24'), 255), '192.168.255.255');
    assert.equal(addressAt(range('200.0.0.0/8'), 1), '200.0.0.1');
  });

  it('sees overlaps, nested ones too', () => {
    assert.ok(overlap(range('10.0.0.0/8'), range('10.43.0.0/16')));
    assert.ok(!overlap(range('10.42.0.0/16'), range('10.43.0.0/16')));
    assert.ok(overlap(range('10.42.0.0/16'), range('10.42.0.0/16')));
  });
});
