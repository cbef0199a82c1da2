/** Rules between the devices of one claim: the same value of an attribute, or a different one for each. */
import type { DeviceConstraint } from '../../kinds/generated/resource.ts';
import { qualified } from './amounts.ts';
import type { PoolDevice } from './inventory.ts';

/** Values of an attribute, with their type; undefined without it. */
function valuesOf({ device, driver }: PoolDevice, attribute: string): readonly string[] | undefined {
  const [, value] = Object.entries(device.attributes ?? {}).find(([name]) => qualified(name, driver) === attribute) ?? [];
  if (value === undefined) {
    return undefined;
  }
  const lists: readonly [string, readonly (string | number | boolean)[] | undefined][] = [
    ['string', value.strings ?? (value.string === undefined ? undefined : [value.string])], ['int', value.ints ?? (value.int === undefined ? undefined : [value.int])],
    ['bool', value.bools ?? (value.bool === undefined ? undefined : [value.bool])], ['version', value.versions ?? (value.version === undefined ? undefined : [value.version])],
  ];
  return lists.flatMap(([type, list]) => (list ?? []).map((one) => `${type}:${String(one)}`));
}

interface Chosen {
  /** `request` or `request/subrequest`. */
  readonly request: string;
  readonly device: PoolDevice;
}

const concerns = ({ requests }: DeviceConstraint, request: string): boolean =>
  requests === undefined || requests.length === 0 || requests.some((one) => one === request || one === request.split('/')[0]);

/** Whether `next` may join the devices that have been chosen already. */
export function allowed(constraints: readonly DeviceConstraint[], chosen: readonly Chosen[], next: Chosen): boolean {
  return constraints.every((constraint) => {
    const attribute = constraint.matchAttribute ?? constraint.distinctAttribute;
    if (attribute === undefined || !concerns(constraint, next.request)) {
      return true;
    }
    const own = valuesOf(next.device, attribute);
    if (own === undefined) {
      return false;
    }
    const others = chosen.filter(({ request }) => concerns(constraint, request)).map(({ device }) => valuesOf(device, attribute) ?? []);
    if (constraint.matchAttribute === undefined) {
      return others.every((values) => !values.some((one) => own.includes(one)));
    }
    // Lists match in what is common to all.
    return own.some((one) => others.every((values) => values.includes(one)));
  });
}
