/** create, update, patch, delete and deletecollection as requests: from a Call to an Answer. */
import type { JsonObject, KubeObject, ListMeta } from '../../apimachinery/object.ts';
import { badRequest, fieldError, invalid, isStatusError } from '../../apimachinery/status.ts';
import { deepClone } from '../../apimachinery/values.ts';
import { listKindOf, type AnyKind } from '../../kinds/kind.ts';
import { DELETE_COLLECTION_BATCH } from '../limits.ts';
import { breath } from '../pace.ts';
import type { Answer, Call } from '../types.ts';
import { applyObject } from './apply.ts';
import { asKubeObject, decodeTyped, expectedOf, readJson, readObject, readTyped } from './body.ts';
import type { Core, Target } from './core.ts';
import { deleteObject, type DeleteOptions } from './deletes.ts';
import { filterOf } from './filter.ts';
import { currentPage } from './list.ts';
import { APPLY_PATCH, JSON_TYPE, mediaTypeOf, PROTOBUF_TYPE } from './mediatype.ts';
import { deleteOptions, writeOptions } from './options.ts';
import { asDocument, decodePatched, readPatch } from './patch.ts';
import { labelledByStatus } from './tracking.ts';
import { checkIdentity, createObject, updateObject, type UpdateScope, type WriteContext, type Written } from './writes.ts';

/** Kinds whose last state Kubernetes sends back when they are deleted, instead of a Status. */
const RETURNED_WHEN_DELETED = new Set(['namespaces', 'persistentvolumeclaims', 'persistentvolumes', 'pods', 'podtemplates', 'resourcequotas',
  'serviceaccounts', 'services']);

function answerOf(kind: AnyKind, written: Written): Answer {
  const code = written.created ? 201 : 200;
  return written.stored === undefined
    ? { type: 'object', code, kind, object: written.object }
    : { type: 'stored', code, kind, stored: written.stored };
}

export async function create(core: Core, call: Call, kind: AnyKind): Promise<Answer> {
  const { context, validation } = writeOptions(call, 'CreateOptions');
  const object = readObject(call, core.registry, kind, validation);
  if (context.pace !== undefined) {
    await breath(context.pace);
  }
  if (kind.namespaced && call.info.namespace === '') {
    throw badRequest('an empty namespace may not be set during creation');
  }
  return answerOf(kind, await createObject(core, kind, call.info.namespace, object, context));
}

function copyMap(kind: AnyKind, next: KubeObject, wanted: KubeObject, name: 'labels' | 'annotations'): void {
  const value = wanted.metadata[name];
  if (name === 'labels' && !labelledByStatus(kind)) {
    return;
  }
  if (value === undefined) {
    delete next.metadata[name];
  } else {
    next.metadata[name] = { ...value };
  }
}

/** A PUT to `/status`: everything but the status, annotations and some labels comes from what is stored. */
function withStatusOf(kind: AnyKind, current: KubeObject, wanted: KubeObject): KubeObject {
  const next = deepClone(current);
  const status: unknown = Reflect.get(wanted, 'status');
  if (status === undefined) {
    Reflect.deleteProperty(next, 'status');
  } else {
    Reflect.set(next, 'status', deepClone(status));
  }
  if (kind.origin === 'builtin') {
    copyMap(kind, next, wanted, 'labels');
    copyMap(kind, next, wanted, 'annotations');
  }
  const { resourceVersion, uid } = wanted.metadata;
  Reflect.set(next.metadata, 'resourceVersion', resourceVersion ?? '');
  if (uid !== undefined && uid !== '') {
    next.metadata.uid = uid;
  }
  return next;
}

export async function update(core: Core, call: Call, target: Target, part: 'main' | 'status'): Promise<Answer> {
  const { kind } = target;
  const { context, validation } = writeOptions(call, 'UpdateOptions');
  const object = readObject(call, core.registry, kind, validation);
  if (context.pace !== undefined) {
    await breath(context.pace);
  }
  checkIdentity(target, object);
  if (kind.origin === 'custom' && (object.metadata.resourceVersion ?? '') === '') {
    await core.fetch(target);
    throw invalid({ group: kind.group, resource: kind.kind, name: target.name },
      [fieldError.invalid('metadata.resourceVersion', 0, 'must be specified for an update')]);
  }
  const scope: UpdateScope = { part };
  const written = await updateObject(core, {
    target, scope,
    // Tried again after a lost race, a mutation must not find its own changes in the body.
    mutate: (current) => (part === 'status' ? withStatusOf(kind, current, object) : deepClone(object)),
  }, context);
  return answerOf(kind, written);
}

