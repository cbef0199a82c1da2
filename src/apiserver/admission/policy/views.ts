/**
 * The objects of a request as policies and webhooks are shown them: in the version they asked for (`matchPolicy: Equivalent`), and as a Scale where it is a
 * Scale that was written.
 */
import type { GroupVersionKind, JsonObject, KubeObject } from '../../../apimachinery/object.ts';
import { internalError } from '../../../apimachinery/status.ts';
import type { AnyKind, ScalePaths } from '../../../kinds/kind.ts';
import type { Registry } from '../../../kinds/registry.ts';
import { rescaled, scaleOf } from '../../subresources/scale.ts';
import { asKubeObject } from '../../verbs/body.ts';
import type { AdmissionRequest } from '../admission.ts';
import type { Match } from './match.ts';
import { decoded, settled } from './settle.ts';

const SCALE: GroupVersionKind = { group: 'autoscaling', version: 'v1', kind: 'Scale' };

const scalePaths = ({ kind, subresource }: AdmissionRequest): ScalePaths | undefined => (subresource === 'scale' ? kind.scale : undefined);

/** What the objects of the request are. */
export const shownKind = (request: AdmissionRequest): GroupVersionKind => (scalePaths(request) === undefined ? request.objectKind : SCALE);

async function between(object: KubeObject, from: AnyKind, to: AnyKind): Promise<KubeObject> {
  const [stored = object] = from.storedAs?.remote === undefined ? [from.storedAs?.encode(object)] : await from.storedAs.remote.encode([object]);
  const [shown = stored] = to.storedAs?.remote === undefined ? [to.storedAs?.decode(stored)] : await to.storedAs.remote.decode([stored]);
  return shown;
}

/** An object of the request, as it is to be seen. May be the object itself. Rejects with StatusErrors of conversion webhooks. */
export async function shown(request: AdmissionRequest, object: KubeObject | undefined, { convertTo }: Match): Promise<KubeObject | undefined> {
  const paths = scalePaths(request);
  if (object === undefined) {
    return undefined;
  }
  if (paths !== undefined) {
    return asKubeObject(scaleOf(object, paths));
  }
  return convertTo === undefined ? object : between(object, request.kind, convertTo);
}

/** The request's object after what was shown has become `changed`. Throws StatusErrors. */
export async function adopted(registry: Registry, request: AdmissionRequest, { convertTo }: Match, changed: JsonObject): Promise<KubeObject> {
  const paths = scalePaths(request);
  if (paths === undefined) {
    const object = settled(registry, request, convertTo ?? request.kind, changed);
    return convertTo === undefined ? object : between(object, convertTo, request.kind);
  }
  if (request.object === undefined) {
    throw internalError('there is no object to scale');
  }
  return rescaled(request.object, decoded(registry, SCALE, changed), paths);
}
