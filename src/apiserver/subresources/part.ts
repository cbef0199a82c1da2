/** Subresources through which one part of an object changes and nothing else: GET, PUT and PATCH of the whole object, of which that part is taken. */
import type { KubeObject } from '../../apimachinery/object.ts';
import { deepClone } from '../../apimachinery/values.ts';
import type { AnyKind } from '../../kinds/kind.ts';
import type { Answer, Call } from '../types.ts';
import { asKubeObject, expectedOf, readObject } from '../verbs/body.ts';
import { applyObject } from '../verbs/apply.ts';
import type { Core, Target } from '../verbs/core.ts';
import { get } from '../verbs/list.ts';
import { APPLY_PATCH, mediaTypeOf } from '../verbs/mediatype.ts';
import { writeOptions, type FieldValidation } from '../verbs/options.ts';
import { asDocument, decodePatched, readPatch } from '../verbs/patch.ts';
import { updateObject, type UpdateScope, type Written } from '../verbs/writes.ts';

/** What a subresource may change. */
export interface Part {
  readonly scope: UpdateScope & { part: 'other' };
  /** Copies the part from what was asked for to `next`, a copy of `current`. Throws StatusErrors for what may not be asked. */
  take(next: KubeObject, asked: KubeObject, current: KubeObject): void;
}

/** The object that is asked for, from the current one. */
function askedFor(core: Core, call: Call, kind: AnyKind, validation: FieldValidation): (current: KubeObject) => KubeObject {
  if (call.verb !== 'patch') {
    const body = readObject(call, core.registry, kind, validation);
    return () => body;
  }
  const patch = readPatch(call, core.registry, kind, kind.type);
  let { warnings } = call;
  return (current) => {
    const asked = decodePatched(patch, patch.apply(asDocument(current)), core.registry, expectedOf(kind), { validation, warnings });
    // Tried again after a lost race, it must not warn again.
    warnings = [];
    return asKubeObject(asked);
  };
}

async function change(core: Core, call: Call, target: Target, part: Part): Promise<Written> {
  const { context, validation } = writeOptions(call, call.verb === 'patch' ? 'PatchOptions' : 'UpdateOptions');
  const wanted = askedFor(core, call, target.kind, validation);
  return updateObject(core, {
    target, scope: part.scope,
    mutate: (current) => {
      const asked = wanted(current);
      const next = deepClone(current);
      part.take(next, asked, current);
      next.metadata.resourceVersion = asked.metadata.resourceVersion ?? '';
      return next;
    },
  }, context);
}

async function write(core: Core, call: Call, target: Target, part: Part): Promise<Answer> {
  const { kind } = target;
  const applying = call.verb === 'patch' && mediaTypeOf(call.body) === APPLY_PATCH;
  const { stored, object } = applying ? await applyObject(core, call, target, part) : await change(core, call, target, part);
  return stored === undefined ? { type: 'object', code: 200, kind, object } : { type: 'stored', code: 200, kind, stored };
}

type Handler = (core: Core, call: Call, target: Target) => Answer | Promise<Answer>;

/** Handlers by verb. */
export function partHandlers(part: Part): Readonly<Record<'get' | 'update' | 'patch', Handler>> {
  const handler: Handler = (core, call, target) => write(core, call, target, part);
  return { get: (core, call, target) => get(core, call, target.kind), update: handler, patch: handler };
}
