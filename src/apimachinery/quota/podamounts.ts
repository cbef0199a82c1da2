/** What a pod asks for and what it is limited to, all containers together, as k8s.io/component-helpers/resource counts it. */
import type { Container, Pod, PodSpec } from '../../kinds/generated/core.ts';
import { amountsOf, amountOf, greatest, plus, type Amounts } from './amounts.ts';

type Side = 'requests' | 'limits';

const ofContainer = (container: Container, side: Side): Amounts => amountsOf(container.resources?.[side]);

/** Containers run together; init containers one after another before them, but for sidecars, which stay. */
function ofContainers(spec: PodSpec, side: Side): Amounts {
  let sum: Amounts = {};
  for (const container of spec.containers ?? []) {
    sum = plus(sum, ofContainer(container, side));
  }
  let sidecars: Amounts = {};
  let peak: Amounts = {};
  for (const container of spec.initContainers ?? []) {
    const own = ofContainer(container, side);
    if (container.restartPolicy === 'Always') {
      sidecars = plus(sidecars, own);
      peak = greatest(peak, sidecars);
    } else {
      peak = greatest(peak, plus(sidecars, own));
    }
  }
  return greatest(plus(sum, sidecars), peak);
}

/** The overhead counts with every request, and with those limits that there are. */
function overheadOf(spec: PodSpec, side: Side, amounts: Amounts): Amounts {
  const overhead = amountsOf(spec.overhead);
  return side === 'requests' ? overhead
    : Object.fromEntries(Object.entries(overhead).filter(([name]) => amountOf(amounts, name).nanos !== 0n));
}

/** Amounts by plain resource name (`cpu`, `memory`, `example.com/gpu`). What is said of the pod as a whole takes the place of its containers'. */
export function podAmounts({ spec }: Pick<Pod, 'spec'>, side: Side): Amounts {
  const amounts: Amounts = { ...ofContainers(spec, side), ...amountsOf(spec.resources?.[side]) };
  return plus(amounts, overheadOf(spec, side, amounts));
}
