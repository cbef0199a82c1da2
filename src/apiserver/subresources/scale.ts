/** `/scale`: the number of replicas of any kind that has one, as autoscaling/v1 Scale. */
import { selectorFromObject, selectorToString } from '../../apimachinery/selectors.ts';
import type { Json, JsonObject, KubeObject } from '../../apimachinery/object.ts';
import { badRequest, conflict, fieldError, internalError, invalid } from '../../apimachinery/status.ts';
import { deepClone, isObject, setOwn } from '../../apimachinery/values.ts';
import { scaleKind } from '../../kinds/autoscaling/scale.ts';
import type { ScalePaths } from '../../kinds/kind.ts';
import type { Answer, Call } from '../types.ts';
import { readTyped } from '../verbs/body.ts';
import { applyScale } from '../verbs/apply.ts';
import { refOf, type Core, type Target } from '../verbs/core.ts';
import { APPLY_PATCH, mediaTypeOf } from '../verbs/mediatype.ts';
import { writeOptions } from '../verbs/options.ts';
import { decodePatched, readPatch } from '../verbs/patch.ts';
import { updateObject, type WriteContext } from '../verbs/writes.ts';

const SCALE = { apiVersion: 'autoscaling/v1', kind: 'Scale', type: 'autoscaling/v1.Scale' };
const MAX_REPLICAS = 2 ** 31 - 1;

const steps = (path: string): string[] => path.split('.').filter((step) => step !== '');

function at(object: KubeObject, path: string): unknown {
  return steps(path).reduce<unknown>((value, step) => (isObject(value) && Object.hasOwn(value, step) ? value[step] : undefined), object);
}

function put(object: KubeObject, path: string, value: Json): void {
  const way = steps(path);
  const last = way.pop();
  let place: Record<string, unknown> = object as unknown as Record<string, unknown>;
  for (const step of way) {
    // Paths come from definitions: `__proto__` in one is a name like any other.
    const next = Object.hasOwn(place, step) ? place[step] : undefined;
    if (isObject(next)) {
      place = next;
    } else {
      const made: Record<string, unknown> = {};
      setOwn(place, step, made);
      place = made;
    }
  }
  if (last !== undefined) {
    setOwn(place, last, value);
  }
}

const numberAt = (object: KubeObject, path: string): number => {
  const value = at(object, path);
  return typeof value === 'number' ? value : 0;
};

function selectorText(object: KubeObject, { selector: path, custom }: ScalePaths): string {
  const value = path === '' ? undefined : at(object, path);
  if (typeof value === 'string' || custom === true) {
    return typeof value === 'string' ? value : '';
  }
  // The path leads to a metav1.LabelSelector of a validated object.
  return isObject(value) ? selectorToString(selectorFromObject(value)) : '';
}

/** The Scale of an object. Throws InternalError for a custom resource that does not say its replicas. */
export function scaleOf(object: KubeObject, paths: ScalePaths): JsonObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  if (paths.custom === true && at(object, paths.specReplicas) === undefined) {
    throw internalError(`the spec replicas field ${JSON.stringify(paths.specReplicas)} does not exist`);
  }
  const replicas = numberAt(object, paths.specReplicas);
  const selector = selectorText(object, paths);
  return {
    kind: SCALE.kind, apiVersion: SCALE.apiVersion,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), uid: uid ?? '', resourceVersion: resourceVersion ?? '', creationTimestamp: creationTimestamp ?? null },
    spec: replicas === 0 ? {} : { replicas },
    status: { replicas: numberAt(object, paths.statusReplicas), ...(selector === '' ? {} : { selector }) },
  };
}

function wantedReplicas(name: string, scale: JsonObject): number {
  const spec = isObject(scale['spec']) ? scale['spec'] : {};
  const replicas = spec['replicas'] ?? 0;
  if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas > MAX_REPLICAS) {
    throw badRequest('json: cannot unmarshal number into Go struct field ScaleSpec.spec.replicas of type int32');
  }
  if (replicas < 0) {
    throw invalid({ group: 'autoscaling', resource: 'Scale', name }, [fieldError.invalid('spec.replicas', replicas, 'must be greater than or equal to 0')]);
  }
  return replicas;
}

/** A copy of the object with the replicas of a Scale. Throws BadRequest and Invalid. */
export function rescaled(object: KubeObject, scale: JsonObject, paths: ScalePaths): KubeObject {
  const next = deepClone(object);
  put(next, paths.specReplicas, wantedReplicas(object.metadata.name, scale));
  return next;
}

const SCOPE = { part: 'other', subresource: 'scale', check: 'update', generation: true } as const;

async function write(core: Core, target: Target, context: WriteContext, paths: ScalePaths, change: (current: KubeObject) => JsonObject): Promise<Answer> {
  const written = await updateObject(core, {
    target, scope: SCOPE,
    mutate: (current) => {
      const scale = change(current);
      const metadata = isObject(scale['metadata']) ? scale['metadata'] : {};
      const { resourceVersion, uid } = metadata;
      if (typeof resourceVersion === 'string' && resourceVersion !== '' && resourceVersion !== current.metadata.resourceVersion) {
        throw conflict(refOf(target.kind, target.name), 'the object has been modified; please apply your changes to the latest version and try again');
      }
      if (typeof uid === 'string' && uid !== '' && uid !== current.metadata.uid) {
        throw conflict(refOf(target.kind, target.name), `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid ?? ''}`);
      }
      return rescaled(current, scale, paths);
    },
  }, context);
  return { type: 'object', code: 200, kind: scaleKind, object: scaleOf(written.object, paths) };
}

/** Applied, the number of replicas is owned; only it changes. */
async function apply(core: Core, call: Call, target: Target, paths: ScalePaths): Promise<Answer> {
  const path = steps(paths.specReplicas);
  const written = await applyScale(core, call, target, {
    scope: SCOPE, path,
    take: (next, asked) => put(next, paths.specReplicas, wantedReplicas(target.name, scaleOf(asked, paths))),
  });
  return { type: 'object', code: 200, kind: scaleKind, object: scaleOf(written.object, paths) };
}

export async function scale(core: Core, call: Call, target: Target, paths: ScalePaths): Promise<Answer> {
  if (call.verb === 'get') {
    return { type: 'object', code: 200, kind: scaleKind, object: scaleOf((await core.fetch(target)).object, paths) };
  }
  if (call.verb === 'update') {
    const { context } = writeOptions(call, 'UpdateOptions');
    const body = readTyped(call, core.registry, SCALE).object;
    return write(core, target, context, paths, () => body);
  }
  if (mediaTypeOf(call.body) === APPLY_PATCH) {
    return apply(core, call, target, paths);
  }
  const patch = readPatch(call, core.registry, target.kind, SCALE.type);
  const { context, validation } = writeOptions(call, 'PatchOptions');
  let { warnings } = call;
  return write(core, target, context, paths, (current) => {
    const scaled = decodePatched(patch, patch.apply(scaleOf(current, paths)), core.registry, SCALE, { validation, warnings });
    // Tried again after a lost race, it must not warn again.
    warnings = [];
    return scaled;
  });
}
