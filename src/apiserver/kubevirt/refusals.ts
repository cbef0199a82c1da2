/** Subresources of KubeVirt that need what is not here: each refused in a way that says so. */
import { badRequest, failure, type StatusError } from '../../apimachinery/status.ts';
import type { Answer, Call } from '../types.ts';
import type { Core } from '../verbs/core.ts';
import { isRunning, optionsOf, requireVm, requireVmi, vmConflict, vmiConflict, VM_NOT_RUNNING } from './objects.ts';

/** Answered by a guest's agent, which is not looked for: KubeVirt's answer for a guest without one, in plain text. */
const AGENT = new Set(['guestosinfo', 'userlist', 'filesystemlist']);
const NO_AGENT: Answer = {
  type: 'raw', code: 500, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: 'VMI does not have guest agent connected',
};

const HOT_PLUG = 'the embedded virtual machine engine cannot attach or detach volumes of a running guest';

type Refusal = (core: Core, call: Call) => StatusError;

function conflictOf(call: Call, why: string): StatusError {
  return (call.info.resource === 'virtualmachines' ? vmConflict : vmiConflict)(call.info.name, why);
}

function volumeRefusal(core: Core, call: Call): StatusError {
  const { name, volumeSource, disk } = optionsOf(call);
  const adding = call.info.subresource === 'addvolume';
  if (typeof name !== 'string' || name === '') {
    return badRequest(`${adding ? 'AddVolumeOptions' : 'RemoveVolumeOptions'} requires name to be set`);
  }
  if (adding && (disk === undefined || volumeSource === undefined)) {
    return badRequest(`AddVolumeOptions requires ${disk === undefined ? 'disk' : 'volumeSource'} to not be nil`);
  }
  exists(core, call);
  return conflictOf(call, HOT_PLUG);
}

function exists(core: Core, call: Call): void {
  if (call.info.resource === 'virtualmachines') {
    requireVm(core, call);
  } else {
    requireVmi(core, call);
  }
}

const because = (why: string): Refusal => (core, call) => {
  exists(core, call);
  return conflictOf(call, why);
};

const MEMORY_DUMP = because('memory dumps need persistent volumes, which are not served yet');
const FREEZE = because('VMI does not have guest agent connected: its file systems cannot be frozen');

const REFUSALS: Readonly<Record<string, Refusal>> = {
  migrate(core, call) {
    requireVm(core, call);
    const vmi = requireVmi(core, call);
    return vmConflict(call.info.name, isRunning(vmi)
      ? 'VMI is not live migratable: there is no other node it could move to' : VM_NOT_RUNNING);
  },
  addvolume: volumeRefusal,
  removevolume: volumeRefusal,
  memorydump: MEMORY_DUMP,
  removememorydump: MEMORY_DUMP,
  freeze: FREEZE,
  unfreeze: FREEZE,
  evacuate: because('no evacuation is under way'),
  backup: because('backups of virtual machines are not served'),
  objectgraph(core, call) {
    exists(core, call);
    return failure('MethodNotAllowed', 'object graphs are not served');
  },
};

/** Undefined for a name that is no subresource at all. */
export function refusal(core: Core, call: Call): Answer | undefined {
  const { subresource } = call.info;
  if (AGENT.has(subresource) && call.info.resource === 'virtualmachineinstances') {
    const vmi = requireVmi(core, call);
    if (!isRunning(vmi)) {
      throw vmiConflict(call.info.name, VM_NOT_RUNNING);
    }
    return NO_AGENT;
  }
  const refuse = Object.hasOwn(REFUSALS, subresource) ? REFUSALS[subresource] : undefined;
  if (refuse !== undefined) {
    throw refuse(core, call);
  }
  return undefined;
}
