/** What bindings of validating and of mutating policies share. */
import { validateDns1123Subdomain } from '../../apimachinery/names.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { nameErrors } from '../checks.ts';
import type { MatchResources, ParamRef } from '../generated/admissionregistration.ts';
import { defaultMatch, defaultParamRef, matchErrors, paramRefErrors } from './match.ts';

interface BindingSpec {
  policyName?: string;
  paramRef?: ParamRef;
  matchResources?: MatchResources;
}

export function defaultBinding(spec: BindingSpec): void {
  defaultParamRef(spec.paramRef);
  defaultMatch(spec.matchResources);
}

export const bindingErrors = ({ policyName, paramRef, matchResources }: BindingSpec): FieldError[] => [
  ...(policyName ? nameErrors('spec.policyName', policyName, validateDns1123Subdomain) : [fieldError.required('spec.policyName')]),
  ...paramRefErrors('spec.paramRef', paramRef),
  // The misspelling is Kubernetes' own, and what people search for.
  ...matchErrors('spec.matchResouces', matchResources),
];
