/** The rules of the small groups, one by one: node.k8s.io, policy, rbac, scheduling, coordination. */
import { runtimeClass } from './node/runtimeclass.ts';
import { podDisruptionBudget } from './policy/poddisruptionbudget.ts';
import { clusterRole } from './rbac/clusterrole.ts';
import { role } from './rbac/role.ts';
import { roleBinding } from './rbac/rolebinding.ts';
import { clusterRoleBinding } from './rbac/clusterrolebinding.ts';
import { priorityClass } from './scheduling/priorityclass.ts';
import { lease } from './coordination/lease.ts';
import { LABEL, QUALIFIED, testRules } from './ruletable.ts';

testRules(runtimeClass, {
  base: { handler: 'runc' },
  create: [
    ['handler', 'A', `handler: Invalid value: "A": ${LABEL}`],
    ['scheduling', { nodeSelector: { 'a b': '-' } },
      `scheduling.nodeSelector: Invalid value: "a b": ${QUALIFIED}`,
      "scheduling.nodeSelector: Invalid value: \"-\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"],
    ['overhead', { podFixed: { cpu: '-1' } }, 'overhead.podFixed[cpu]: Invalid value: "-1": must be greater than or equal to 0'],
    ['scheduling', { tolerations: [{ operator: 'Near' }] },
      'scheduling.tolerations[0].operator: Invalid value: "Near": operator must be Exists when `key` is empty, which means "match all values and all keys"',
      'scheduling.tolerations[0].operator: Unsupported value: "Near": supported values: "Equal", "Exists"'],
  ],
  update: [
    ['handler', 'crun', 'handler: Invalid value: "crun": field is immutable'],
  ],
});

testRules(podDisruptionBudget, {
  base: { spec: { minAvailable: 1 } },
  create: [
    ['spec.minAvailable', 'x%',
      "spec.minAvailable: Invalid value: \"x%\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"],
    ['spec.minAvailable', -1, 'spec.minAvailable: Invalid value: -1: must be greater than or equal to 0'],
    ['spec.maxUnavailable', 1, 'spec: Invalid value: {"minAvailable":1,"maxUnavailable":1}: minAvailable and maxUnavailable cannot be both set'],
    ['spec.selector', { matchLabels: { '-': '' } }, `spec.selector.matchLabels: Invalid value: "-": ${QUALIFIED}`],
    ['spec.unhealthyPodEvictionPolicy', 'Maybe', 'spec.unhealthyPodEvictionPolicy: Unsupported value: "Maybe": supported values: "AlwaysAllow", "IfHealthyBudget"'],
  ],
  status: [
    ['status.disruptionsAllowed', -1, 'status.disruptionsAllowed: Invalid value: -1: must be greater than or equal to 0'],
    ['status.expectedPods', -1, 'status.expectedPods: Invalid value: -1: must be greater than or equal to 0'],
    ['status.conditions', [{ type: 'a b', status: 'Maybe' }],
      `status.conditions[0].type: Invalid value: "a b": ${QUALIFIED}`,
      'status.conditions[0].status: Unsupported value: "Maybe": supported values: "False", "True", "Unknown"',
      'status.conditions[0].lastTransitionTime: Required value: must be set',
      'status.conditions[0].reason: Required value: must be set'],
    ['status.conditions', [{ type: 'A', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z', reason: 'Good', message: '' }, { type: 'A', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z', reason: 'Good', message: '' }],
      'status.conditions[1].type: Duplicate value: "A"'],
    ['status.conditions', [{ type: 'A', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z', reason: '_', message: '' }],
      "status.conditions[0].reason: Invalid value: \"_\": a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')"],
    ['status.conditions', [{ type: 'A', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z', reason: 'Good', message: '', observedGeneration: -1 }],
      'status.conditions[0].observedGeneration: Invalid value: -1: must be greater than or equal to zero'],
  ],
});

testRules(clusterRole, {
  base: { rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }] },
  create: [
    ['rules.0.verbs', [], 'rules[0].verbs: Required value: verbs must contain at least one value'],
    ['rules.0.apiGroups', [], 'rules[0].apiGroups: Required value: resource rules must supply at least one api group'],
    ['rules.0.resources', [], 'rules[0].resources: Required value: resource rules must supply at least one resource'],
    ['rules.0.nonResourceURLs', ['/a'], 'rules[0].nonResourceURLs: Invalid value: ["/a"]: rules cannot apply to both regular resources and non-resource URLs'],
    ['aggregationRule', {}, 'aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil'],
    ['aggregationRule', { clusterRoleSelectors: [{ matchLabels: { '-': '' } }] },
      `aggregationRule.clusterRoleSelectors[0].matchLabels: Invalid value: "-": ${QUALIFIED}`],
  ],
});

testRules(role, {
  base: { rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }] },
  create: [
    ['rules', [{ verbs: ['get'], nonResourceURLs: ['/a'] }], 'rules[0].nonResourceURLs: Invalid value: ["/a"]: namespaced rules cannot apply to non-resource URLs'],
  ],
});

testRules(roleBinding, {
  base: { roleRef: { kind: 'Role', name: 'r' }, subjects: [{ kind: 'User', name: 'jane' }] },
  create: [
    ['roleRef.kind', 'Pod', 'roleRef.kind: Unsupported value: "Pod": supported values: "Role", "ClusterRole"'],
    ['roleRef.name', '', 'roleRef.name: Required value'],
    ['roleRef.name', 'a/b', "roleRef.name: Invalid value: \"a/b\": may not contain '/'"],
    ['roleRef.apiGroup', 'x', 'roleRef.apiGroup: Unsupported value: "x": supported values: "rbac.authorization.k8s.io"'],
    ['subjects.0.kind', 'Robot', 'subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"'],
    ['subjects.0.name', '', 'subjects[0].name: Required value'],
    ['subjects.0.apiGroup', 'x', 'subjects[0].apiGroup: Unsupported value: "x": supported values: "rbac.authorization.k8s.io"'],
    ['subjects', [{ kind: 'ServiceAccount', name: 'a', apiGroup: 'x' }], 'subjects[0].apiGroup: Unsupported value: "x": supported values: ""'],
  ],
  update: [
    ['roleRef.name', 's', 'roleRef: Invalid value: {"kind":"Role","name":"s","apiGroup":"rbac.authorization.k8s.io"}: cannot change roleRef'],
  ],
});

testRules(clusterRoleBinding, {
  base: { roleRef: { kind: 'ClusterRole', name: 'r' } },
  create: [
    ['roleRef.kind', 'Role', 'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"'],
    ['subjects', [{ kind: 'ServiceAccount', name: 'a' }], 'subjects[0].namespace: Required value'],
  ],
});

testRules(priorityClass, {
  base: { value: 1 },
  create: [
    ['value', 1000000001, 'value: Forbidden: maximum allowed value of a user defined priority is 1000000000'],
    ['preemptionPolicy', 'Sometimes', 'preemptionPolicy: Unsupported value: "Sometimes": supported values: "Never", "PreemptLowerPriority"'],
    ['metadata', { name: 'system-mine' },
      "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: not a known system priority class"],
  ],
  update: [
    ['value', 2, 'value: Forbidden: may not be changed in an update.'],
    ['preemptionPolicy', 'Never', 'preemptionPolicy: Invalid value: "Never": field is immutable'],
  ],
});

testRules(lease, {
  base: { spec: {} },
  create: [
    ['spec.leaseDurationSeconds', 0, 'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0'],
    ['spec.leaseTransitions', -1, 'spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0'],
  ],
});
