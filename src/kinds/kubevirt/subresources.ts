/**
 * The actions on virtual machines, which KubeVirt serves as subresources of a group of their own
 * (`/apis/subresources.kubevirt.io/v1/namespaces/{ns}/{resource}/{name}/{action}`). Discovery lists exactly these;
 * the API server's handlers for them are in src/apiserver/kubevirt/.
 */
export const SUBRESOURCES_GROUP = 'subresources.kubevirt.io';

/** Preferred first. v1alpha3 is the same by another name, for older clients. */
export const SUBRESOURCES_VERSIONS = ['v1', 'v1alpha3'] as const;

export interface VmSubresource {
  resource: 'virtualmachines' | 'virtualmachineinstances';
  action: string;
  /** `get` for what is read or streamed (WebSocket), `update` for what a PUT sets off. */
  verb: 'get' | 'update';
}

const of = (resource: VmSubresource['resource'], verb: VmSubresource['verb'], ...actions: string[]): VmSubresource[] =>
  actions.map((action) => ({ resource, action, verb }));

export const VM_SUBRESOURCES: readonly VmSubresource[] = [
  ...of('virtualmachines', 'update', 'start', 'stop', 'restart'),
  ...of('virtualmachines', 'get', 'expand-spec', 'portforward'),
  ...of('virtualmachineinstances', 'update', 'pause', 'unpause', 'softreboot', 'reset'),
  ...of('virtualmachineinstances', 'get', 'console', 'portforward', 'vnc'),
];
