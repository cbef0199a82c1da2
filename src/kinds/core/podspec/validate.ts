/** Validation of a pod's spec, wherever it stands (k8s.io/kubernetes/pkg/apis/core/validation). */
import { validateDns1123Subdomain } from '../../../apimachinery/names.ts';
import { fieldError, type FieldError } from '../../../apimachinery/status.ts';
import { nameErrors, nonNegativeQuantity, oneOf } from '../../checks.ts';
import type { PodSpec } from '../../generated/core.ts';
import { validateClaims } from './claims.ts';
import { validateContainers } from './containers.ts';
import { validatePodNetwork } from './network.ts';
import { validateOs } from './os.ts';
import { validatePodResources } from './resources.ts';
import { validateScheduling } from './scheduling.ts';
import { validatePodSecurity } from './security.ts';
import { validateVolumes } from './volumes.ts';

const MAX_DEADLINE = 2 ** 31 - 1;
const NAMES = ['serviceAccountName', 'nodeName', 'priorityClassName', 'runtimeClassName'] as const;

/** Everything wrong with a spec that has its defaults; `field` is `spec` or `spec.template.spec`. */
export function validatePodSpec(field: string, spec: PodSpec): FieldError[] {
  const deadline = spec.activeDeadlineSeconds;
  return [
    ...validateVolumes(`${field}.volumes`, spec.volumes ?? []),
    ...validateContainers(field, spec),
    ...oneOf(`${field}.restartPolicy`, spec.restartPolicy, ['Always', 'OnFailure', 'Never']),
    ...validatePodNetwork(field, spec),
    ...validatePodSecurity(field, spec),
    ...validateScheduling(field, spec),
    ...NAMES.flatMap((name) => {
      const value = spec[name];
      return value ? nameErrors(`${field}.${name}`, value, validateDns1123Subdomain) : [];
    }),
    ...(deadline !== undefined && (deadline < 1 || deadline > MAX_DEADLINE)
      ? [fieldError.invalid(`${field}.activeDeadlineSeconds`, deadline, `must be between 1 and ${MAX_DEADLINE}, inclusive`)] : []),
    ...oneOf(`${field}.preemptionPolicy`, spec.preemptionPolicy, ['PreemptLowerPriority', 'Never']),
    ...validateClaims(`${field}.resourceClaims`, spec.resourceClaims ?? []),
    ...Object.entries(spec.overhead ?? {}).flatMap(([name, value]) => nonNegativeQuantity(`${field}.overhead[${name}]`, value)),
    ...validatePodResources(`${field}.resources`, spec),
    ...validateOs(field, spec),
  ];
}
