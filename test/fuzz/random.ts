/** A small random generator that a seed fixes (mulberry32), and values nobody should send. */

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 to 1, 1 excluded. */
  unit(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  below(limit: number): number {
    return Math.floor(this.unit() * limit);
  }

  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  pick<T>(list: readonly [T, ...T[]]): T {
    return list[this.below(list.length)] ?? list[0];
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }
}

const STRINGS = [
  '', ' ', '.', '..', '/', '-', 'a', '\u0000', '\u202e', '\ud800', 'é', '💥', '%', '%zz', '%00', '%2e%2e%2f', '${jndi:x}', '__proto__', 'constructor', 'toString', 'null', 'true', '0', '-1',
  '1e400', '9'.repeat(40), 'x'.repeat(300), 'UPPER', 'a_b', 'a..b', '-a', 'a-', 'a/b', 'a=b', 'a,b', '(a', 'a in (', '!a', 'a notin (b,', 'kube-system', 'default', '2001-01-01T00:00:00Z', 'not-a-time',
  '100m', '1Ki', '-5', '1.5.5', '*', '10.0.0.1', '::1', 'system:masters', '((a+)+)+$', "self.s.matches('^(a+)+$')", 'object.spec.a.b.c', '[1,2,3].map(x, [1,2,3].map(y, x + y)).size() > 0', '{{', "'; DROP TABLE log; --", '\n', '\r\nX: y',
] as const satisfies readonly [string, ...string[]];

export function hostileString(random: Random): string {
  if (random.chance(0.05)) {
    return random.pick(['x', 'é', 'a.', '/', '\u0001']).repeat(1 + random.below(5000));
  }
  return random.pick(STRINGS);
}

/** Any JSON value, rarely a deep or long one. */
export function hostileValue(random: Random, depth = 0): unknown {
  switch (random.below(depth > 3 ? 7 : 11)) {
    case 0: return null;
    case 1: return random.chance(0.5);
    case 2: return random.pick([0, -0, 1, -1, 0.5, 1e21, 2 ** 31, 2 ** 53, -(2 ** 63), 1e308, 65536]);
    case 3: case 4: case 5: case 6: return hostileString(random);
    case 7: return Array.from({ length: random.below(4) }, () => hostileValue(random, depth + 1));
    case 8: return deep(1 + random.below(random.chance(0.05) ? 2000 : 20), random.chance(0.5));
    default: return Object.fromEntries(Array.from({ length: random.below(4) }, () => [hostileString(random), hostileValue(random, depth + 1)]));
  }
}

function deep(levels: number, lists: boolean): unknown {
  let value: unknown = 'end';
  for (let level = 0; level < levels; level += 1) {
    value = lists ? [value] : { a: value };
  }
  return value;
}

/** A copy of a JSON value with some places changed. */
export function mutated(random: Random, value: unknown, rate: number): unknown {
  if (random.chance(rate)) {
    return hostileValue(random);
  }
  if (Array.isArray(value)) {
    const list: unknown[] = value.map((item) => mutated(random, item, rate));
    if (random.chance(rate)) {
      list.push(list[0] ?? hostileValue(random));
    }
    return list;
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(() => !random.chance(rate)).map(([key, item]) => [random.chance(rate / 2) ? hostileString(random) : key, mutated(random, item, rate)] as const);
    if (random.chance(rate)) {
      entries.push([hostileString(random), hostileValue(random)]);
    }
    return Object.fromEntries(entries);
  }
  return value;
}
