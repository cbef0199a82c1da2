/** create, update, patch, delete and deletecollection as requests: from a Call to an Answer. */
import type { JsonObject, KubeObject, ListMeta } from '../../apimachinery/object.ts';
import { badRequest, fieldError, invalid, isStatusError } from '../../apimachinery/status.ts';
import { deepClone } from '../../apimachinery/values.ts';
import type { AnyKind } from '../../kinds/kind.ts';
import { DELETE_COLLECTION_BATCH } from '../limits.ts';
import type { Answer, Call } from '../types.ts';
import { asKubeObject, decodeTyped, expectedOf, mediaTypeOf, readJson, readObject, readTyped, reportProblems } from './body.ts';
import type { Core, Target } from './core.ts';
import { deleteObject, type DeleteOptions } from './deletes.ts';
import { filterOf } from './filter.ts';
import { currentPage } from './list.ts';
import { deleteOptions, writeOptions } from './options.ts';
import { asDocument, patcherOf } from './patch.ts';
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
  if (kind.namespaced && call.info.namespace === '') {
    throw badRequest('an empty namespace may not be set during creation');
  }
  return answerOf(kind, await createObject(core, kind, call.info.namespace, object, context));
}

/** Kinds whose labels Kubernetes lets `/status` change: kubelets label what they run on and run. */
const LABELLED_BY_STATUS = new Set(['nodes', 'pods']);

function copyMap(kind: AnyKind, next: KubeObject, wanted: KubeObject, name: 'labels' | 'annotations'): void {
  const value = wanted.metadata[name];
  if (name === 'labels' && !(kind.group === '' && LABELLED_BY_STATUS.has(kind.plural))) {
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
  checkIdentity(target, object);
  if (kind.origin === 'custom' && (object.metadata.resourceVersion ?? '') === '') {
    core.require(target);
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
  const { context, validation } = writeOptions(call, 'PatchOptions');
  const apply = patcherOf(call, core.registry, kind, kind.type);
  let reported = false;
  const scope: UpdateScope = { part };
  const written = await updateObject(core, {
    target, scope,
    mutate: (current) => {
      const document = apply(asDocument(current));
      const { object, problems } = decodeTyped(document, core.registry, expectedOf(kind), validation);
      if (!reported) {
        reported = true;
        reportProblems(problems, validation, call.warnings);
      }
      const next = asKubeObject(object);
      checkIdentity(target, next);
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
  if (mediaTypeOf(call.body) === 'application/vnd.kubernetes.protobuf') {
    return readTyped(call, core.registry, DELETE_OPTIONS).object;
  }
  const value = mediaTypeOf(call.body) === 'application/json' ? readJson(call.body) : readTyped(call, core.registry, DELETE_OPTIONS).object;
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
  const page = currentPage(core, kind, namespace, filterOf(kind, call.query, ''));
  const deleted: KubeObject[] = [];
  for (let at = 0; at < page.items.length; at += DELETE_COLLECTION_BATCH) {
    const batch = page.items.slice(at, at + DELETE_COLLECTION_BATCH);
    const objects = await Promise.all(batch.map(({ object: { metadata } }) =>
      deleteIfThere(core, { kind, namespace: metadata.namespace ?? '', name: metadata.name }, options, context)));
    deleted.push(...objects.filter((object) => object !== undefined));
  }
  const metadata: ListMeta = { resourceVersion: String(core.store.currentRevision) };
  const list = { kind: `${kind.kind}List`, apiVersion: expectedOf(kind).apiVersion, metadata, items: deleted };
  return { type: 'object', code: 200, object: list as unknown as JsonObject };
}
