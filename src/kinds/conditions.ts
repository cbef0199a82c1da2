/** Checks of meta/v1 conditions, which many statuses hold. */
import { validateQualifiedName } from '../apimachinery/names.ts';
import { fieldError, type FieldError } from '../apimachinery/status.ts';
import { duplicates, nameErrors } from './checks.ts';
import type { Condition } from './generated/meta.ts';

export const CONDITION_STATUSES = ['False', 'True', 'Unknown'];
const MAX_REASON = 1024;
const MAX_MESSAGE = 32 * 1024;
const REASON = /^[A-Za-z](?:[A-Za-z0-9_,:]*[A-Za-z0-9_])?$/;
const REASON_WORDS = "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with "
  + "an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is "
  + "'[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')";

function reasonErrors(field: string, reason: string): FieldError[] {
  if (reason === '') {
    return [fieldError.required(field, 'must be set')];
  }
  return [...(REASON.test(reason) ? [] : [fieldError.invalid(field, reason, REASON_WORDS)]), ...(reason.length > MAX_REASON ? [fieldError.tooLong(field, MAX_REASON)] : [])];
}

function conditionErrors(field: string, { type = '', status = '', observedGeneration = 0, lastTransitionTime, reason = '', message = '' }: Partial<Condition>): FieldError[] {
  return [
    ...nameErrors(`${field}.type`, type, validateQualifiedName),
    ...(CONDITION_STATUSES.includes(status) ? [] : [fieldError.notSupported(`${field}.status`, status, CONDITION_STATUSES)]),
    ...(observedGeneration < 0 ? [fieldError.invalid(`${field}.observedGeneration`, observedGeneration, 'must be greater than or equal to zero')] : []),
    ...(lastTransitionTime ? [] : [fieldError.required(`${field}.lastTransitionTime`, 'must be set')]),
    ...reasonErrors(`${field}.reason`, reason),
    ...(message.length > MAX_MESSAGE ? [fieldError.tooLong(`${field}.message`, MAX_MESSAGE)] : []),
  ];
}

export const conditionsErrors = (field: string, conditions: readonly Condition[] = []): FieldError[] => [
  ...duplicates(conditions.map(({ type }) => type ?? ''), (index) => `${field}[${index}].type`),
  ...conditions.flatMap((one, index) => conditionErrors(`${field}[${index}]`, one)),
];
