/**
 * A machine's record of the instance that its guest was saved from, or is about to be: a ControllerRevision. The guest goes on with the
 * spec it had, whatever has become of the template meanwhile, and on the node that has it.
 */
import { controllerReference, type Json } from '../../apimachinery/object.ts';
import { deepClone, isObject } from '../../apimachinery/values.ts';
import type { ControllerRevision } from '../../kinds/generated/apps.ts';
import type { Affinity } from '../../kinds/generated/core.ts';
import type { VirtualMachine, VirtualMachineInstance } from '../../kinds/generated/kubevirt.ts';
import {
  ANNOTATION_RESUME_FROM, ANNOTATION_RESUME_REQUIRED, ANNOTATION_SUSPEND, FINALIZER_VM, LABEL_NODE_NAME, LABEL_VM_NAME, savedRevisionName,
} from '../../kinds/kubevirt/wellknown.ts';
import { isSuspended, isSuspending } from './hold.ts';

const json = (value: unknown): Json => {
  const parsed: Json = JSON.parse(JSON.stringify(value)) ?? null;
  return parsed;
};

export function revisionOf(vm: VirtualMachine, vmi: VirtualMachineInstance): ControllerRevision {
  const { namespace, uid = '', name } = vm.metadata;
  const { metadata, spec, status } = vmi;
  return {
    apiVersion: 'apps/v1', kind: 'ControllerRevision',
    metadata: {
      name: savedRevisionName(uid), ...(namespace === undefined ? {} : { namespace }), labels: { [LABEL_VM_NAME]: name },
      ownerReferences: [controllerReference(vm)],
    },
    revision: 1,
    data: json({ instance: { metadata: { uid: metadata.uid, labels: metadata.labels, annotations: metadata.annotations }, spec, status: { nodeName: status?.nodeName } } }),
  };
}

/** The instance of a record; undefined when somebody wrote another one. Its members are for the API server to check, when it is made again. */
function instanceIn({ data }: ControllerRevision): VirtualMachineInstance | undefined {
  const instance = isObject(data) ? data['instance'] : undefined;
  return isObject(instance) && isObject(instance['metadata']) && isObject(instance['spec']) ? (instance as unknown as VirtualMachineInstance) : undefined;
}

export const savedFrom = (revision: ControllerRevision): string => instanceIn(revision)?.metadata.uid ?? '';

/** Only on that node, as well as where it was allowed before. */
function onNode(affinity: Affinity | undefined, node: string): Affinity {
  const here = { key: 'metadata.name', operator: 'In', values: [node] };
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [{}];
  return {
    ...affinity,
    nodeAffinity: {
      ...affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: required.map((term) => ({ ...term, matchFields: [here] })) },
    },
  };
}

/** The instance that goes on where the saved one was. Undefined when the record does not tell. */
export function resumedInstance(vm: VirtualMachine, revision: ControllerRevision): VirtualMachineInstance | undefined {
  const before = instanceIn(revision);
  const uid = before?.metadata.uid;
  if (before === undefined || uid === undefined) {
    return undefined;
  }
  const { name, namespace } = vm.metadata;
  const { [ANNOTATION_SUSPEND]: _s, [ANNOTATION_RESUME_FROM]: _f, [ANNOTATION_RESUME_REQUIRED]: _r, ...annotations } = before.metadata.annotations ?? {};
  const { [LABEL_NODE_NAME]: _n, ...labels } = before.metadata.labels ?? {};
  const spec = deepClone(before.spec);
  // Whether it stands still is part of what was saved.
  delete spec.startStrategy;
  const node = before.status?.nodeName;
  if (node !== undefined && node !== '') {
    spec.affinity = onNode(spec.affinity, node);
  }
  const required = revision.metadata.annotations?.[ANNOTATION_RESUME_REQUIRED];
  return {
    apiVersion: vm.apiVersion, kind: 'VirtualMachineInstance',
    metadata: {
      name, ...(namespace === undefined ? {} : { namespace }), labels,
      annotations: { ...annotations, [ANNOTATION_RESUME_FROM]: uid, ...(required === undefined ? {} : { [ANNOTATION_RESUME_REQUIRED]: required }) },
      ownerReferences: [controllerReference(vm)], finalizers: [FINALIZER_VM],
    },
    spec,
  };
}

/**
 * Whether the record has served: the guest it tells of runs, resumed or never saved. An instance that was asked to be saved and is so no
 * more cannot become so: the node says it is only while it is asked.
 */
export function isServed(revision: ControllerRevision, vmi: VirtualMachineInstance): boolean {
  const from = savedFrom(revision);
  return vmi.status?.phase === 'Running' && !isSuspending(vmi) && !isSuspended(vmi)
    && (vmi.metadata.uid === from || vmi.metadata.annotations?.[ANNOTATION_RESUME_FROM] === from);
}

/** The guest of this record is all on disk, and the record does not say so yet. */
export const isNewlySaved = (revision: ControllerRevision, vmi: VirtualMachineInstance): boolean =>
  isSuspended(vmi) && vmi.metadata.uid === savedFrom(revision) && revision.metadata.annotations?.[ANNOTATION_RESUME_REQUIRED] !== 'true';
