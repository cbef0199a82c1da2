/** What a pod asks of a node: amounts by resource name, `cpu` in thousandths of a core, all else in whole units (bytes). */
import { quantityToMilli, quantityToNumber } from '../apimachinery/quantity.ts';
import type { Container, PodSpec } from '../kinds/generated/core.ts';

export type Amounts = Readonly<Record<string, number>>;

/** What a container that asks for nothing counts as when nodes are compared (never when they are filtered). */
const ASSUMED: Amounts = { cpu: 100, memory: 200 * 1024 * 1024 };

export function amountsOf(quantities: Readonly<Record<string, string>> | undefined): Record<string, number> {
  const amounts: Record<string, number> = {};
  for (const [name, quantity] of Object.entries(quantities ?? {})) {
    amounts[name] = name === 'cpu' ? quantityToMilli(quantity) : quantityToNumber(quantity);
  }
  return amounts;
}

export function add(target: Record<string, number>, amounts: Amounts, sign = 1): void {
  for (const [name, amount] of Object.entries(amounts)) {
    target[name] = (target[name] ?? 0) + sign * amount;
  }
}

function raise(target: Record<string, number>, amounts: Amounts): void {
  for (const [name, amount] of Object.entries(amounts)) {
    target[name] = Math.max(target[name] ?? 0, amount);
  }
}

type OfContainer = (container: Container) => Amounts;

const asked: OfContainer = (container) => amountsOf(container.resources?.requests);
const assumed: OfContainer = (container) => ({ ...ASSUMED, ...amountsOf(container.resources?.requests) });

/** Containers run together; init containers one after another before them, but for sidecars, which stay. */
function total(spec: PodSpec, of: OfContainer): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const container of spec.containers) {
    add(sum, of(container));
  }
  const sidecars: Record<string, number> = {};
  const peak: Record<string, number> = {};
  for (const container of spec.initContainers ?? []) {
    if (container.restartPolicy === 'Always') {
      add(sidecars, of(container));
      raise(peak, sidecars);
    } else {
      const step = { ...sidecars };
      add(step, of(container));
      raise(peak, step);
    }
  }
  add(sum, sidecars);
  raise(sum, peak);
  // Requests of the pod as a whole take the place of its containers'.
  Object.assign(sum, amountsOf(spec.resources?.requests));
  add(sum, amountsOf(spec.overhead));
  return sum;
}

export function podRequests(spec: PodSpec): Amounts {
  return total(spec, asked);
}

/** As `podRequests`, with an assumed size for containers that ask for nothing. */
export function podWeight(spec: PodSpec): Amounts {
  const { cpu = 0, memory = 0 } = total(spec, assumed);
  return { cpu, memory };
}