export async function patch(core: Core, call: Call, target: Target, part: 'main' | 'status'): Promise<Answer> {
  const { kind } = target;
  if (mediaTypeOf(call.body) === APPLY_PATCH) {
    return answerOf(kind, await applyObject(core, call, target, { scope: { part } }));
  }
  const change = readPatch(call, core.registry, kind, kind.type);
  const { context, validation } = writeOptions(call, 'PatchOptions');
  // Tried again after a lost race, it must not warn again.
  let warnings = call.warnings;
  const scope: UpdateScope = { part };
  const written = await updateObject(core, {
    target, scope,
    mutate: async (current, pace) => {
      const patched = change.apply(asDocument(current));
      if (pace !== undefined) {
        await breath(pace);
      }
      const next = asKubeObject(decodePatched(change, patched, core.registry, expectedOf(kind), { validation, warnings }));
      warnings = [];
      checkIdentity(target, next);
      if (pace !== undefined) {
        await breath(pace);
      }
      return part === 'status' ? withStatusOf(kind, current, next) : next;
    },
  }, context);
  return answerOf(kind, written);
}

const DELETE_OPTIONS = { apiVersion: 'v1', kind: 'DeleteOptions', type: 'meta/v1.DeleteOptions' };

/** The DeleteOptions of the body, whose apiVersion may be any group's; undefined when there is none. */
function readDeleteOptions(core: Core, call: Call): JsonObject | undefined {
  if (call.body.kind === 'none') {
    return undefined;
  }
  if (mediaTypeOf(call.body) === PROTOBUF_TYPE) {
    return readTyped(call, core.registry, DELETE_OPTIONS).object;
  }
  const value = mediaTypeOf(call.body) === JSON_TYPE ? readJson(call.body) : readTyped(call, core.registry, DELETE_OPTIONS).object;
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const { apiVersion: _apiVersion, ...rest } = value;
    return decodeTyped(rest, core.registry, DELETE_OPTIONS, 'ignore').object;
  }
  throw badRequest('the body of a delete must be DeleteOptions');
}

function deletedAnswer(target: Target, written: Written): Answer {
  const { kind, name } = target;
  if (!written.deleted || (kind.group === '' && RETURNED_WHEN_DELETED.has(kind.plural))) {
    return answerOf(kind, written);
  }
  const { uid } = written.object.metadata;
  const details: JsonObject = { name, ...(kind.group === '' ? {} : { group: kind.group }), kind: kind.plural, ...(uid === undefined ? {} : { uid }) };
  return { type: 'object', code: 200, object: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details } };
}

export async function remove(core: Core, call: Call, target: Target): Promise<Answer> {
  const { options, context } = deleteOptions(call, readDeleteOptions(core, call));
  return deletedAnswer(target, await deleteObject(core, target, options, context));
}

/** Undefined for an object that somebody else deleted first. */
async function deleteIfThere(core: Core, target: Target, options: DeleteOptions, context: WriteContext): Promise<KubeObject | undefined> {
  try {
    return (await deleteObject(core, target, options, context)).object;
  } catch (error) {
    if (isStatusError(error, 'NotFound')) {
      return undefined;
    }
    throw error;
  }
}

export async function removeCollection(core: Core, call: Call, kind: AnyKind): Promise<Answer> {
  const { options, context } = deleteOptions(call, readDeleteOptions(core, call));
  const namespace = kind.namespaced ? call.info.namespace : '';
  const page = await currentPage(core, kind, namespace, filterOf(kind, call.query, ''));
  const deleted: KubeObject[] = [];
  for (let at = 0; at < page.items.length; at += DELETE_COLLECTION_BATCH) {
    const batch = page.items.slice(at, at + DELETE_COLLECTION_BATCH);
    const objects = await Promise.all(batch.map(({ object: { metadata } }) =>
      deleteIfThere(core, { kind, namespace: metadata.namespace ?? '', name: metadata.name }, options, context)));
    deleted.push(...objects.filter((object) => object !== undefined));
  }
  const metadata: ListMeta = { resourceVersion: String(core.store.currentRevision) };
  const list = { kind: listKindOf(kind), apiVersion: expectedOf(kind).apiVersion, metadata, items: deleted };
  return { type: 'object', code: 200, object: list as unknown as JsonObject };
}
