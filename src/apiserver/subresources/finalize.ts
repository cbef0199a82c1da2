/** PUT namespaces/{name}/finalize: the namespace controller says what still holds a namespace. */
import { deepClone } from '../../apimachinery/values.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import type { Answer, Call } from '../types.ts';
import { readObject } from '../verbs/body.ts';
import type { Core, Target } from '../verbs/core.ts';
import { writeOptions } from '../verbs/options.ts';
import { checkIdentity, specFinalizers, updateObject } from '../verbs/writes.ts';

/** Only `spec.finalizers` comes from the body. */
function withFinalizersOf(current: KubeObject, wanted: KubeObject): KubeObject {
  const next = deepClone(current);
  const spec: unknown = Reflect.get(next, 'spec');
  Reflect.set(next, 'spec', { ...(typeof spec === 'object' && spec !== null ? spec : {}), finalizers: [...specFinalizers(wanted)] });
  Reflect.set(next.metadata, 'resourceVersion', wanted.metadata.resourceVersion ?? '');
  return next;
}

export async function finalizeNamespace(core: Core, call: Call, target: Target): Promise<Answer> {
  const { context, validation } = writeOptions(call, 'UpdateOptions');
  const body = readObject(call, core.registry, target.kind, validation);
  checkIdentity(target, body);
  const { stored, object } = await updateObject(core, {
    target, scope: { part: 'other', subresource: 'finalize', check: 'object', generation: false }, mutate: (current) => withFinalizersOf(current, body),
  }, context);
  return stored === undefined ? { type: 'object', code: 200, kind: target.kind, object } : { type: 'stored', code: 200, kind: target.kind, stored };
}
