/** Pod templates: what Deployments, ReplicaSets, Jobs and their like make pods from. */
import { acceleratorErrors } from '../../../apimachinery/accelerators.ts';
import { validateAnnotations, validateLabels } from '../../../apimachinery/objectmeta.ts';
import { matchesLabels, selectorFromObject } from '../../../apimachinery/selectors.ts';
import { fieldError, type FieldError } from '../../../apimachinery/status.ts';
import { isEmptySelector, labelSelector } from '../../checks.ts';
import type { PodTemplateSpec } from '../../generated/core.ts';
import type { LabelSelector } from '../../generated/meta.ts';
import { defaultPodSpec } from './defaults.ts';
import { validatePodSpec } from './validate.ts';

/** Fills in what the template leaves out; an absent template becomes an empty one. */
export function defaultTemplate(template: PodTemplateSpec | undefined): PodTemplateSpec {
  const result = template ?? {};
  const spec = result.spec ?? { containers: [] };
  result.spec = spec;
  defaultPodSpec(spec);
  return result;
}

export function validateTemplate(field: string, template: PodTemplateSpec | undefined): FieldError[] {
  return [
    ...validateLabels(template?.metadata?.labels, `${field}.metadata.labels`),
    ...validateAnnotations(template?.metadata?.annotations, `${field}.metadata.annotations`),
    ...validatePodSpec(`${field}.spec`, template?.spec ?? { containers: [] }),
    ...acceleratorErrors(template ?? {}, `${field}.`),
    ...(template?.spec?.ephemeralContainers?.length
      ? [fieldError.forbidden(`${field}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template')] : []),
  ];
}

/** Whose template it is, as messages say it. */
interface Owner {
  kind: string;
  /** Of `empty selector is invalid for …`. */
  word: string;
}

export const REPLICA_OWNER: Owner = { kind: 'ReplicaSet', word: 'deployment' };

/** A selector that is there, well-formed, not empty, and picks the template's own pods. */
export function validateOwnSelector(field: string, selector: LabelSelector | undefined, template: PodTemplateSpec | undefined, owner: Owner = REPLICA_OWNER): FieldError[] {
  const labels = template?.metadata?.labels ?? {};
  const mismatch = fieldError.invalid(`${field}.template.metadata.labels`, labels, '`selector` does not match template `labels`');
  if (selector === undefined) {
    // A selector that is not there matches nothing.
    return [fieldError.required(`${field}.selector`), mismatch];
  }
  const errors = labelSelector(`${field}.selector`, selector);
  if (errors.length > 0) {
    return errors;
  }
  if (isEmptySelector(selector)) {
    return [fieldError.invalid(`${field}.selector`, selector, `empty selector is invalid for ${owner.word}`)];
  }
  return matchesLabels(selectorFromObject(selector), labels) ? [] : [mismatch];
}

/** Workloads whose pods must be replaced when they end. */
export function alwaysRestarts(field: string, template: PodTemplateSpec | undefined, owner: Owner = REPLICA_OWNER): FieldError[] {
  const policy = template?.spec?.restartPolicy;
  return [
    ...(policy === 'Always' || policy === undefined ? [] : [fieldError.notSupported(`${field}.spec.restartPolicy`, policy, ['Always'])]),
    ...(template?.spec?.activeDeadlineSeconds === undefined ? []
      : [fieldError.forbidden(`${field}.spec.activeDeadlineSeconds`, `activeDeadlineSeconds in ${owner.kind} is not Supported`)]),
  ];
}
