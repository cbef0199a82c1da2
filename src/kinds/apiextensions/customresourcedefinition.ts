import { formatTime } from '../../apimachinery/object.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { immutable, requiredOneOf } from '../checks.ts';
import { column, NAME } from '../columns.ts';
import { CUSTOM_KINDS } from '../custom.ts';
import type {
  CustomResourceColumnDefinition, CustomResourceDefinition, CustomResourceDefinitionNames, CustomResourceDefinitionSpec, CustomResourceDefinitionStatus,
} from '../generated/apiextensions.ts';
import { defineKind, type AnyKind } from '../kind.ts';
import { keepStatus } from '../strategy.ts';

const namesOf = (kind: AnyKind): CustomResourceDefinitionNames => ({
  plural: kind.plural, singular: kind.singular, kind: kind.kind, listKind: `${kind.kind}List`,
  ...(kind.shortNames === undefined ? {} : { shortNames: [...kind.shortNames] }),
  ...(kind.categories === undefined ? {} : { categories: [...kind.categories] }),
});

const printerColumns = (kind: AnyKind): CustomResourceColumnDefinition[] =>
  kind.columns.flatMap(({ name, type, priority, description, jsonPath }) => (jsonPath === undefined ? []
    : [{ name, type, jsonPath, ...(priority === undefined ? {} : { priority }), ...(description === undefined ? {} : { description }) }]));

function specOf(kind: AnyKind): CustomResourceDefinitionSpec {
  return {
    group: kind.group, names: namesOf(kind), scope: kind.namespaced ? 'Namespaced' : 'Cluster', conversion: { strategy: 'None' },
    versions: [{
      name: kind.version, served: true, storage: true,
      // Objects are checked against the tables of this program, whatever a definition says.
      schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      ...(kind.status === true ? { subresources: { status: {} } } : {}),
      additionalPrinterColumns: printerColumns(kind),
    }],
  };
}

/** What `kubectl get crd` lists before anybody has applied anything: a definition for every custom kind that is served. */
export function customResourceDefinitions(): { metadata: { name: string }; spec: CustomResourceDefinitionSpec }[] {
  return CUSTOM_KINDS.map((kind) => ({ metadata: { name: `${kind.plural}.${kind.group}` }, spec: specOf(kind) }));
}

const servedAs = ({ spec }: CustomResourceDefinition): AnyKind | undefined =>
  CUSTOM_KINDS.find(({ group, plural, kind }) => group === spec.group && plural === spec.names?.plural && kind === spec.names.kind);

function validate(definition: CustomResourceDefinition): FieldError[] {
  const { metadata, spec } = definition;
  const name = `${spec.names?.plural ?? ''}.${spec.group ?? ''}`;
  const versions = spec.versions ?? [];
  const errors: FieldError[] = [];
  if (metadata.name !== name) {
    errors.push(fieldError.invalid('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group'));
  }
  if (versions.filter(({ storage }) => storage).length !== 1) {
    errors.push(fieldError.invalid('spec.versions', versions.map((one) => one.name), 'must have exactly one version marked as storage version'));
  }
  errors.push(...requiredOneOf('spec.scope', spec.scope, ['Cluster', 'Namespaced']));
  if (servedAs(definition) === undefined) {
    errors.push(fieldError.forbidden('spec.names', `this server serves only the custom resources it was built with: ${CUSTOM_KINDS.map(({ plural, group }) => `${plural}.${group}`).join(', ')}`));
  }
  return errors;
}

function statusOf(definition: CustomResourceDefinition): CustomResourceDefinitionStatus {
  const lastTransitionTime = formatTime();
  return {
    acceptedNames: definition.spec.names,
    storedVersions: (definition.spec.versions ?? []).filter(({ storage }) => storage).map(({ name }) => name),
    conditions: [
      { type: 'NamesAccepted', status: 'True', lastTransitionTime, reason: 'NoConflicts', message: 'no conflicts found' },
      { type: 'Established', status: 'True', lastTransitionTime, reason: 'InitialNamesAccepted', message: 'the initial names have been accepted' },
    ],
  };
}

function defaults(definition: CustomResourceDefinition): void {
  // What is missing is for validation to name.
  const spec: CustomResourceDefinitionSpec = definition.spec ?? ({} as Partial<CustomResourceDefinitionSpec> as CustomResourceDefinitionSpec);
  definition.spec = spec;
  spec.conversion ??= { strategy: 'None' };
  if (spec.names !== undefined) {
    spec.names.singular ||= (spec.names.kind ?? '').toLowerCase();
    spec.names.listKind ||= `${spec.names.kind ?? ''}List`;
  }
}

export const customResourceDefinition = defineKind<CustomResourceDefinition>({
  group: 'apiextensions.k8s.io', version: 'v1', kind: 'CustomResourceDefinition', plural: 'customresourcedefinitions', singular: 'customresourcedefinition',
  namespaced: false, type: 'apiextensions/v1.CustomResourceDefinition', origin: 'builtin',
  shortNames: ['crd', 'crds'], categories: ['api-extensions'], status: true,
  // The kinds stay served whatever is written here, so a definition cannot be taken away.
  verbs: ['create', 'get', 'list', 'watch', 'update', 'patch'],
  columns: [NAME, column('Created At', ({ metadata }) => metadata.creationTimestamp ?? '<unknown>')],
  rules: {
    defaults,
    prepareCreate(object) { object.status = statusOf(object); },
    prepareUpdate: keepStatus,
    validate,
    validateUpdate: (object, old) => immutable('spec.scope', object.spec.scope, old.spec.scope),
  },
});
