/** `subresources.kubevirt.io`: what virtctl does to virtual machines, in every version alike. */
import { methodNotAllowed, notFound } from '../../apimachinery/status.ts';
import { isObject } from '../../apimachinery/values.ts';
import { SUBRESOURCES_GROUP, SUBRESOURCES_VERSIONS } from '../../kinds/kubevirt/subresources.ts';
import type { ExtraGroup } from '../extragroup.ts';
import { answerDiscovery } from '../paths/groupdiscovery.ts';
import type { Answer, Call } from '../types.ts';
import { PageNotFound, type Core } from '../verbs/core.ts';
import { act, isAction, isStream, stream, streamWithoutUpgrade } from './guests.ts';
import { restart, start, stop } from './lifecycle.ts';
import { optionsOf, requireVm } from './objects.ts';
import { refusal } from './refusals.ts';

/** The KubeVirt whose API this is; virtctl warns when its own minor version differs. */
const KUBEVIRT = {
  gitVersion: 'v1.9.0', gitCommit: '', gitTreeState: 'clean', buildDate: '', goVersion: '', compiler: 'node', platform: 'linux/amd64',
} as const;

const json = (code: number, value: unknown): Answer =>
  ({ type: 'raw', code, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) });

const LIFECYCLE: Readonly<Record<string, (core: Core, call: Call) => Promise<Answer>>> = { start, stop, restart };

/** Paths right below the version, or for `expand-vm-spec` below a namespace. */
function ofGroup(call: Call): Answer {
  const { resource } = call.info;
  if (call.method === 'GET' && resource === 'version') {
    return json(200, KUBEVIRT);
  }
  if (call.method === 'GET' && resource === 'healthz') {
    return json(200, { apiserver: { connectivity: 'ok', version: KUBEVIRT } });
  }
  if (call.method === 'PUT' && resource === 'expand-vm-spec' && call.info.namespace !== '') {
    const vm = optionsOf(call);
    if (vm['kind'] !== 'VirtualMachine' || !isObject(vm['spec'])) {
      throw notFound({ group: '', resource: 'VirtualMachine', name: '' });
    }
    return json(200, vm);
  }
  throw new PageNotFound(call.info.path);
}

function require(call: Call, method: string): void {
  if (call.method !== method) {
    throw methodNotAllowed('the server does not allow this method on the requested resource');
  }
}

function ofObject(call: Call, core: Core): Answer | Promise<Answer> {
  const { resource, subresource } = call.info;
  const lifecycle = resource === 'virtualmachines' && Object.hasOwn(LIFECYCLE, subresource) ? LIFECYCLE[subresource] : undefined;
  if (lifecycle !== undefined) {
    require(call, 'PUT');
    return lifecycle(core, call);
  }
  if (resource === 'virtualmachines' && subresource === 'expand-spec') {
    require(call, 'GET');
    // Nothing is expanded: instance types and preferences are refused where they would come in.
    return json(200, requireVm(core, call));
  }
  if (resource === 'virtualmachineinstances' && isAction(subresource)) {
    require(call, 'PUT');
    return act(core, call);
  }
  if (isStreamOf(call)) {
    require(call, 'GET');
    return streamWithoutUpgrade(core, call);
  }
  const refused = refusal(core, call);
  if (refused === undefined) {
    throw new PageNotFound(call.info.path);
  }
  return refused;
}

/** Machines have one stream of their own; the rest are their instances'. */
const isStreamOf = ({ info }: Call): boolean => isStream(info.subresource)
  && (info.resource === 'virtualmachineinstances' || (info.resource === 'virtualmachines' && info.subresource === 'portforward'));

const isServed = (call: Call): boolean => SUBRESOURCES_VERSIONS.some((version) => version === call.info.version);

export const kubevirtSubresources: ExtraGroup = {
  group: SUBRESOURCES_GROUP,
  handle(call, core) {
    const { info } = call;
    if (!info.isResource) {
      return answerDiscovery(call, core);
    }
    if (!isServed(call)) {
      throw new PageNotFound(info.path);
    }
    return info.name === '' ? ofGroup(call) : ofObject(call, core);
  },
  upgrade(call, core, request) {
    if (!call.info.isResource || !isServed(call) || !isStreamOf(call)) {
      throw new PageNotFound(call.info.path);
    }
    stream(core, call, request);
  },
};
