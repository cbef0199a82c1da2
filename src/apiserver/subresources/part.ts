/** Subresources through which one part of an object changes and nothing else: GET, PUT and PATCH of the whole object, of which that part is taken. */
import type { KubeObject } from '../../apimachinery/object.ts';
import { deepClone } from '../../apimachinery/values.ts';
import type { Answer, Call } from '../types.ts';
import { asKubeObject, decodeTyped, expectedOf, readObject } from '../verbs/body.ts';
import type { Core, Target } from '../verbs/core.ts';
import { get } from '../verbs/list.ts';
import { writeOptions } from '../verbs/options.ts';
import { asDocument, patcherOf } from '../verbs/patch.ts';
import { updateObject, type UpdateScope } from '../verbs/writes.ts';

/** What a subresource may change. */
export interface Part {
  readonly scope: UpdateScope & { part: 'other' };
  /** Copies the part from what was asked for to `next`, a copy of `current`. Throws StatusErrors for what may not be asked. */
  take(next: KubeObject, asked: KubeObject, current: KubeObject): void;
}

async function write(core: Core, call: Call, target: Target, part: Part): Promise<Answer> {
  const { kind } = target;
  const patching = call.verb === 'patch';
  const { context, validation } = writeOptions(call, patching ? 'PatchOptions' : 'UpdateOptions');
  const body = patching ? undefined : readObject(call, core.registry, kind, validation);
  const apply = patching ? patcherOf(call, core.registry, kind, kind.type) : undefined;
  const wanted = (current: KubeObject): KubeObject =>
    body ?? asKubeObject(decodeTyped(apply?.(asDocument(current)), core.registry, expectedOf(kind), validation).object);
  const { stored, object } = await updateObject(core, {
    target, scope: part.scope,
    mutate: (current) => {
      const asked = wanted(current);
      const next = deepClone(current);
      part.take(next, asked, current);
      next.metadata.resourceVersion = asked.metadata.resourceVersion ?? '';
      return next;
    },
  }, context);
  return stored === undefined ? { type: 'object', code: 200, kind, object } : { type: 'stored', code: 200, kind, stored };
}

type Handler = (core: Core, call: Call, target: Target) => Answer | Promise<Answer>;

/** Handlers by verb. */
export function partHandlers(part: Part): Readonly<Record<'get' | 'update' | 'patch', Handler>> {
  const change: Handler = (core, call, target) => write(core, call, target, part);
  return { get: (core, call, target) => get(core, call, target.kind), update: change, patch: change };
}
