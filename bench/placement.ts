/**
 * How full a cluster's devices get before requests must be refused: Telar's placement against FGD and BestFit, all replayed by this program on the
 * openb trace (USENIX ATC 2023). No peer's program runs here; the published figures of FGD are within 0.1 of what its replay gives.
 *
 *     node bench/placement.ts                                    a table over all arrivals in ../shared/data/openb, then the cost of a decision
 *     node bench/placement.ts --trace default --nodes FILE --arrivals FILE [--policy telar] [--seed 1] [--relocate] [--json]
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Machine } from '../src/placement/packing/estate.ts';
import { readArrivals, readMachines } from './lib/openb.ts';
import { POLICIES, replay, type PolicyName, type Replay } from './lib/replay.ts';

const DATA = fileURLToPath(new URL('../../shared/data/openb', import.meta.url));
const SIZES = [100, 1_000, 10_000] as const;
const DECISIONS = 2_000;

const { values: flags } = parseArgs({
  options: {
    trace: { type: 'string' }, nodes: { type: 'string' }, arrivals: { type: 'string' }, policy: { type: 'string', default: 'telar' },
    seed: { type: 'string', default: '1' }, relocate: { type: 'boolean', default: false }, json: { type: 'boolean', default: false },
  },
});

function fail(why: string): never {
  process.stderr.write(`bench/placement: ${why}\n`);
  process.exit(2);
}

const round = (value: number): number => Math.round(value * 100) / 100;
const isPolicy = (name: string): name is PolicyName => POLICIES.some((one) => one === name);

function single(nodes: string, arrivals: string): void {
  const { policy, seed, relocate: relocation, trace } = flags;
  if (!isPolicy(policy) || !Number.isInteger(Number(seed))) {
    fail(`--policy is one of ${POLICIES.join(', ')}, --seed a whole number`);
  }
  const [machines, requests] = [readMachines(nodes), readArrivals(arrivals)];
  const { at100, at130, refused, moves, seconds } = replay({ machines, requests, policy, seed: Number(seed), relocation });
  const result = { bench: 'placement', trace: trace ?? arrivals, policy, seed: Number(seed), at100: round(at100), at130: round(at130), refused, requests: requests.length, moves, seconds: round(seconds) };
  process.stdout.write(flags.json ? `${JSON.stringify(result)}\n` : `${result.trace} ${policy}: ${result.at100} % at 100 %, ${result.at130} % at 130 %, ${refused} of ${requests.length} refused, ${result.seconds} s\n`);
}

const mean = (list: readonly Replay[], of: (one: Replay) => number): string => (list.reduce((sum, one) => sum + of(one), 0) / list.length).toFixed(2);

function table(): void {
  const folder = join(DATA, 'arrivals');
  if (!existsSync(folder)) {
    fail('without --nodes and --arrivals the files of the trace are wanted in ../shared/data/openb');
  }
  const machines = readMachines(join(folder, 'nodes.txt'));
  const traces = Map.groupBy(readdirSync(folder).filter((name) => name !== 'nodes.txt').sort(), (name) => name.replace(/\.\d+$/, ''));
  process.stdout.write('trace        policy               at 100 %   at 130 %   refused   moves   seconds\n');
  for (const [trace, files] of traces) {
    const inputs = files.map((name) => ({ requests: readArrivals(join(folder, name)), seed: Number(name.split('.').at(-1)) }));
    for (const [label, policy, relocation] of [...POLICIES.map((name) => [name, name, false] as const), ['telar, one move', 'telar', true] as const]) {
      const list = inputs.map(({ requests, seed }) => replay({ machines, requests, policy, seed, relocation }));
      process.stdout.write([
        trace.padEnd(12), label.padEnd(18), mean(list, ({ at100 }) => at100).padStart(10), mean(list, ({ at130 }) => at130).padStart(10),
        mean(list, ({ refused }) => refused).padStart(9), mean(list, ({ moves }) => moves).padStart(7), mean(list, ({ seconds }) => seconds).padStart(9),
      ].join(' ').concat('\n'));
    }
  }
  const requests = readArrivals(join(folder, 'default.42')).slice(0, DECISIONS);
  process.stdout.write('\nmachines   microseconds a decision, learning included\n');
  for (const size of SIZES) {
    const { seconds } = replay({ machines: grown(machines, size), requests, policy: 'telar', seed: 1, relocation: false });
    process.stdout.write(`${String(size).padStart(8)}   ${Math.round(seconds * 1e6 / requests.length)}\n`);
  }
}

/** The same mix of machines in another number. */
const grown = (machines: readonly Machine[], size: number): Machine[] =>
  Array.from({ length: size }, (_, index) => machines[Math.floor(index * machines.length / size) % machines.length]).filter((machine) => machine !== undefined);

if (flags.nodes !== undefined && flags.arrivals !== undefined) {
  single(flags.nodes, flags.arrivals);
} else if (flags.nodes !== undefined || flags.arrivals !== undefined) {
  fail('--nodes and --arrivals go together');
} else {
  table();
}
