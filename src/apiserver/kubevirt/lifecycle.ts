/** start, stop and restart of a VirtualMachine: what each run strategy makes of them, in KubeVirt's words. */
import { badRequest } from '../../apimachinery/status.ts';
import { controllerOf, type KubeObject } from '../../apimachinery/object.ts';
import { deepClone } from '../../apimachinery/values.ts';
import type { VirtualMachine, VirtualMachineInstance, VirtualMachineStateChangeRequest } from '../../kinds/generated/kubevirt.ts';
import { LABEL_CREATED_BY } from '../../kinds/kubevirt/wellknown.ts';
import type { Answer, Call } from '../types.ts';
import type { Core, Target } from '../verbs/core.ts';
import { deleteObject } from '../verbs/deletes.ts';
import { updateObject, type WriteContext } from '../verbs/writes.ts';
import { asVm, findVmi, isDryRun, isFinal, optionsOf, requireVm, vmConflict, VM_NOT_RUNNING, vmTarget } from './objects.ts';

export const ACCEPTED: Answer = { type: 'raw', code: 202, headers: {}, body: '' };

const DEFAULT_GRACE_SECONDS = 30;

interface Situation {
  core: Core;
  call: Call;
  target: Target;
  vm: VirtualMachine;
  vmi: VirtualMachineInstance | undefined;
  strategy: string;
  context: WriteContext;
  options: Record<string, unknown>;
}

function situation(core: Core, call: Call): Situation {
  const options = optionsOf(call);
  const vm = requireVm(core, call);
  const { running, runStrategy } = vm.spec;
  return {
    core, call, vm, options, target: vmTarget(core, call), vmi: findVmi(core, call),
    strategy: running === undefined ? runStrategy ?? 'Halted' : running ? 'Always' : 'Halted',
    // On a real cluster KubeVirt's API server does this on the user's behalf.
    context: { user: call.user, dryRun: isDryRun(options), warnings: call.warnings, manager: 'virt-api' },
  };
}

/** Seconds from an option; throws BadRequest for what is no whole number or negative. */
function seconds(options: Record<string, unknown>, name: string): number | undefined {
  const value = options[name];
  if (value === undefined || value === null) {
    return undefined;
  }
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw badRequest(`${name} has to be greater or equal to 0`);
  }
  return value;
}

async function setStrategy({ core, target, context }: Situation, on: boolean): Promise<void> {
  await updateObject(core, {
    target, scope: { part: 'main' },
    mutate: (current: KubeObject) => {
      const next = deepClone(current);
      const { spec } = asVm(next);
      if (spec.running === undefined) {
        spec.runStrategy = on ? 'Always' : 'Halted';
      } else {
        spec.running = on;
      }
      return next;
    },
  }, context);
}

/** A lone Stop replaces what was asked before; anything else waits for nothing and so is refused. */
function withRequests(vm: VirtualMachine, wanted: VirtualMachineStateChangeRequest[]): VirtualMachineStateChangeRequest[] {
  const waiting = vm.status?.stateChangeRequests ?? [];
  const loneStop = wanted.length === 1 && wanted[0]?.action === 'Stop';
  if (waiting.length > 0 && !loneStop) {
    throw vmConflict(vm.metadata.name, 'unable to complete request: stop/start already underway');
  }
  return wanted;
}

async function request({ core, target, context }: Situation, wanted: VirtualMachineStateChangeRequest[]): Promise<void> {
  await updateObject(core, {
    target, scope: { part: 'status' },
    mutate: (current: KubeObject) => {
      const next = deepClone(current);
      const vm = asVm(next);
      vm.status = { ...vm.status, stateChangeRequests: withRequests(vm, wanted) };
      return next;
    },
  }, context);
}

const stopOf = (vmi: VirtualMachineInstance): VirtualMachineStateChangeRequest =>
  ({ action: 'Stop', ...(vmi.metadata.uid === undefined ? {} : { uid: vmi.metadata.uid }) });

export async function start(core: Core, call: Call): Promise<Answer> {
  const now = situation(core, call);
  const { vm, vmi, strategy, options } = now;
  const { name } = vm.metadata;
  if (vmi !== undefined && !isFinal(vmi)) {
    throw vmConflict(name, 'VM is already running');
  }
  const paused = options['paused'] === true;
  const wanted: VirtualMachineStateChangeRequest = { action: 'Start', ...(paused ? { data: { paused: 'true' } } : {}) };
  switch (strategy) {
    case 'Halted':
      await (paused ? request(now, [wanted]) : setStrategy(now, true));
      return ACCEPTED;
    case 'RerunOnFailure':
      if (vmi?.status?.phase === 'Failed') {
        throw vmConflict(name, 'RerunOnFailure does not support starting VM from failed state');
      }
      await request(now, vmi === undefined ? [wanted] : [stopOf(vmi), wanted]);
      return ACCEPTED;
    case 'Manual':
      await request(now, vmi === undefined ? [wanted] : [stopOf(vmi), wanted]);
      return ACCEPTED;
    default: throw vmConflict(name, `${strategy} does not support manual start requests`);
  }
}

/** Brings the launcher's end forward; its controller would give it the instance's own grace period. */
async function hurry({ core, context, vmi }: Situation, graceSeconds: number): Promise<void> {
  const kind = core.registry.byResource('', 'v1', 'pods');
  if (kind === undefined || vmi === undefined) {
    return;
  }
  const { uid, namespace = '' } = vmi.metadata;
  const launchers = core.store.list(core.registry.storagePrefix(kind, namespace)).items
    .filter(({ object }) => object.metadata.labels?.[LABEL_CREATED_BY] === uid && controllerOf(object)?.uid === uid);
  for (const { object } of launchers) {
    await deleteObject(core, { kind, namespace, name: object.metadata.name }, { gracePeriodSeconds: graceSeconds }, context);
  }
}

export async function stop(core: Core, call: Call): Promise<Answer> {
  const now = situation(core, call);
  const { vm, vmi, strategy, options } = now;
  const { name } = vm.metadata;
  const grace = seconds(options, 'gracePeriod');
  const shorter = vmi !== undefined && grace !== undefined && grace < (vmi.spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS);
  switch (strategy) {
    case 'Halted':
      if (!shorter) {
        throw vmConflict(name, 'Halted only supports manual stop requests with a shorter graceperiod');
      }
      break;
    case 'RerunOnFailure': case 'Manual':
      if (vmi === undefined || isFinal(vmi)) {
        throw vmConflict(name, VM_NOT_RUNNING);
      }
      await request(now, [stopOf(vmi)]);
      break;
    default: await setStrategy(now, false);
  }
  if (shorter) {
    await hurry(now, grace);
  }
  return ACCEPTED;
}

export async function restart(core: Core, call: Call): Promise<Answer> {
  const now = situation(core, call);
  const { vm, vmi, strategy, options } = now;
  const { name } = vm.metadata;
  const grace = seconds(options, 'gracePeriodSeconds');
  if (grace !== undefined && grace > 0) {
    throw badRequest('For force restart, only gracePeriod=0 is supported for now');
  }
  if (strategy === 'Halted' || strategy === 'Once') {
    throw vmConflict(name, `RunStrategy ${strategy} does not support manual restart requests`);
  }
  if (vmi === undefined) {
    throw vmConflict(name, VM_NOT_RUNNING);
  }
  await request(now, [stopOf(vmi), { action: 'Start' }]);
  if (grace === 0) {
    await hurry(now, 0);
  }
  return ACCEPTED;
}
