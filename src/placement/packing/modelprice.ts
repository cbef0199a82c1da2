/**
 * How scarce the devices of a model are: the demand of those who can use only some models, over what these models have. Requests that run
 * anywhere are kept off scarce devices while others are free.
 */
import { allows, demand, type Machine } from './estate.ts';
import type { Typical } from './typical.ts';

/** Price by model index; empty where nobody is bound to a model. */
export function modelPrices(machines: readonly Machine[], typical: readonly Typical[]): Float64Array {
  const models = machines.reduce((most, { model }) => Math.max(most, model + 1), 0);
  const capacity = new Float64Array(models);
  let total = 0;
  for (const { model, devices } of machines) {
    if (model >= 0) {
      capacity[model] = (capacity[model] ?? 0) + devices;
      total += devices;
    }
  }
  const expected = typical.reduce((sum, one) => sum + one.weight * demand(one), 0);
  const prices = new Float64Array(models);
  for (const one of typical) {
    const asked = demand(one);
    if (one.models === 0 || asked === 0) {
      continue;
    }
    const allowed = capacity.reduce((sum, count, model) => sum + (allows(one.models, model) ? count : 0), 0);
    for (let model = 0; model < models && allowed > 0; model += 1) {
      if (allows(one.models, model)) {
        prices[model] = (prices[model] ?? 0) + (one.weight * asked / expected) * (total / allowed);
      }
    }
  }
  return prices;
}
