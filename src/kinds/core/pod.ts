import { acceleratorErrors, acceleratorUpdateErrors } from '../../apimachinery/accelerators.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import type { Pod, PodCondition } from '../generated/core.ts';
import { defineKind } from '../kind.ts';
import { keepStatus } from '../strategy.ts';
import { POD_COLUMNS } from './pod.columns.ts';
import { defaultPodSpec, defaultRequests } from './podspec/defaults.ts';
import { qosClass } from './podspec/qos.ts';
import { validatePodStatusUpdate, validatePodUpdate } from './podspec/update.ts';
import { validatePodSpec } from './podspec/validate.ts';
import { hostnameWarnings, podSpecWarnings } from './podspec/warnings.ts';

/** What a pod says that the scheduler may not look at yet; the scheduler writes over it once the gates are gone. */
const GATED: PodCondition = {
  type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message: 'Scheduling is blocked due to non-empty scheduling gates',
};

function defaultPod(pod: Pod): void {
  pod.spec ??= { containers: [] };
  defaultPodSpec(pod.spec);
  defaultRequests(pod.spec);
  pod.spec.enableServiceLinks ??= true;
}

/** What every new pod begins with; its account, priority and tolerations come from admission. */
function preparePod(pod: Pod): void {
  pod.status = { phase: 'Pending', qosClass: qosClass(pod.spec), ...(pod.spec.schedulingGates?.length ? { conditions: [{ ...GATED }] } : {}) };
}

/** What is wrong only in a pod that is being created. */
function createErrors(pod: Pod): FieldError[] {
  const errors: FieldError[] = [];
  if (pod.spec.ephemeralContainers?.length) {
    errors.push(fieldError.forbidden('spec.ephemeralContainers', 'cannot be set on create'));
  }
  if (pod.spec.nodeName && pod.spec.schedulingGates?.length) {
    errors.push(fieldError.forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared'));
  }
  return errors;
}

export const pod = defineKind<Pod>({
  group: '', version: 'v1', kind: 'Pod', plural: 'pods', singular: 'pod',
  namespaced: true, type: 'core/v1.Pod', origin: 'builtin',
  shortNames: ['po'], categories: ['all'], status: true,
  subresources: {
    attach: { kind: 'PodAttachOptions', verbs: ['create', 'get'] },
    binding: { kind: 'Binding', verbs: ['create'] },
    ephemeralcontainers: { kind: 'Pod', verbs: ['get', 'patch', 'update'] },
    eviction: { kind: 'Eviction', group: 'policy', version: 'v1', verbs: ['create'] },
    exec: { kind: 'PodExecOptions', verbs: ['create', 'get'] },
    log: { kind: 'Pod', verbs: ['get'] },
    portforward: { kind: 'PodPortForwardOptions', verbs: ['create', 'get'] },
    proxy: { kind: 'PodProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] },
    resize: { kind: 'Pod', verbs: ['get', 'patch', 'update'] },
  },
  columns: POD_COLUMNS,
  selectableFields: {
    'spec.nodeName': ({ spec }) => spec.nodeName ?? '',
    'spec.restartPolicy': ({ spec }) => spec.restartPolicy ?? '',
    'spec.schedulerName': ({ spec }) => spec.schedulerName ?? '',
    'spec.serviceAccountName': ({ spec }) => spec.serviceAccountName ?? '',
    'spec.hostNetwork': ({ spec }) => String(spec.hostNetwork === true),
    'status.phase': ({ status }) => status?.phase ?? '',
    'status.podIP': ({ status }) => status?.podIP ?? '',
    'status.nominatedNodeName': ({ status }) => status?.nominatedNodeName ?? '',
  },
  rules: {
    defaults: defaultPod,
    prepareCreate: preparePod,
    prepareUpdate: keepStatus,
    validate: (object) => [...validatePodSpec('spec', object.spec), ...acceleratorErrors(object)],
    validateCreate: createErrors,
    validateUpdate: (object, old) => [...validatePodUpdate(object, old), ...acceleratorUpdateErrors(object, old)],
    validateStatus: validatePodStatusUpdate,
    warnings: ({ metadata, spec }) => [...podSpecWarnings('spec', spec), ...hostnameWarnings(metadata.name, spec)],
  },
});
