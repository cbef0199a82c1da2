/** Kinds from definitions: one of each served version. */
import { simpleSteps } from '../../apimachinery/jsonpath.ts';
import type { JsonObject, KubeObject } from '../../apimachinery/object.ts';
import type { TypeTable } from '../../apimachinery/typetable.ts';
import { deepEqual, isObject } from '../../apimachinery/values.ts';
import type { CustomResourceDefinition, CustomResourceDefinitionNames, CustomResourceDefinitionVersion } from '../../kinds/generated/apiextensions.ts';
import type { AnyKind, CustomType, Rules, ScalePaths } from '../../kinds/kind.ts';
import { columnsOf } from './columns.ts';
import { storageAlias, type Converter, type Versions } from './conversion.ts';
import { isTrue } from './names.ts';
import { customType } from './type.ts';

export interface KindOptions {
  readonly definition: CustomResourceDefinition;
  /** The names that were accepted, which may be fewer than were asked for. */
  readonly names: CustomResourceDefinitionNames;
  readonly types: TypeTable;
  /** See `Versions`. */
  readonly since: number;
  readonly convert: Converter | undefined;
  /** `openAPIV3Schema` of a version, read from where the definition is stored. */
  readRaw(version: string): JsonObject;
  /** Types already compiled whose schemas have not changed. */
  readonly kept: ReadonlyMap<string, CustomType>;
}

const without = (object: KubeObject, ...names: string[]): Record<string, unknown> =>
  Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));

/** A change of anything but metadata, and of the status where that has an endpoint of its own. */
function rulesOf(type: CustomType, hasStatus: boolean): Rules {
  const apart = hasStatus ? ['metadata', 'status'] : ['metadata'];
  return {
    ...(hasStatus ? { prepareCreate: (object: KubeObject): void => { Reflect.deleteProperty(object, 'status'); } } : {}),
    validateCreate: (object) => type.validate(object),
    validateUpdate: (object, old) => type.validate(object, old),
    validateStatus: (object, old) => type.validate(object, old),
    desiredStateChanged: (object, old) => !deepEqual(without(object, ...apart), without(old, ...apart)),
  };
}

function valueAt(object: KubeObject, steps: readonly string[]): string {
  const value = steps.reduce<unknown>((at, step) => (isObject(at) ? at[step] : undefined), object);
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

function selectableFields(version: CustomResourceDefinitionVersion): Record<string, (object: KubeObject) => string> {
  return Object.fromEntries((version.selectableFields ?? []).map(({ jsonPath }) => {
    const steps = simpleSteps(jsonPath) ?? [];
    return [jsonPath.replace(/^\./, ''), (object: KubeObject): string => valueAt(object, steps)];
  }));
}

function scaleOf(version: CustomResourceDefinitionVersion): ScalePaths | undefined {
  const scale = version.subresources?.scale;
  return scale === undefined ? undefined
    : { specReplicas: scale.specReplicasPath, statusReplicas: scale.statusReplicasPath, selector: scale.labelSelectorPath ?? '', custom: true };
}

const deprecationOf = (version: CustomResourceDefinitionVersion, group: string, kind: string): string | undefined =>
  (version.deprecated === true ? version.deprecationWarning ?? `${group}/${version.name} ${kind} is deprecated` : undefined);

function kindOf(options: KindOptions, version: CustomResourceDefinitionVersion, type: CustomType, versions: Versions): AnyKind {
  const { definition: { spec }, names } = options;
  const hasStatus = version.subresources?.status !== undefined;
  const scale = scaleOf(version);
  const deprecation = deprecationOf(version, spec.group, names.kind);
  return {
    group: spec.group, version: version.name, kind: names.kind, plural: names.plural, singular: names.singular ?? names.kind.toLowerCase(),
    listKind: names.listKind ?? `${names.kind}List`, namespaced: spec.scope === 'Namespaced',
    ...(names.shortNames === undefined ? {} : { shortNames: names.shortNames }),
    ...(names.categories === undefined ? {} : { categories: names.categories }),
    ...(deprecation === undefined ? {} : { deprecation }), ...(isTrue(options.definition.status, 'Terminating') ? { terminating: true } : {}),
    ...(hasStatus ? { status: true } : {}), ...(scale === undefined ? {} : { scale }),
    type: `${spec.group}/${version.name}.${names.kind}`, origin: 'custom', custom: type,
    columns: columnsOf(version.additionalPrinterColumns), selectableFields: selectableFields(version),
    storedAs: storageAlias(version.name, versions), rules: rulesOf(type, hasStatus),
  };
}

export interface CustomKinds {
  readonly kinds: readonly AnyKind[];
  /** The kind of the storage version, served or not: what clean-ups work with. */
  readonly stored: AnyKind | undefined;
  readonly types: ReadonlyMap<string, CustomType>;
}

/** The kinds of an established definition. Schemas are read when they are first needed. */
export function customKinds(options: KindOptions): CustomKinds {
  const { definition: { spec, status }, types, kept } = options;
  const compiled = new Map<string, CustomType>();
  for (const { name } of spec.versions) {
    compiled.set(name, kept.get(name) ?? customType({
      group: spec.group, version: name, kind: options.names.kind, types, readRaw: () => options.readRaw(name),
    }));
  }
  const storage = spec.versions.find((version) => version.storage)?.name ?? '';
  const stored = status?.storedVersions ?? [];
  const versions: Versions = {
    group: spec.group, plural: options.names.plural, storage, since: options.since, convert: options.convert,
    several: spec.versions.length > 1 || stored.some((name) => name !== storage), typeOf: (version) => compiled.get(version),
  };
  const all = spec.versions.flatMap((version) => {
    const type = compiled.get(version.name);
    return type === undefined ? [] : [{ version, kind: kindOf(options, version, type, versions) }];
  });
  return {
    kinds: all.filter(({ version }) => version.served).map(({ kind }) => kind), stored: all.find(({ version }) => version.storage)?.kind, types: compiled,
  };
}
