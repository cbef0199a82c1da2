/** What has been found, as a claim's status says it. */
import { formatTime } from '../../apimachinery/object.ts';
import type { Node, NodeSelector } from '../../kinds/generated/core.ts';
import type { AllocationResult, DeviceAllocationConfiguration, DeviceRequestAllocationResult, ResourceClaim } from '../../kinds/generated/resource.ts';
import type { Choice } from './allocate.ts';
import { amountText, local } from './amounts.ts';
import type { DeviceInventory } from './inventory.ts';

function resultOf({ ask, device, consumed }: Choice): DeviceRequestAllocationResult {
  return {
    request: ask.name, driver: device.driver, pool: device.pool, device: device.name,
    ...(ask.admin ? { adminAccess: true } : {}),
    ...(ask.tolerations.length === 0 ? {} : { tolerations: [...ask.tolerations] }),
    ...(consumed === undefined ? {} : {
      shareID: crypto.randomUUID(),
      consumedCapacity: Object.fromEntries([...consumed].map(([name, amount]) => [local(name, device.driver), amountText(amount)])),
    }),
  };
}

/** Configuration of the classes for the requests they serve, then the claim's own for those of its requests that were served. */
function configOf(choices: readonly Choice[], inventory: DeviceInventory, claim: ResourceClaim | undefined): DeviceAllocationConfiguration[] {
  const names = new Set(choices.map(({ ask }) => ask.name));
  const ofClass = [...new Map(choices.map(({ ask }) => [ask.name, ask.className]))].flatMap(([name, className]) =>
    (inventory.classOf(className)?.spec.config ?? []).map((config) => ({ source: 'FromClass', requests: [name], ...config })));
  const serves = (request: string): boolean => [...names].some((name) => name === request || name.startsWith(`${request}/`));
  const ofClaim = (claim?.spec.devices?.config ?? []).filter(({ requests = [] }) => requests.length === 0 || requests.some(serves))
    .map((config) => ({ source: 'FromClaim', ...config }));
  return [...ofClass, ...ofClaim];
}

/** Nodes on which the devices can be used: where one belongs to a node, that one. Devices of the network do not restrict it. */
function nodeSelectorOf(choices: readonly Choice[], node: Node): NodeSelector | undefined {
  const bound = choices.some(({ device }) => device.node !== undefined || device.device.bindsToNode === true);
  if (bound) {
    return { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node.metadata.name] }] }] };
  }
  const [first, ...more] = choices.flatMap(({ device: { selector } }) => selector?.nodeSelectorTerms ?? []);
  return first === undefined ? undefined : {
    nodeSelectorTerms: [more.reduce((all, term) => ({
      matchExpressions: [...all.matchExpressions ?? [], ...term.matchExpressions ?? []], matchFields: [...all.matchFields ?? [], ...term.matchFields ?? []],
    }), first)],
  };
}

/** A claim's `status.allocation`. */
export function allocationResult(choices: readonly Choice[], { inventory, node, claim }: { inventory: DeviceInventory; node: Node; claim?: ResourceClaim | undefined }): AllocationResult {
  const config = configOf(choices, inventory, claim);
  const nodeSelector = nodeSelectorOf(choices, node);
  return {
    devices: { results: choices.map(resultOf), ...(config.length === 0 ? {} : { config }) },
    ...(nodeSelector === undefined ? {} : { nodeSelector }), allocationTimestamp: formatTime(),
  };
}
