/** Validation of what steers a pod to its node: selectors, affinity, tolerations, spread. */
import { validateLabels } from '../../../apimachinery/objectmeta.ts';
import { validateLabelValue, validateQualifiedName } from '../../../apimachinery/names.ts';
import { fieldError, type FieldError } from '../../../apimachinery/status.ts';
import { duplicates, labelSelector, nameErrors, oneOf, requiredOneOf } from '../../checks.ts';
import type { Affinity, NodeAffinity, PodAffinity, PodAffinityTerm, PodSpec, Toleration, TopologySpreadConstraint } from '../../generated/core.ts';
import { nodeTermErrors, validateNodeSelector } from './nodeselector.ts';

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

function toleration(field: string, one: Toleration): FieldError[] {
  const errors = one.key ? nameErrors(`${field}.key`, one.key, validateQualifiedName) : [];
  if (!one.key && one.operator !== 'Exists') {
    errors.push(fieldError.invalid(`${field}.operator`, one.operator ?? '', 'operator must be Exists when `key` is empty, which means "match all values and all keys"'));
  }
  if (one.tolerationSeconds !== undefined && one.effect !== 'NoExecute') {
    errors.push(fieldError.invalid(`${field}.effect`, one.effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set"));
  }
  const operator = one.operator || 'Equal';
  if (operator === 'Equal') {
    errors.push(...nameErrors(`${field}.operator`, one.value ?? '', validateLabelValue));
  } else if (operator === 'Exists') {
    if (one.value) {
      errors.push(fieldError.invalid(`${field}.operator`, one.value, "value must be empty when `operator` is 'Exists'"));
    }
  } else {
    errors.push(fieldError.notSupported(`${field}.operator`, operator, ['Equal', 'Exists']));
  }
  return [...errors, ...oneOf(`${field}.effect`, one.effect, EFFECTS)];
}

export const validateTolerations = (field: string, tolerations: readonly Toleration[] | undefined): FieldError[] =>
  (tolerations ?? []).flatMap((one, index) => toleration(`${field}[${index}]`, one));

function weight(field: string, value: number | undefined): FieldError[] {
  return value !== undefined && value >= 1 && value <= 100 ? [] : [fieldError.invalid(field, value ?? 0, 'must be in the range 1-100')];
}

function nodeAffinity(field: string, affinity: NodeAffinity): FieldError[] {
  const required = affinity.requiredDuringSchedulingIgnoredDuringExecution;
  return [
    ...(required === undefined ? [] : validateNodeSelector(`${field}.requiredDuringSchedulingIgnoredDuringExecution`, required)),
    ...(affinity.preferredDuringSchedulingIgnoredDuringExecution ?? []).flatMap((one, index) => {
      const at = `${field}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
      return [...weight(`${at}.weight`, one.weight), ...nodeTermErrors(`${at}.preference`, one.preference ?? {})];
    }),
  ];
}

function podTerm(field: string, term: PodAffinityTerm): FieldError[] {
  return [
    ...labelSelector(`${field}.labelSelector`, term.labelSelector),
    ...labelSelector(`${field}.namespaceSelector`, term.namespaceSelector),
    ...(term.topologyKey ? nameErrors(`${field}.topologyKey`, term.topologyKey, validateQualifiedName) : [fieldError.required(`${field}.topologyKey`, 'can not be empty')]),
  ];
}

const podAffinity = (field: string, affinity: PodAffinity): FieldError[] => [
  ...(affinity.requiredDuringSchedulingIgnoredDuringExecution ?? []).flatMap((term, index) =>
    podTerm(`${field}.requiredDuringSchedulingIgnoredDuringExecution[${index}]`, term)),
  ...(affinity.preferredDuringSchedulingIgnoredDuringExecution ?? []).flatMap((one, index) => {
    const at = `${field}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
    return [...weight(`${at}.weight`, one.weight), ...podTerm(`${at}.podAffinityTerm`, one.podAffinityTerm ?? { topologyKey: '' })];
  }),
];

export function validateAffinity(field: string, affinity: Affinity | undefined): FieldError[] {
  return [
    ...(affinity?.nodeAffinity === undefined ? [] : nodeAffinity(`${field}.nodeAffinity`, affinity.nodeAffinity)),
    ...(affinity?.podAffinity === undefined ? [] : podAffinity(`${field}.podAffinity`, affinity.podAffinity)),
    ...(affinity?.podAntiAffinity === undefined ? [] : podAffinity(`${field}.podAntiAffinity`, affinity.podAntiAffinity)),
  ];
}

const INCLUSION = ['Honor', 'Ignore'];

function domainErrors(path: string, one: TopologySpreadConstraint): FieldError[] {
  const { minDomains, whenUnsatisfiable, nodeAffinityPolicy, nodeTaintsPolicy, matchLabelKeys = [], labelSelector: selector } = one;
  const errors: FieldError[] = [];
  if (minDomains !== undefined && minDomains <= 0) {
    errors.push(fieldError.invalid(`${path}.minDomains`, minDomains, 'must be greater than zero'));
  }
  if (minDomains !== undefined && whenUnsatisfiable !== 'DoNotSchedule') {
    errors.push(fieldError.invalid(`${path}.minDomains`, minDomains, `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`));
  }
  errors.push(...oneOf(`${path}.nodeAffinityPolicy`, nodeAffinityPolicy, INCLUSION), ...oneOf(`${path}.nodeTaintsPolicy`, nodeTaintsPolicy, INCLUSION));
  if (matchLabelKeys.length > 0 && selector === undefined) {
    errors.push(fieldError.forbidden(`${path}.matchLabelKeys`, 'must not be specified when labelSelector is not set'));
  }
  const selected = new Set([...Object.keys(selector?.matchLabels ?? {}), ...(selector?.matchExpressions ?? []).map(({ key }) => key)]);
  for (const [index, key] of matchLabelKeys.entries()) {
    errors.push(...nameErrors(`${path}.matchLabelKeys[${index}]`, key, validateQualifiedName));
    if (selected.has(key)) {
      errors.push(fieldError.invalid(`${path}.matchLabelKeys[${index}]`, key, 'exists in both matchLabelKeys and labelSelector'));
    }
  }
  return errors;
}

function spread(field: string, constraints: readonly TopologySpreadConstraint[]): FieldError[] {
  const seen = new Set<string>();
  return constraints.flatMap((one, index) => {
    const path = `${field}[${index}]`;
    const errors: FieldError[] = [];
    if (!(one.maxSkew > 0)) {
      errors.push(fieldError.invalid(`${path}.maxSkew`, one.maxSkew ?? 0, 'must be greater than zero'));
    }
    if (!one.topologyKey) {
      errors.push(fieldError.required(`${path}.topologyKey`, 'can not be empty'));
    }
    errors.push(...requiredOneOf(`${path}.whenUnsatisfiable`, one.whenUnsatisfiable, ['DoNotSchedule', 'ScheduleAnyway']));
    const pair = `{${one.topologyKey}, ${one.whenUnsatisfiable}}`;
    if (seen.has(pair)) {
      errors.push(fieldError.duplicate(`${path}.{topologyKey, whenUnsatisfiable}`, pair));
    }
    seen.add(pair);
    return [...errors, ...domainErrors(path, one), ...labelSelector(`${path}.labelSelector`, one.labelSelector)];
  });
}

export function validateScheduling(field: string, spec: PodSpec): FieldError[] {
  return [
    ...validateLabels(spec.nodeSelector, `${field}.nodeSelector`),
    ...validateAffinity(`${field}.affinity`, spec.affinity),
    ...validateTolerations(`${field}.tolerations`, spec.tolerations),
    ...spread(`${field}.topologySpreadConstraints`, spec.topologySpreadConstraints ?? []),
    ...(spec.readinessGates ?? []).flatMap((gate, index) =>
      nameErrors(`${field}.readinessGates[${index}].conditionType`, gate.conditionType ?? '', validateQualifiedName)),
    ...(spec.schedulingGates ?? []).flatMap((gate, index) =>
      nameErrors(`${field}.schedulingGates[${index}]`, gate.name ?? '', validateQualifiedName)),
    ...duplicates((spec.schedulingGates ?? []).map(({ name }) => name ?? ''), (index) => `${field}.schedulingGates[${index}]`),
  ];
}
