/** Machines and instances as the handlers of their subresources read and write them. */
import type { KubeObject } from '../../apimachinery/object.ts';
import { isConditionTrue } from '../../apimachinery/conditions.ts';
import { conflict, failure, internalError, notFound, type StatusError } from '../../apimachinery/status.ts';
import { parseBody } from '../../apimachinery/json.ts';
import { isObject } from '../../apimachinery/values.ts';
import type { AnyKind } from '../../kinds/kind.ts';
import type { VirtualMachine, VirtualMachineInstance } from '../../kinds/generated/kubevirt.ts';
import { isFinalPhase } from '../../kinds/kubevirt/wellknown.ts';
import type { Call } from '../types.ts';
import type { Core, Target } from '../verbs/core.ts';
import { typed } from '../../kinds/typed.ts';

const GROUP = 'kubevirt.io';

/** KubeVirt names these by their singular in errors. */
const ref = (singular: string, name: string): { group: string; resource: string; name: string } => ({ group: GROUP, resource: singular, name });

export const vmConflict = (name: string, why: string): StatusError => conflict(ref('virtualmachine', name), why);
export const vmiConflict = (name: string, why: string): StatusError => conflict(ref('virtualmachineinstance', name), why);

export const VM_NOT_RUNNING = 'VM is not running';

function kindOf(core: Core, plural: string): AnyKind {
  const kind = core.registry.byResource(GROUP, 'v1', plural);
  if (kind === undefined) {
    throw internalError(`${plural}.${GROUP} are not served`);
  }
  return kind;
}

export const vmTarget = (core: Core, call: Call): Target => ({ kind: kindOf(core, 'virtualmachines'), namespace: call.info.namespace, name: call.info.name });
export const vmiTarget = (core: Core, call: Call): Target => ({ kind: kindOf(core, 'virtualmachineinstances'), namespace: call.info.namespace, name: call.info.name });

export const asVm = (object: KubeObject): VirtualMachine => typed('kubevirt.io/v1 VirtualMachine', object);
const asVmi = (object: KubeObject): VirtualMachineInstance => typed('kubevirt.io/v1 VirtualMachineInstance', object);

/** Throws NotFound as KubeVirt words it. */
export function requireVm(core: Core, call: Call): VirtualMachine {
  const stored = core.get(vmTarget(core, call));
  if (stored === undefined) {
    throw notFound(ref('virtualmachine', call.info.name));
  }
  return asVm(stored.object);
}

export function findVmi(core: Core, call: Call): VirtualMachineInstance | undefined {
  const stored = core.get(vmiTarget(core, call));
  return stored === undefined ? undefined : asVmi(stored.object);
}

export function requireVmi(core: Core, call: Call): VirtualMachineInstance {
  const vmi = findVmi(core, call);
  if (vmi === undefined) {
    throw notFound(ref('virtualmachineinstance', call.info.name));
  }
  return vmi;
}

export const isRunning = (vmi: VirtualMachineInstance): boolean => vmi.status?.phase === 'Running';
export const isFinal = (vmi: VirtualMachineInstance): boolean => isFinalPhase(vmi.status?.phase);
export const isPaused = (vmi: VirtualMachineInstance): boolean => isConditionTrue(vmi.status?.conditions, 'Paused');

/** The options in a body: JSON or YAML whatever the Content-Type says, nothing at all meaning no options. Throws BadRequest. */
export function optionsOf(call: Call): Record<string, unknown> {
  const { body } = call;
  if (body.kind === 'none' || (body.kind === 'bytes' && body.bytes.length === 0)) {
    return {};
  }
  const value: unknown = body.kind === 'value' ? body.value : parseBody(body.bytes, 'application/yaml').value;
  if (value === null || value === undefined) {
    return {};
  }
  if (!isObject(value)) {
    throw failure('BadRequest', 'Can not unmarshal Request body to struct, error: the body is no object');
  }
  return value;
}

/** `dryRun: ["All"]` of the option bodies. */
export function isDryRun(options: Record<string, unknown>): boolean {
  const { dryRun } = options;
  return Array.isArray(dryRun) && dryRun.includes('All');
}
