/** Server-side apply: `PATCH` with application/apply-patch+yaml, on objects and on their subresources. */
import { contains } from '../../apimachinery/apply/fieldset.ts';
import { ApplyConflict, applyConfiguration, type Application, type Applied } from '../../apimachinery/apply/application.ts';
import type { Writer } from '../../apimachinery/apply/ownership.ts';
import { shapeOfMessage, type Shape } from '../../apimachinery/apply/shape.ts';
import type { Json, JsonObject, KubeObject, ManagedFieldsEntry } from '../../apimachinery/object.ts';
import { conflict, failure, isStatusError, StatusError } from '../../apimachinery/status.ts';
import { deepClone, isObject } from '../../apimachinery/values.ts';
import type { AnyKind } from '../../kinds/kind.ts';
import { attributesOf, denial } from '../authz/authorizer.ts';
import { MAX_WRITE_RETRIES } from '../limits.ts';
import { breath, type Pace } from '../pace.ts';
import type { Call } from '../types.ts';
import { asKubeObject, decodeTyped, expectedOf } from './body.ts';
import { checkConfiguration, metadataOf, readConfiguration, reportDuplicates, type Configuration, type ConfigurationType } from './configuration.ts';
import { refOf, type Core, type Target } from './core.ts';
import { fieldsLastApplied, KUBECTL, renewLastApplied } from './lastapplied.ts';
import { forced, writeOptions } from './options.ts';
import { asDocument } from './patch.ts';
import { checkEntries, kindShape, versionsOf, writableShape, writerOf } from './tracking.ts';
import { checkIdentity, createObject, updateObject, type UpdateScope, type WriteContext, type Written } from './writes.ts';

/** What an application may change, beside the resource itself: of another subresource `take` copies its part from the merged object to `next`. */
export interface ApplyScope {
  readonly scope: UpdateScope;
  take?(next: KubeObject, asked: KubeObject, current: KubeObject): void;
}

/** One application to one object or a part of it. */
interface Applying extends ApplyScope {
  readonly core: Core;
  readonly target: Target;
  readonly configuration: Configuration;
  /** The configuration in the form of stored objects. */
  readonly config: JsonObject;
  readonly shape: Shape;
  readonly writer: Writer;
  readonly force: boolean;
}

/** 409 with a cause for each field. */
export function conflictStatus({ conflicts, message }: ApplyConflict): StatusError {
  return failure('Conflict', message, { causes: conflicts.map(({ manager, path }) => ({ reason: 'FieldManagerConflict', message: `conflict with ${manager}`, field: path })) });
}

/** Canonical where the kind's table says how; custom resources are decoded when they are whole. */
const canonical = (core: Core, { kind }: Target, document: JsonObject): JsonObject =>
  (kind.custom === undefined ? decodeTyped(document, core.registry, expectedOf(kind), 'ignore').object : document);

/** The same, for what may be of any kind; undefined when it is not of this one. */
function tryCanonical(core: Core, target: Target, document: JsonObject): JsonObject | undefined {
  try {
    return canonical(core, target, document);
  } catch (error) {
    if (error instanceof StatusError) {
      return undefined;
    }
    throw error;
  }
}

/** Applies; of kubectl's conflicts with what its own client-side apply wrote nothing is said. */
function applied({ core, target, config, shape, writer, force }: Applying, live: KubeObject | undefined): Applied {
  const versions = versionsOf(core.registry, target.kind, writer.subresource);
  const application: Application = { live: live && asDocument(live), liveEntries: live?.metadata.managedFields, config, shape, force, versions };
  try {
    return applyConfiguration(application, writer);
  } catch (error) {
    if (!(error instanceof ApplyConflict)) {
      throw error;
    }
    if (writer.name === KUBECTL && live !== undefined) {
      const own = fieldsLastApplied(live, asDocument(live), shape, (document) => tryCanonical(core, target, document));
      if (contains(own, error.fields)) {
        return applyConfiguration({ ...application, force: true }, writer);
      }
    }
    throw conflictStatus(error);
  }
}

const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

/** A merged document as an object of its own. */
function ownObject({ core, target: { kind } }: Applying, merged: Json): KubeObject {
  const document: JsonObject = isObject(merged) ? merged : {};
  return asKubeObject(kind.custom === undefined ? deepClone(document) : decodeTyped(document, core.registry, expectedOf(kind), 'ignore').object);
}

function setEntries(object: KubeObject, entries: ManagedFieldsEntry[] | undefined, kind: AnyKind): void {
  checkEntries(kind, object, entries);
  delete object.metadata.managedFields;
  if (entries !== undefined) {
    object.metadata.managedFields = entries;
  }
}

/** The wanted object from the current one. */
async function next(applying: Applying, current: KubeObject, pace: Pace | undefined): Promise<KubeObject> {
  const { target, config, configuration, writer } = applying;
  const wanted = metadataOf(config);
  checkIdentity(target, asKubeObject({ metadata: { name: target.name, ...pick(wanted, ['name', 'namespace']) } }));
  const { object, managedFields } = applied(applying, current);
  await breath(pace);
  const merged = ownObject(applying, object);
  await breath(pace);
  const result = applying.take === undefined ? merged : deepClone(current);
  applying.take?.(result, merged, current);
  setEntries(result, managedFields, target.kind);
  // What identifies an object is nobody's to own, but names the one that is meant.
  Object.assign(result.metadata, pick(wanted, ['resourceVersion', 'uid']));
  if (writer.name === KUBECTL && writer.subresource === '') {
    renewLastApplied(result, configuration.document);
  }
  return result;
}

