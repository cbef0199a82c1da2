/** Who gets which names in a group, and what the conditions of a definition say of it (k8s.io/apiextensions-apiserver/pkg/controller). */
import { findCondition, setCondition } from '../../apimachinery/conditions.ts';
import { deepClone } from '../../apimachinery/values.ts';
import { approval, APPROVED_ANNOTATION } from '../../kinds/apiextensions/validate.ts';
import type { CustomResourceDefinition, CustomResourceDefinitionCondition, CustomResourceDefinitionNames, CustomResourceDefinitionStatus } from '../../kinds/generated/apiextensions.ts';

/** Names that are taken in one group: resources (plurals, singulars, short names) and kinds (list kinds too). */
export interface TakenNames {
  readonly resources: Set<string>;
  readonly kinds: Set<string>;
}

export const noNames = (): TakenNames => ({ resources: new Set(), kinds: new Set() });

export function take(taken: TakenNames, names: CustomResourceDefinitionNames | undefined): void {
  for (const name of [names?.plural, names?.singular, ...names?.shortNames ?? []]) {
    if (name !== undefined && name !== '') {
      taken.resources.add(name);
    }
  }
  for (const name of [names?.kind, names?.listKind]) {
    if (name !== undefined && name !== '') {
      taken.kinds.add(name);
    }
  }
}

interface Conflict {
  readonly reason: string;
  readonly message: string;
}

interface Accepted {
  readonly names: CustomResourceDefinitionNames;
  readonly conflict: Conflict | undefined;
}

const inUse = (names: readonly string[]): string => {
  const texts = names.map((name) => `${JSON.stringify(name)} is already in use`);
  return texts.length === 1 ? texts[0] ?? '' : `[${texts.join(', ')}]`;
};

/** What is wanted as far as it is free; what was accepted before stays where it is not. */
function accept(wanted: CustomResourceDefinitionNames, before: CustomResourceDefinitionNames | undefined, taken: TakenNames): Accepted {
  const names: CustomResourceDefinitionNames = { ...before, plural: before?.plural ?? '', kind: before?.kind ?? '' };
  let conflict: Conflict | undefined;
  const settle = (reason: string, set: ReadonlySet<string>, wantedNames: readonly string[], assign: () => void): void => {
    const used = wantedNames.filter((name) => name !== '' && set.has(name));
    if (used.length === 0) {
      assign();
    } else {
      conflict = { reason, message: inUse(used) };
    }
  };
  settle('PluralConflict', taken.resources, [wanted.plural], () => { names.plural = wanted.plural; });
  settle('SingularConflict', taken.resources, [wanted.singular ?? ''], () => { names.singular = wanted.singular ?? ''; });
  settle('ShortNamesConflict', taken.resources, wanted.shortNames ?? [], () => {
    if (wanted.shortNames === undefined) { delete names.shortNames; } else { names.shortNames = [...wanted.shortNames]; }
  });
  settle('KindConflict', taken.kinds, [wanted.kind], () => { names.kind = wanted.kind; });
  settle('ListKindConflict', taken.kinds, [wanted.listKind ?? ''], () => { names.listKind = wanted.listKind ?? ''; });
  if (wanted.categories === undefined) { delete names.categories; } else { names.categories = [...wanted.categories]; }
  return { names, conflict };
}

const PROTECTION = 'protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111';

function approvalCondition(definition: CustomResourceDefinition): CustomResourceDefinitionCondition | undefined {
  const type = 'KubernetesAPIApprovalPolicyConformant';
  const annotation = definition.metadata.annotations?.[APPROVED_ANNOTATION] ?? '';
  switch (approval(definition)) {
    case 'unprotected': return undefined;
    case 'approved': return { type, status: 'True', reason: 'ApprovedAnnotation', message: `approved in ${annotation}` };
    case 'unapproved': return { type, status: 'False', reason: 'UnapprovedAnnotation', message: `not approved: ${JSON.stringify(annotation)}` };
    case 'missing': return { type, status: 'False', reason: 'MissingAnnotation', message: PROTECTION };
    default: return { type, status: 'False', reason: 'InvalidAnnotation', message: PROTECTION };
  }
}

export const isTrue = (status: CustomResourceDefinitionStatus | undefined, type: string): boolean => findCondition(status?.conditions, type)?.status === 'True';

/** The status a definition should have, given the names others of its group hold. A new object; `definition` is not changed. */
export function statusOf(definition: CustomResourceDefinition, taken: TakenNames): CustomResourceDefinitionStatus {
  const status: CustomResourceDefinitionStatus = deepClone(definition.status ?? {});
  const conditions = status.conditions ?? [];
  const { names, conflict } = accept(definition.spec.names, status.acceptedNames, taken);
  status.acceptedNames = names;
  const approved = approvalCondition(definition);
  if (approved !== undefined) {
    setCondition(conditions, approved);
  }
  setCondition(conditions, conflict === undefined
    ? { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' }
    : { type: 'NamesAccepted', status: 'False', ...conflict });
  if (findCondition(conditions, 'Established')?.status !== 'True') {
    setCondition(conditions, conflict === undefined
      ? { type: 'Established', status: 'True', reason: 'InitialNamesAccepted', message: 'the initial names have been accepted' }
      : { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' });
  }
  status.conditions = conditions;
  return status;
}
