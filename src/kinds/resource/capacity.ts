/** How much of a device may be asked for, where several claims share it. Amounts are compared exactly, in milli-units. */
import { compareQuantities, quantityToMilli } from '../../apimachinery/quantity.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import type { CapacityRequestPolicy, CapacityRequestPolicyRange, DeviceCapacity } from '../generated/resource.ts';

const MAX_OPTIONS = 10;

function valuesErrors(field: string, values: readonly string[], chosen: string, capacity: string): FieldError[] {
  if (values.length > MAX_OPTIONS) {
    return [fieldError.tooMany(field, values.length, MAX_OPTIONS)];
  }
  return [
    ...values.flatMap((value, index) => (index > 0 && compareQuantities(values[index - 1] ?? value, value) > 0
      ? [fieldError.invalid(`${field}[${index}]`, value, 'values must be sorted in ascending order')] : [])),
    ...values.flatMap((value, index) => (compareQuantities(value, capacity) > 0
      ? [fieldError.invalid(`${field}[${index}]`, value, `option is larger than capacity value: ${capacity}`)] : [])),
    ...values.flatMap((value, index) => (values.slice(0, index).some((other) => compareQuantities(other, value) === 0)
      ? [fieldError.duplicate(`${field}[${index}]`, value)] : [])),
    ...(values.some((value) => compareQuantities(value, chosen) === 0) ? []
      : [fieldError.invalid(field, chosen, 'default value is not valid according to the requestPolicy')]),
  ];
}

function stepErrors(field: string, { min, max, step }: CapacityRequestPolicyRange, chosen: string, capacity: string): FieldError[] {
  if (step === undefined) {
    return [];
  }
  if (compareQuantities(step, '0') <= 0) {
    return [fieldError.invalid(field, step, 'must be greater than zero')];
  }
  const [from, stride] = [quantityToMilli(min), quantityToMilli(step)];
  const off = (value: string): FieldError[] => ((quantityToMilli(value) - from) % stride === 0 ? []
    : [fieldError.invalid(field, value, `value is not a multiple of a given step (${step}) from (${min})`)]);
  return [
    ...(from + stride > quantityToMilli(capacity)
      ? [fieldError.invalid(field, step, `one step ${(from + stride) / 1000} is larger than capacity value: ${capacity}`)] : []),
    ...off(chosen), ...(max === undefined ? [] : off(max)),
  ];
}

function rangeErrors(field: string, range: CapacityRequestPolicyRange, chosen: string, capacity: string): FieldError[] {
  const { min, max } = range;
  if (min === undefined) {
    return [fieldError.required(`${field}.min`, 'required when validRange is defined')];
  }
  const errors = compareQuantities(min, capacity) > 0 ? [fieldError.invalid(`${field}.min`, min, `min is larger than capacity value: ${capacity}`)] : [];
  if (compareQuantities(chosen, min) < 0) {
    errors.push(fieldError.invalid(`${field}.default`, chosen, `default is less than min: ${min}`));
  }
  if (max !== undefined) {
    errors.push(
      ...(compareQuantities(min, max) > 0 ? [fieldError.invalid(`${field}.max`, min, `min is larger than max: ${max}`)] : []),
      ...(compareQuantities(max, capacity) > 0 ? [fieldError.invalid(`${field}.max`, max, `max is larger than capacity value: ${capacity}`)] : []),
      ...(compareQuantities(chosen, max) > 0 ? [fieldError.invalid(`${field}.default`, chosen, `default is more than max: ${max}`)] : []),
    );
  }
  return [...errors, ...stepErrors(`${field}.step`, range, chosen, capacity)];
}

function policyErrors(field: string, policy: CapacityRequestPolicy, capacity: string): FieldError[] {
  const { default: chosen, validValues = [], validRange } = policy;
  if (validValues.length > 0 && validRange !== undefined) {
    return [fieldError.forbidden(field, 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time')];
  }
  if (validValues.length > 0) {
    return chosen === undefined ? [fieldError.required(`${field}.default`, 'required when validValues is defined')]
      : valuesErrors(`${field}.validValues`, validValues, chosen, capacity);
  }
  if (validRange === undefined) {
    return [];
  }
  return chosen === undefined ? [fieldError.required(`${field}.default`, 'required when validRange is defined')]
    : rangeErrors(`${field}.validRange`, validRange, chosen, capacity);
}

export function capacityErrors(field: string, { value = '0', requestPolicy }: Partial<DeviceCapacity>, shared: boolean): FieldError[] {
  if (requestPolicy === undefined) {
    return [];
  }
  return shared ? policyErrors(`${field}.requestPolicy`, requestPolicy, value)
    : [fieldError.forbidden(`${field}.requestPolicy`, 'allowMultipleAllocations must be true')];
}