/** The members of these names that say something. */
const pick = (metadata: JsonObject, names: readonly string[]): JsonObject =>
  Object.fromEntries(names.filter((name) => textOf(metadata[name]) !== '').map((name) => [name, textOf(metadata[name])]));

/** Creating by applying takes the right to create. Throws Forbidden. */
async function requireCreate(core: Core, call: Call): Promise<void> {
  const attributes = attributesOf(call.user, 'create', call.info, call.query);
  const { allowed, reason } = await core.authorizer.authorize(attributes);
  if (!allowed) {
    throw denial(attributes, reason);
  }
}

async function createApplied(applying: Applying, call: Call, context: WriteContext): Promise<Written> {
  const { core, target, config } = applying;
  const uid = textOf(metadataOf(config)['uid']);
  if (uid !== '') {
    throw conflict(refOf(target.kind, target.name), `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`);
  }
  await requireCreate(core, call);
  const { object, managedFields } = applied(applying, undefined);
  await breath(context.pace);
  const created = ownObject(applying, object);
  const { apiVersion, kind } = expectedOf(target.kind);
  created.apiVersion = apiVersion;
  created.kind = kind;
  checkIdentity(target, created);
  setEntries(created, managedFields, target.kind);
  // To admission this is a creation like any other.
  const options = (): JsonObject => ({ ...context.options?.(), kind: 'CreateOptions' });
  return createObject(core, target.kind, target.namespace, created, { ...context, options });
}

async function write(applying: Applying, call: Call, context: WriteContext): Promise<Written> {
  const { core, target, scope } = applying;
  const exists = (): boolean => core.store.get(core.key(target)) !== undefined;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return !exists() && scope.part === 'main' ? await createApplied(applying, call, context)
        : await updateObject(core, { target, scope, mutate: (current, pace) => next(applying, current, pace) }, context);
    } catch (error) {
      // Somebody else created or deleted it in between.
      const raced = !exists() ? isStatusError(error, 'NotFound') && scope.part === 'main' : isStatusError(error, 'AlreadyExists');
      if (!raced || context.dryRun || attempt === MAX_WRITE_RETRIES) {
        throw error;
      }
    }
  }
}

const subresourceOf = (scope: UpdateScope): string => (scope.part === 'main' ? '' : scope.part === 'status' ? 'status' : scope.subresource);

/** What the body of an application is, and how it becomes a configuration of the object it changes. */
interface Meaning {
  readonly type: ConfigurationType;
  configOf(document: JsonObject): JsonObject;
}

async function applyAs(core: Core, call: Call, target: Target, to: ApplyScope, meaning: Meaning): Promise<Written> {
  const { kind } = target;
  const { context: { manager = '', ...context }, validation } = writeOptions(call, 'PatchOptions');
  const configuration = readConfiguration(call.body);
  await breath(context.pace);
  checkConfiguration(configuration, meaning.type);
  reportDuplicates(configuration, validation, call.warnings);
  await breath(context.pace);
  const subresource = subresourceOf(to.scope);
  const applying: Applying = {
    ...to, core, target, configuration, config: meaning.configOf(configuration.document), force: forced(call.query),
    shape: writableShape(core.registry, kind, subresource), writer: writerOf(kind, manager, subresource),
  };
  await breath(context.pace);
  return write(applying, call, { ...context, fieldsNoted: true });
}

/** Applies a configuration to an object, which it creates, or to a subresource of one that is there. Throws StatusErrors. */
export function applyObject(core: Core, call: Call, target: Target, to: ApplyScope): Promise<Written> {
  const { kind } = target;
  return applyAs(core, call, target, to, {
    type: { group: kind.group, version: kind.version, kind: kind.kind, shape: kindShape(core.registry, kind) },
    configOf: (document) => canonical(core, target, document),
  });
}

const nested = ([name = '', ...rest]: readonly string[], value: Json): JsonObject => ({ [name]: rest.length === 0 ? value : nested(rest, value) });

/** A Scale as a configuration of its parent: the number of replicas, which it calls `spec.replicas`, where the kind has it. */
function asParent(scale: JsonObject, path: readonly string[]): JsonObject {
  const { spec } = scale;
  const replicas = isObject(spec) ? spec['replicas'] ?? null : null;
  return { metadata: pick(metadataOf(scale), ['name', 'namespace', 'resourceVersion', 'uid']), ...(replicas === null ? {} : nested(path, replicas)) };
}

/** Applies a Scale to an object that has `/scale`: `path` is where it keeps its replicas. Throws StatusErrors. */
export function applyScale(core: Core, call: Call, target: Target, to: ApplyScope & { path: readonly string[] }): Promise<Written> {
  return applyAs(core, call, target, to, {
    type: { group: 'autoscaling', version: 'v1', kind: 'Scale', shape: shapeOfMessage(core.registry.types, 'autoscaling/v1.Scale') },
    configOf: (document) => asParent(document, to.path),
  });
}
