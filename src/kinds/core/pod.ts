import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import type { Pod, PodCondition, Toleration } from '../generated/core.ts';
import { defineKind } from '../kind.ts';
import { keepStatus } from '../strategy.ts';
import { POD_COLUMNS } from './pod.columns.ts';
import { defaultPodSpec, defaultRequests } from './podspec/defaults.ts';
import { qosClass } from './podspec/qos.ts';
import { validatePodStatusUpdate, validatePodUpdate } from './podspec/update.ts';
import { validatePodSpec } from './podspec/validate.ts';
import { hostnameWarnings, podSpecWarnings } from './podspec/warnings.ts';

/** How long a pod stays on a node that is not ready or cannot be reached, unless it says otherwise. */
const EVICTION_SECONDS = 300;
const NODE_TROUBLES = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

/** The two classes that every cluster has. */
const SYSTEM_PRIORITIES: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2_000_000_000, 'system-node-critical': 2_000_001_000,
};

/** What a pod says that the scheduler may not look at yet; the scheduler writes over it once the gates are gone. */
const GATED: PodCondition = {
  type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message: 'Scheduling is blocked due to non-empty scheduling gates',
};

/** What Kubernetes' DefaultTolerationSeconds admission adds. */
function tolerateNodeTroubles(pod: Pod): void {
  const tolerations: Toleration[] = pod.spec.tolerations ?? [];
  for (const key of NODE_TROUBLES) {
    const tolerated = tolerations.some((one) => (!one.key || one.key === key) && (!one.effect || one.effect === 'NoExecute'));
    if (!tolerated) {
      tolerations.push({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: EVICTION_SECONDS });
    }
  }
  pod.spec.tolerations = tolerations;
}

function defaultPod(pod: Pod): void {
  pod.spec ??= { containers: [] };
  defaultPodSpec(pod.spec);
  defaultRequests(pod.spec);
  pod.spec.enableServiceLinks ??= true;
}

/** What Kubernetes' admission plug-ins and the pod strategy set on every new pod. */
function preparePod(pod: Pod): void {
  pod.status = { phase: 'Pending', qosClass: qosClass(pod.spec), ...(pod.spec.schedulingGates?.length ? { conditions: [{ ...GATED }] } : {}) };
  pod.spec.serviceAccountName ||= 'default';
  pod.spec.serviceAccount = pod.spec.serviceAccountName;
  pod.spec.preemptionPolicy ||= 'PreemptLowerPriority';
  const system = SYSTEM_PRIORITIES[pod.spec.priorityClassName ?? ''];
  pod.spec.priority ??= system ?? 0;
  tolerateNodeTroubles(pod);
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
    validate: ({ spec }) => validatePodSpec('spec', spec),
    validateCreate: createErrors,
    validateUpdate: validatePodUpdate,
    validateStatus: validatePodStatusUpdate,
    warnings: ({ metadata, spec }) => [...podSpecWarnings('spec', spec), ...hostnameWarnings(metadata.name, spec)],
  },
});
