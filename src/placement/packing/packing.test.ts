import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Chooser } from './chooser.ts';
import { devicePrice } from './deviceprice.ts';
import { DEVICE, Estate, type Machine, type Request } from './estate.ts';
import { Expectation } from './fragmentation.ts';
import { LearningChooser, policyFor } from './learning.ts';
import { modelPrices } from './modelprice.ts';
import { bestFit, fragmentationGradient, pricesOf, type Prices } from './policies.ts';
import { relocate, type Movable } from './relocate.ts';
import { maximise } from './simplex.ts';
import { Demand, demandOf, type Typical } from './typical.ts';

const machine = (over: Partial<Machine> = {}): Machine => ({ cpuMilli: 32_000, memoryMib: 65_536, devices: 2, model: 0, ...over });
const request = (over: Partial<Request> = {}): Request => ({ cpuMilli: 1_000, memoryMib: 1_024, devices: 1, milli: DEVICE, models: 0, ...over });
const typical = (over: Partial<Typical> = {}): Typical => ({ cpuMilli: 1_000, devices: 1, milli: DEVICE, models: 0, weight: 1, ...over });

describe('an estate', () => {
  test('knows what fits and what does not', () => {
    const estate = new Estate([machine(), machine({ model: 2 }), machine({ devices: 0, model: -1 })]);
    assert.equal(estate.fits(request({ devices: 2 }), 0), true);
    assert.equal(estate.fits(request({ devices: 3 }), 0), false);
    assert.equal(estate.fits(request({ cpuMilli: 32_001 }), 0), false);
    assert.equal(estate.fits(request({ memoryMib: 65_537 }), 0), false);
    assert.equal(estate.fits(request({ models: 1 << 2 }), 0), false);
    assert.equal(estate.fits(request({ models: 1 << 2 }), 1), true);
    assert.equal(estate.fits(request({ milli: 1 }), 2), false);
    assert.equal(estate.fits(request({ devices: 0, milli: 0, models: 1 }), 2), true);
    estate.place(request({ milli: 600 }), { machine: 0, devices: [0] });
    estate.place(request({ milli: 500 }), { machine: 0, devices: [1] });
    assert.equal(estate.fits(request({ milli: 500 }), 0), true);
    assert.equal(estate.fits(request({ milli: 501 }), 0), false);
    assert.equal(estate.fits(request(), 0), false);
  });

  test('is as it was after everything is released, and after suppositions, with caches holding', () => {
    const estate = new Estate([machine(), machine()]);
    const one = request({ milli: 300 });
    const version = estate.version[0];
    assert.equal(estate.with(one, { machine: 0, devices: [1] }, () => estate.deviceFree[1]), 700);
    assert.equal(estate.version[0], version);
    estate.place(one, { machine: 0, devices: [1] });
    assert.notEqual(estate.version[0], version);
    assert.equal(estate.idle[0], 1);
    assert.equal(estate.without(one, { machine: 0, devices: [1] }, () => estate.idle[0]), 2);
    estate.release(one, { machine: 0, devices: [1] });
    assert.deepEqual([estate.cpuFree[0], estate.memoryFree[0], estate.idle[0], estate.deviceFree[1]], [32_000, 65_536, 2, DEVICE]);
  });
});

describe('typical requests', () => {
  test('are the commonest up to 95 %, with weights that add up to 1', () => {
    const list = demandOf([...Array.from({ length: 96 }, () => request({ milli: 500 })), ...Array.from({ length: 4 }, (_, n) => request({ milli: n + 1 }))]).typical();
    assert.deepEqual(list.map(({ milli, weight }) => [milli, weight]), [[500, 1]]);
    const two = demandOf([request(), request(), request({ devices: 0, milli: 0 })]).typical();
    assert.deepEqual(two.map(({ devices, weight }) => [devices, weight]), [[1, 2 / 3], [0, 1 / 3]]);
  });

  test('forget the oldest', () => {
    const demand = new Demand(10);
    for (let n = 0; n < 1_000; n += 1) {
      demand.add(request({ milli: n < 985 ? 100 : 200 }));
    }
    assert.equal(demand.size, 10);
    assert.deepEqual(demand.typical().map(({ milli }) => milli), [200]);
  });
});

test('fragmentation is what typical requests cannot use', () => {
  const estate = new Estate([machine()]);
  const half = new Expectation([typical({ milli: 500, weight: 0.5 }), typical({ devices: 2, weight: 0.5 })]);
  assert.equal(half.fragment(estate, 0), 0);
  estate.place(request({ milli: 700 }), { machine: 0, devices: [0] });
  // 300 are too small for a half, and one idle device is none for two: all 1,300.
  assert.equal(half.fragment(estate, 0), 0.5 * 300 + 0.5 * 1_300);
  // Without CPU nothing can be used.
  assert.equal(half.fragment(estate, 0, 31_000), 1_300);
  assert.equal(new Expectation([typical({ models: 1 << 3 })]).fragment(estate, 0), 1_300);
  assert.equal(new Expectation([typical({ devices: 0, milli: 0 })]).fragment(estate, 0), 1_300);
});

