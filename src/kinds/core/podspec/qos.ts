/** The quality-of-service class that a pod's requests and limits make. */
import { compareQuantities } from '../../../apimachinery/quantity.ts';
import type { Container, PodSpec } from '../../generated/core.ts';

const COUNTED = ['cpu', 'memory'] as const;

const isSet = (value: string | undefined): value is string => value !== undefined && compareQuantities(value, '0') > 0;

function isGuaranteed({ resources }: Container): boolean {
  return COUNTED.every((name) => {
    const limit = resources?.limits?.[name];
    const request = resources?.requests?.[name] ?? limit;
    return isSet(limit) && request !== undefined && compareQuantities(request, limit) === 0;
  });
}

const asksNothing = ({ resources }: Container): boolean =>
  COUNTED.every((name) => !isSet(resources?.limits?.[name]) && !isSet(resources?.requests?.[name]));

export function qosClass(spec: PodSpec): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const containers = [...spec.containers, ...spec.initContainers ?? []];
  if (containers.every(asksNothing)) {
    return 'BestEffort';
  }
  return containers.every(isGuaranteed) ? 'Guaranteed' : 'Burstable';
}
