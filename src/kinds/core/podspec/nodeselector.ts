/** Validation of what selects nodes by their labels: pods, volumes and devices say it alike. */
import { validateQualifiedName } from '../../../apimachinery/names.ts';
import { fieldError, type FieldError } from '../../../apimachinery/status.ts';
import { nameErrors } from '../../checks.ts';
import type { NodeSelector, NodeSelectorRequirement, NodeSelectorTerm } from '../../generated/core.ts';

function nodeRequirement(field: string, { key, operator, values = [] }: NodeSelectorRequirement, isField: boolean): FieldError[] {
  const errors: FieldError[] = [];
  switch (operator) {
    case 'In': case 'NotIn':
      if (values.length === 0) {
        errors.push(fieldError.required(`${field}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
      }
      break;
    case 'Exists': case 'DoesNotExist':
      if (values.length > 0) {
        errors.push(fieldError.forbidden(`${field}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
      }
      break;
    case 'Gt': case 'Lt':
      if (values.length !== 1) {
        errors.push(fieldError.required(`${field}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
      }
      break;
    default:
      errors.push(fieldError.invalid(`${field}.operator`, operator ?? '', 'not a valid selector operator'));
  }
  if (isField) {
    return key === 'metadata.name' ? errors : [...errors, fieldError.invalid(`${field}.key`, key ?? '', 'not a valid field selector key')];
  }
  return [...errors, ...nameErrors(`${field}.key`, key ?? '', validateQualifiedName)];
}

export const nodeTermErrors = (field: string, term: NodeSelectorTerm): FieldError[] => [
  ...(term.matchExpressions ?? []).flatMap((one, index) => nodeRequirement(`${field}.matchExpressions[${index}]`, one, false)),
  ...(term.matchFields ?? []).flatMap((one, index) => nodeRequirement(`${field}.matchFields[${index}]`, one, true)),
];

/** At least one term, and each as it must be. */
export function validateNodeSelector(field: string, selector: Partial<NodeSelector>): FieldError[] {
  const terms = selector.nodeSelectorTerms ?? [];
  const path = `${field}.nodeSelectorTerms`;
  return terms.length === 0 ? [fieldError.required(path, 'must have at least one node selector term')]
    : terms.flatMap((term, index) => nodeTermErrors(`${path}[${index}]`, term));
}