describe('prices', () => {
  test('a linear programme is solved', () => {
    // Maximise 3x + 5y under x ≤ 4, 2y ≤ 12, 3x + 2y ≤ 18: the textbook's (2, 6).
    assert.deepEqual(maximise([3, 5], [[1, 0], [0, 2], [3, 2]], [4, 12, 18]).map((value) => Math.round(value * 1e6) / 1e6), [2, 6]);
    assert.throws(() => maximise([1], [[-1]], [1]), /no end/);
  });

  test('of shares: what goes into a device costs together no more than it', () => {
    assert.equal(devicePrice([typical()]), undefined);
    const price = devicePrice([typical({ milli: 700, weight: 0.4 }), typical({ milli: 300, weight: 0.2 }), typical({ milli: 500, weight: 0.4 })]);
    assert.ok(price !== undefined);
    const at = (milli: number): number => price.value[milli] ?? Number.NaN;
    assert.ok(Math.abs(at(DEVICE) - 1) < 1e-6);
    assert.ok(at(700) + at(300) <= 1 + 1e-6 && 2 * at(500) <= 1 + 1e-6);
    for (let milli = 1; milli <= DEVICE; milli += 1) {
      assert.ok(at(milli) >= at(milli - 1));
    }
    assert.equal(at(200), 0);
  });

  test('of a thousand sizes are found all the same', () => {
    const price = devicePrice(Array.from({ length: 1_000 }, (_, n) => typical({ milli: n + 1, weight: 1 / (n + 1) })));
    assert.ok(price !== undefined && Math.abs((price.value[DEVICE] ?? 0) - 1) < 1e-6);
  });

  test('of models: the demand of those bound to them, over what they have', () => {
    const machines = [machine({ devices: 2, model: 0 }), machine({ devices: 6, model: 1 })];
    const prices = modelPrices(machines, [typical({ models: 1, weight: 0.25 }), typical({ weight: 0.75 })]);
    assert.deepEqual([...prices], [0.25 * (8 / 2), 0]);
    assert.deepEqual([...modelPrices(machines, [typical()])], [0, 0]);
  });

  test('keep CPU beside devices: the CPU-hungry go where CPU is plenty', () => {
    const machines = [machine({ cpuMilli: 20_000, devices: 2 }), machine({ cpuMilli: 80_000, devices: 2 })];
    const estate = new Estate(machines);
    const hungry = request({ cpuMilli: 18_000 });
    // Fragmentation does not see it: what is expected needs hardly any CPU.
    const expectation = new Expectation([typical({ cpuMilli: 100 })]);
    const scores = (prices?: Prices): number[] => [0, 1].map((index) => fragmentationGradient(expectation, prices)(estate, hungry, index).score);
    const [poorUnpriced, richUnpriced] = scores();
    assert.equal(poorUnpriced, richUnpriced);
    const [poor = 0, rich = 0] = scores({ model: Float64Array.of(0), cpuPerMilli: 10 });
    assert.ok(rich > poor);
    assert.equal(pricesOf(machines, [typical({ cpuMilli: 10_000 })]).cpuPerMilli, 10);
  });
});

describe('choosing', () => {
  test('goes to the best, among equals to the first of the order, and to nothing that does not fit', () => {
    const estate = new Estate([machine(), machine(), machine({ devices: 1 })]);
    const chooser = new Chooser({ estate, policy: bestFit, order: [1, 0, 2] });
    assert.deepEqual(chooser.choose(request()), { machine: 2, devices: [0] });
    estate.place(request(), { machine: 2, devices: [0] });
    assert.deepEqual(chooser.choose(request()), { machine: 1, devices: [0] });
    assert.equal(chooser.choose(request({ devices: 3 })), undefined);
    // A tight device before a loose one.
    estate.place(request({ milli: 400 }), { machine: 0, devices: [1] });
    assert.deepEqual(chooser.chooseOn(request({ milli: 600 }), 0), { machine: 0, devices: [1] });
  });

  test('never overfills anything, whatever comes', () => {
    let state = 7;
    const random = (below: number): number => (state = (state * 48_271) % 2_147_483_647) % below;
    const machines = Array.from({ length: 12 }, (_, n) => machine({ devices: n % 5, model: n % 5 === 0 ? -1 : n % 3, cpuMilli: 4_000 * (1 + random(16)) }));
    const estate = new Estate(machines);
    const chooser = new LearningChooser(estate);
    for (let n = 0; n < 3_000; n += 1) {
      const devices = random(4);
      const one = request({ cpuMilli: 500 * random(8), memoryMib: random(4_096), devices, milli: devices === 0 ? 0 : devices > 1 ? DEVICE : 1 + random(DEVICE), models: random(3) === 0 ? 1 << random(3) : 0 });
      const placement = chooser.choose(one);
      if (placement !== undefined) {
        assert.equal(placement.devices.length, devices);
        assert.equal(new Set(placement.devices).size, devices);
        estate.place(one, placement);
      } else {
        assert.ok(machines.every((_, index) => !estate.fits(one, index)));
      }
      assert.ok(estate.deviceFree.every((free) => free >= 0) && estate.cpuFree.every((free) => free >= 0) && estate.memoryFree.every((free) => free >= 0));
    }
  });

  test('one move makes room where nothing fits, and the estate is untouched until it is made', () => {
    const estate = new Estate([machine(), machine({ devices: 1 })]);
    const movable: Movable = { request: request({ milli: 500 }), placement: { machine: 0, devices: [0] } };
    estate.place(movable.request, movable.placement);
    const wanted = request({ devices: 2 });
    const chooser = new Chooser({ estate, policy: policyFor(estate, [typical()]) });
    assert.equal(chooser.choose(wanted), undefined);
    const before = [...estate.deviceFree];
    const way = relocate(estate, chooser, wanted, (index) => (index === 0 ? [movable] : []));
    assert.deepEqual(way, { moved: movable, to: { machine: 1, devices: [0] }, placement: { machine: 0, devices: [0, 1] } });
    assert.deepEqual([...estate.deviceFree], before);
    assert.equal(relocate(estate, chooser, wanted, () => []), undefined);
  });
});
