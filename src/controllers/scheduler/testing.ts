/** Nodes with devices, and pods that ask for them. For tests. */
import type { Node, Pod, PodSpec } from '../../kinds/generated/core.ts';
import type { Device, DeviceClass, ResourceSlice } from '../../kinds/generated/resource.ts';

export const DRIVER = 'gpu.nvidia.com';

export const gpuNode = (name: string, allocatable: Record<string, string> = {}): Node => ({
  apiVersion: 'v1', kind: 'Node', metadata: { name }, spec: {}, status: { allocatable: { cpu: '16', memory: '64Gi', pods: '110', ...allocatable } },
});

/** A whole device of which parts can be had. */
export const gpu = (name: string, memory = '80Gi', productName = 'H100'): Device => ({
  name, allowMultipleAllocations: true, attributes: { type: { string: 'gpu' }, uuid: { string: `GPU-${name}` }, productName: { string: productName } },
  capacity: { memory: { value: memory }, cores: { value: '100' } },
});

export const slice = (node: string, devices: Device[], more: Partial<ResourceSlice['spec']> = {}): ResourceSlice => ({
  apiVersion: 'resource.k8s.io/v1', kind: 'ResourceSlice', metadata: { name: `${node}-gpus` },
  spec: { driver: DRIVER, nodeName: node, pool: { name: node, generation: 1, resourceSliceCount: 1 }, devices, ...more },
});

export const gpuClass = (name = DRIVER, extendedResourceName: string | undefined = 'nvidia.com/gpu', type = 'gpu'): DeviceClass => ({
  apiVersion: 'resource.k8s.io/v1', kind: 'DeviceClass', metadata: { name },
  spec: {
    selectors: [{ cel: { expression: `device.driver == '${DRIVER}' && device.attributes['${DRIVER}'].type == '${type}'` } }],
    ...(extendedResourceName === undefined ? {} : { extendedResourceName }),
  },
});

export const gpuPod = (name: string, resources: Record<string, string>, { annotations, ...spec }: Partial<PodSpec> & { annotations?: Record<string, string> } = {}): Pod => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', ...(annotations === undefined ? {} : { annotations }) },
  spec: { schedulerName: 'default-scheduler', containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '1', ...resources }, limits: resources } }], ...spec },
});
