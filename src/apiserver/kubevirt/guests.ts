/** What reaches a running guest: pause, reset and their like, and the streams. The node that runs it answers; here it is checked. */
import type { NodeHandler } from '../../apimachinery/nodehandler.ts';
import { badRequest, failure, forbidden, internalError, type StatusError } from '../../apimachinery/status.ts';
import type { VirtualMachineInstance } from '../../kinds/generated/kubevirt.ts';
import { withoutToken } from '../authn/websocket.ts';
import type { UpgradeRequest } from '../extragroup.ts';
import type { Answer, Call } from '../types.ts';
import type { Core } from '../verbs/core.ts';
import { isDryRun, isPaused, isRunning, optionsOf, requireVm, requireVmi, vmiConflict, VM_NOT_RUNNING } from './objects.ts';

const DONE: Answer = { type: 'raw', code: 200, headers: {}, body: '' };

type Check = (vmi: VirtualMachineInstance, name: string) => void;

function running(vmi: VirtualMachineInstance, name: string): void {
  if (!isRunning(vmi)) {
    throw vmiConflict(name, VM_NOT_RUNNING);
  }
}

const ACTIONS: Readonly<Record<string, Check>> = {
  pause(vmi, name) {
    running(vmi, name);
    if (vmi.spec.livenessProbe !== undefined && vmi.spec.livenessProbe.guestAgentPing === undefined) {
      throw forbidden({ group: 'kubevirt.io', resource: 'virtualmachineinstance', name }, 'Pausing VMIs with LivenessProbe is currently not supported');
    }
    if (isPaused(vmi)) {
      throw vmiConflict(name, 'VMI is already paused');
    }
  },
  unpause(vmi, name) {
    running(vmi, name);
    if (!isPaused(vmi)) {
      throw vmiConflict(name, 'VMI is not paused');
    }
  },
  softreboot(vmi, name) {
    running(vmi, name);
    if (isPaused(vmi)) {
      throw vmiConflict(name, 'VMI is paused');
    }
    if (vmi.spec.domain.features?.acpi?.enabled === false) {
      throw vmiConflict(name, 'VMI neither have the agent connected nor the ACPI feature enabled');
    }
  },
  reset: running,
};

export const isAction = (name: string): boolean => Object.hasOwn(ACTIONS, name);

/** The node a guest runs on. Throws ServiceUnavailable while it is away. */
function nodeOf(core: Core, vmi: VirtualMachineInstance): NodeHandler {
  const name = vmi.status?.nodeName ?? '';
  const handler = name === '' ? undefined : core.nodes.connect(name);
  if (handler === undefined) {
    throw failure('ServiceUnavailable', `the node ${name} of virtual machine instance ${vmi.metadata.name} is not connected`);
  }
  return handler;
}

const handlerPath = (vmi: VirtualMachineInstance, rest: string): string =>
  `/v1/namespaces/${encodeURIComponent(vmi.metadata.namespace ?? '')}/virtualmachineinstances/${encodeURIComponent(vmi.metadata.name)}/${rest}`;

export function act(core: Core, call: Call): Answer {
  const { subresource, name } = call.info;
  const vmi = requireVmi(core, call);
  ACTIONS[subresource]?.(vmi, name);
  if (isDryRun(optionsOf(call))) {
    return DONE;
  }
  if (call.http === undefined) {
    throw internalError('only requests over HTTP can be passed on to a node');
  }
  const { req, res } = call.http;
  // The body is read already and the node needs none.
  delete req.headers['content-length'];
  delete req.headers['authorization'];
  nodeOf(core, vmi).request(handlerPath(vmi, subresource), req, res);
  return { type: 'taken' };
}

const notRunning = (vmi: VirtualMachineInstance): StatusError => badRequest(
  `Unable to connect to VirtualMachineInstance because phase is ${vmi.status?.phase ?? 'Pending'} instead of Running`);

const STREAMS: Readonly<Record<string, Check>> = {
  console(vmi, name) {
    if (vmi.spec.domain.devices.autoattachSerialConsole === false) {
      throw badRequest('No serial consoles are present.');
    }
    if (vmi.status?.phase === 'Failed') {
      throw vmiConflict(name, 'VMI is in failed status');
    }
    if (!isRunning(vmi)) {
      throw notRunning(vmi);
    }
  },
  vnc(vmi) {
    if (vmi.spec.domain.devices.autoattachGraphicsDevice === false) {
      throw badRequest('No graphics devices are present.');
    }
    if (!isRunning(vmi)) {
      throw notRunning(vmi);
    }
  },
  portforward(vmi, name) {
    if (!isRunning(vmi)) {
      throw notRunning(vmi);
    }
    if (isPaused(vmi)) {
      throw vmiConflict(name, 'VMI is paused');
    }
  },
  usbredir(_vmi, name) {
    throw vmiConflict(name, 'Not configured with USB Redirection');
  },
  vsock() {
    throw badRequest('VSOCK is not attached.');
  },
};

export const isStream = (name: string): boolean => Object.hasOwn(STREAMS, name);

/** What follows `portforward`: a port and a protocol. */
function streamPath(call: Call): string {
  const { subresource, rest } = call.info;
  if (subresource === 'portforward') {
    const match = /^\/(\d{1,5})(?:\/(tcp|udp))?$/.exec(rest);
    if (match === null) {
      throw badRequest(`portforward needs a port and, if not tcp, a protocol: …/portforward/{port}[/{tcp|udp}], not ${JSON.stringify(rest)}`);
    }
    return `portforward/${match[1] ?? ''}/${match[2] ?? 'tcp'}`;
  }
  return subresource;
}

/** Checks a stream and answers the node and path that serve it. Throws StatusErrors. */
function streamTarget(core: Core, call: Call): { node: NodeHandler; target: string } {
  const { subresource, name, resource } = call.info;
  if (resource === 'virtualmachines') {
    requireVm(core, call);
  }
  const vmi = requireVmi(core, call);
  const path = streamPath(call);
  STREAMS[subresource]?.(vmi, name);
  return { node: nodeOf(core, vmi), target: handlerPath(vmi, call.query.size === 0 ? path : `${path}?${call.query.toString()}`) };
}

/** A stream asked for without an upgrade: its refusals are worth more than "upgrade required". */
export function streamWithoutUpgrade(core: Core, call: Call): never {
  streamTarget(core, call);
  throw badRequest('Upgrade request required: this is a WebSocket');
}

export function stream(core: Core, call: Call, { req, socket, head }: UpgradeRequest): void {
  const { node, target } = streamTarget(core, call);
  // Credentials are for the API server alone.
  delete req.headers['authorization'];
  const offered = req.headers['sec-websocket-protocol'];
  const rest = offered === undefined ? undefined : withoutToken(offered);
  if (rest === undefined) {
    delete req.headers['sec-websocket-protocol'];
  } else {
    req.headers['sec-websocket-protocol'] = rest;
  }
  node.upgrade(target, req, socket, head);
}
