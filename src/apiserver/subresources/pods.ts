/** What is done to pods beside changing them: binding, ephemeral containers. */
import { setCondition } from '../../apimachinery/conditions.ts';
import type { JsonObject, KubeObject } from '../../apimachinery/object.ts';
import { badRequest, conflict, fieldError, invalid } from '../../apimachinery/status.ts';
import { deepClone, isObject } from '../../apimachinery/values.ts';
import type { Pod, PodCondition } from '../../kinds/generated/core.ts';
import type { AnyKind } from '../../kinds/kind.ts';
import { admitSubresource } from '../admission/subresource.ts';
import type { Answer, Call } from '../types.ts';
import { readTyped } from '../verbs/body.ts';
import { refOf, type Core, type Target } from '../verbs/core.ts';
import { writeOptions } from '../verbs/options.ts';
import { updateObject } from '../verbs/writes.ts';
import { typed } from '../../kinds/typed.ts';

const BINDING = { apiVersion: 'v1', kind: 'Binding', type: 'core/v1.Binding' };

const SUCCESS: JsonObject = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };

const asPod = (object: KubeObject): Pod => typed('v1 Pod', object);

const textsOf = (map: unknown): Record<string, string> =>
  Object.fromEntries(Object.entries(isObject(map) ? map : {}).map(([key, value]) => [key, String(value)]));

function bind(current: KubeObject, target: Target, node: string, meta: Record<string, unknown>): KubeObject {
  const pod = deepClone(current);
  const { spec, status = {} } = asPod(pod);
  const ref = refOf(target.kind, target.name);
  if (pod.metadata.deletionTimestamp !== undefined) {
    throw conflict({ ...ref, resource: 'pods/binding' }, `pod ${target.name} is being deleted, cannot be assigned to a host`);
  }
  if (spec === undefined || (spec.nodeName ?? '') !== '') {
    throw conflict({ ...ref, resource: 'pods/binding' }, `pod ${target.name} is already assigned to node ${JSON.stringify(spec?.nodeName ?? '')}`);
  }
  spec.nodeName = node;
  for (const map of ['annotations', 'labels'] as const) {
    const added = textsOf(meta[map]);
    if (Object.keys(added).length > 0) {
      pod.metadata[map] = { ...pod.metadata[map], ...added };
    }
  }
  const conditions: PodCondition[] = status.conditions ?? [];
  setCondition(conditions, { type: 'PodScheduled', status: 'True' });
  Reflect.set(pod, 'status', { ...status, conditions });
  return pod;
}

/** POST pods/{name}/binding: what a scheduler says. */
export async function binding(core: Core, call: Call, target: Target): Promise<Answer> {
  const { context } = writeOptions(call, 'CreateOptions');
  const body = await admitSubresource(core.admission, context, {
    operation: 'CREATE', kind: target.kind, namespace: target.namespace, name: target.name, subresource: 'binding',
    object: readTyped(call, core.registry, BINDING).object, objectKind: { group: '', version: 'v1', kind: 'Binding' },
  });
  const to = isObject(body['target']) ? body['target'] : {};
  const { kind, name: node } = to;
  const errors = [
    ...(kind === undefined || kind === '' || kind === 'Node' ? [] : [fieldError.notSupported('target.kind', kind, ['Node', '<empty>'])]),
    ...(typeof node === 'string' && node !== '' ? [] : [fieldError.required('target.name')]),
  ];
  if (errors.length > 0) {
    throw invalid({ group: '', resource: 'Binding', name: target.name }, errors);
  }
  const meta = isObject(body['metadata']) ? body['metadata'] : {};
  const { uid } = meta;
  await updateObject(core, {
    target, scope: { part: 'other', subresource: 'binding', check: 'object', generation: false },
    mutate: (current) => {
      if (typeof uid === 'string' && uid !== '' && uid !== current.metadata.uid) {
        throw conflict(refOf(target.kind, target.name), `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid ?? ''}`);
      }
      return bind(current, target, typeof node === 'string' ? node : '', meta);
    },
  }, context);
  return { type: 'object', code: 201, object: SUCCESS };
}

/** POST bindings: the same, with the pod's name in the body. */
export async function legacyBinding(core: Core, call: Call, pods: AnyKind): Promise<Answer> {
  const body = readTyped(call, core.registry, BINDING).object;
  const name = isObject(body['metadata']) ? body['metadata']['name'] : undefined;
  if (typeof name !== 'string' || name === '') {
    throw badRequest('name must be provided');
  }
  return binding(core, call, { kind: pods, namespace: call.info.namespace, name });
}
