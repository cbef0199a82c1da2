import { setCondition } from '../../apimachinery/conditions.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import { column, NAME } from '../columns.ts';
import { CUSTOM_KINDS } from '../custom.ts';
import type {
  CustomResourceColumnDefinition, CustomResourceDefinition, CustomResourceDefinitionNames, CustomResourceDefinitionSpec,
} from '../generated/apiextensions.ts';
import { defineKind, type AnyKind } from '../kind.ts';
import { keepStatus } from '../strategy.ts';
import { validateDefinition, validateDefinitionStatus, validateDefinitionUpdate, validateNewDefinition } from './validate.ts';

/** Holds a definition until its objects are gone. */
export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';
const WEBHOOK_PORT = 443;

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

/** What `kubectl get crd` lists before anybody has applied anything: a definition for every custom kind that is built in. */
export function customResourceDefinitions(): { metadata: { name: string }; spec: CustomResourceDefinitionSpec }[] {
  return CUSTOM_KINDS.map((kind) => ({ metadata: { name: `${kind.plural}.${kind.group}` }, spec: specOf(kind) }));
}

const storageVersion = (definition: CustomResourceDefinition): string | undefined => definition.spec.versions?.find(({ storage }) => storage)?.name;

/** As in Go, a text that is missing is empty and a flag that is missing is false: validation says what is wrong with that. */
function complete(spec: CustomResourceDefinitionSpec): void {
  spec.group ??= '';
  spec.scope ??= '';
  spec.names ??= { plural: '', kind: '' };
  spec.names.plural ??= '';
  spec.names.kind ??= '';
  spec.versions ??= [];
  for (const version of spec.versions) {
    version.name ??= '';
    version.served ??= false;
    version.storage ??= false;
    version.additionalPrinterColumns?.forEach((one) => { one.jsonPath ??= ''; });
    version.selectableFields?.forEach((one) => { one.jsonPath ??= ''; });
  }
}

function defaults(definition: CustomResourceDefinition): void {
  const spec: CustomResourceDefinitionSpec = definition.spec ?? ({} as Partial<CustomResourceDefinitionSpec> as CustomResourceDefinitionSpec);
  definition.spec = spec;
  complete(spec);
  spec.conversion ??= { strategy: 'None' };
  const service = spec.conversion.webhook?.clientConfig?.service;
  if (service !== undefined) {
    service.port ??= WEBHOOK_PORT;
  }
  spec.names.singular ||= spec.names.kind.toLowerCase();
  spec.names.listKind ||= `${spec.names.kind}List`;
}

/** A new storage version joins those that objects may be stored in. */
function noteStorageVersion(definition: CustomResourceDefinition): void {
  const version = storageVersion(definition);
  const stored = definition.status?.storedVersions ?? [];
  if (version !== undefined && !stored.includes(version)) {
    definition.status = { ...definition.status, storedVersions: [...stored, version] };
  }
}

function markTerminating(definition: CustomResourceDefinition): void {
  const { metadata } = definition;
  metadata.finalizers ??= [];
  if (!metadata.finalizers.includes(CLEANUP_FINALIZER)) {
    metadata.finalizers.push(CLEANUP_FINALIZER);
  }
  const status = definition.status ?? {};
  status.conditions ??= [];
  setCondition(status.conditions, {
    type: 'Terminating', status: 'True', reason: 'InstanceDeletionPending',
    message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
  });
  definition.status = status;
}

export const customResourceDefinition = defineKind<CustomResourceDefinition>({
  group: 'apiextensions.k8s.io', version: 'v1', kind: 'CustomResourceDefinition', plural: 'customresourcedefinitions', singular: 'customresourcedefinition',
  namespaced: false, type: 'apiextensions/v1.CustomResourceDefinition', origin: 'builtin',
  shortNames: ['crd', 'crds'], categories: ['api-extensions'], status: true,
  columns: [NAME, column('Created At', ({ metadata }) => metadata.creationTimestamp ?? '<unknown>', { type: 'date' })],
  rules: {
    defaults,
    prepareCreate(object) {
      const version = storageVersion(object);
      object.status = { acceptedNames: { plural: '', kind: '' }, conditions: [], storedVersions: version === undefined ? [] : [version] };
    },
    prepareUpdate(object, old) {
      keepStatus(object, old);
      if (!deepEqual(object.spec, old.spec)) {
        noteStorageVersion(object);
      }
    },
    prepareDelete: markTerminating,
    validate: validateDefinition,
    // Schemas are checked by the API server, in steps.
    validateCreate: validateNewDefinition,
    validateUpdate: validateDefinitionUpdate,
    validateStatus: validateDefinitionStatus,
  },
});
