/** The rules of apps, one by one; those of the pods in them stand with the pods. */
import { daemonSet } from './daemonset.ts';
import { statefulSet } from './statefulset.ts';
import { controllerRevision } from './controllerrevision.ts';
import { QUALIFIED, testRules } from '../ruletable.ts';

testRules(daemonSet, {
  base: { spec: { selector: { matchLabels: { app: 'a' } }, template: { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'i' }] } } } },
  create: [
    ['spec.selector', undefined,
      'spec.selector: Required value',
      'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`'],
    ['spec.selector', {}, 'spec.selector: Invalid value: {}: empty selector is invalid for daemonset'],
    ['spec.selector', { matchLabels: { app: 'b' } }, 'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`'],
    ['spec.selector', { matchExpressions: [{ key: 'app', operator: 'Near' }] },
      'spec.selector.matchExpressions[0].operator: Invalid value: "Near": not a valid selector operator'],
    ['spec.template.metadata', { labels: { app: 'a', '-': 'b' } }, `spec.template.metadata.labels: Invalid value: "-": ${QUALIFIED}`],
    ['spec.template.spec.containers', [], 'spec.template.spec.containers: Required value'],
    ['spec.template.spec.restartPolicy', 'Never', 'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
    ['spec.template.spec.activeDeadlineSeconds', 5, 'spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in DaemonSet is not Supported'],
    ['spec.minReadySeconds', -1, 'spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0'],
    ['spec.revisionHistoryLimit', -1, 'spec.revisionHistoryLimit: Invalid value: -1: must be greater than or equal to 0'],
    ['spec.updateStrategy', { type: 'Sometimes' }, 'spec.updateStrategy: Unsupported value: {"type":"Sometimes"}: supported values: "RollingUpdate", "OnDelete"'],
    ['spec.updateStrategy', { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0 } },
      'spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0'],
    ['spec.updateStrategy', { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 1 } },
      'spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero'],
    ['spec.updateStrategy', { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 'x' } },
      "spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: \"x\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"],
  ],
  update: [
    ['spec.selector', { matchExpressions: [{ key: 'app', operator: 'Exists' }] },
      'spec.selector: Invalid value: {"matchExpressions":[{"key":"app","operator":"Exists"}]}: field is immutable'],
  ],
});

testRules(statefulSet, {
  base: { spec: { selector: { matchLabels: { app: 'a' } }, template: { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }, serviceName: 's', volumeClaimTemplates: [{ metadata: { name: 'd' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }] } },
  create: [
    ['spec.selector', undefined,
      'spec.selector: Required value',
      'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`'],
    ['spec.selector', {}, 'spec.selector: Invalid value: {}: empty selector is invalid for statefulset'],
    ['spec.selector', { matchLabels: { app: 'b' } }, 'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`'],
    ['spec.selector', { matchExpressions: [{ key: 'app', operator: 'Near' }] },
      'spec.selector.matchExpressions[0].operator: Invalid value: "Near": not a valid selector operator'],
    ['spec.template.metadata', { labels: { app: 'a', '-': 'b' } }, `spec.template.metadata.labels: Invalid value: "-": ${QUALIFIED}`],
    ['spec.template.spec.containers', [], 'spec.template.spec.containers: Required value'],
    ['spec.template.spec.restartPolicy', 'Never', 'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
    ['spec.template.spec.activeDeadlineSeconds', 5, 'spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in StatefulSet is not Supported'],
    ['spec.minReadySeconds', -1, 'spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0'],
    ['spec.replicas', -1, 'spec.replicas: Invalid value: -1: must be greater than or equal to 0'],
    ['spec.podManagementPolicy', 'Random', "spec.podManagementPolicy: Invalid value: \"Random\": must be 'OrderedReady' or 'Parallel'"],
    ['spec.updateStrategy', { type: 'Sometimes' }, "spec.updateStrategy: Invalid value: {\"type\":\"Sometimes\"}: must be 'RollingUpdate' or 'OnDelete'"],
    ['spec.updateStrategy', { type: 'OnDelete', rollingUpdate: {} },
      "spec.updateStrategy.rollingUpdate: Invalid value: {}: only allowed for updateStrategy 'RollingUpdate'"],
    ['spec.updateStrategy', { rollingUpdate: { partition: -1 } }, 'spec.updateStrategy.rollingUpdate.partition: Invalid value: -1: must be greater than or equal to 0'],
    ['spec.updateStrategy', { rollingUpdate: { maxUnavailable: 0 } }, 'spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: 0: cannot be 0'],
    ['spec.persistentVolumeClaimRetentionPolicy', { whenDeleted: 'Burn', whenScaled: 'Burn' },
      'spec.persistentVolumeClaimRetentionPolicy.whenDeleted: Unsupported value: "Burn": supported values: "Delete", "Retain"',
      'spec.persistentVolumeClaimRetentionPolicy.whenScaled: Unsupported value: "Burn": supported values: "Delete", "Retain"'],
    ['spec.ordinals', { start: -1 }, 'spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0'],
    ['spec.volumeClaimTemplates.0.metadata', {},
      'spec.template.spec.volumes[0].persistentVolumeClaim.claimName: Required value',
      'spec.template.spec.volumes[0].name: Required value',
      'spec.volumeClaimTemplates[0].metadata.name: Required value'],
    ['spec.volumeClaimTemplates.0.spec.accessModes', [], 'spec.volumeClaimTemplates[0].spec.accessModes: Required value: at least 1 access mode is required'],
  ],
  update: [
    ['spec.serviceName', 't',
      "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"],
    ['spec.selector', { matchExpressions: [{ key: 'app', operator: 'Exists' }] },
      "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"],
  ],
  status: [
    ['status', { replicas: 1, readyReplicas: 2, availableReplicas: 3 },
      'status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas',
      'status.availableReplicas: Invalid value: 3: cannot be greater than status.replicas',
      'status.availableReplicas: Invalid value: 3: cannot be greater than status.readyReplicas'],
    ['status', { replicas: -1 },
      'status.replicas: Invalid value: -1: must be greater than or equal to 0',
      'status.readyReplicas: Invalid value: 0: cannot be greater than status.replicas',
      'status.currentReplicas: Invalid value: 0: cannot be greater than status.replicas',
      'status.updatedReplicas: Invalid value: 0: cannot be greater than status.replicas',
      'status.availableReplicas: Invalid value: 0: cannot be greater than status.replicas'],
    ['status', { replicas: 1, currentReplicas: 2, updatedReplicas: 2 },
      'status.currentReplicas: Invalid value: 2: cannot be greater than status.replicas',
      'status.updatedReplicas: Invalid value: 2: cannot be greater than status.replicas'],
  ],
});

testRules(controllerRevision, {
  base: { revision: 1, data: { a: 1 } },
  create: [
    ['revision', -1, 'revision: Invalid value: -1: must be greater than or equal to 0'],
    ['data', undefined, 'data: Required value: data is mandatory'],
  ],
  update: [
    ['data', { a: 2 }, 'data: Invalid value: {"a":2}: field is immutable'],
  ],
});
