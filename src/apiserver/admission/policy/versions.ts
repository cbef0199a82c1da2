/** Objects of a request in another version of their kind: what policies and webhooks with `matchPolicy: Equivalent` may ask for. */
import type { KubeObject } from '../../../apimachinery/object.ts';
import type { AnyKind } from '../../../kinds/kind.ts';

async function between(object: KubeObject, from: AnyKind, to: AnyKind): Promise<KubeObject> {
  const [stored = object] = from.storedAs?.remote === undefined ? [from.storedAs?.encode(object)] : await from.storedAs.remote.encode([object]);
  const [shown = stored] = to.storedAs?.remote === undefined ? [to.storedAs?.decode(stored)] : await to.storedAs.remote.decode([stored]);
  return shown;
}

/** The object as `to` shows it. The result may be the object itself. Rejects with StatusErrors of conversion webhooks. */
export async function inVersion(object: KubeObject | undefined, from: AnyKind, to: AnyKind | undefined): Promise<KubeObject | undefined> {
  return object === undefined || to === undefined ? object : between(object, from, to);
}
