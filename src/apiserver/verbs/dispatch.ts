/** From a resource request to the function that answers it. */
import { methodNotAllowed } from '../../apimachinery/status.ts';
import type { AnyKind, Verb } from '../../kinds/kind.ts';
import { admitConnection, connectionOf } from '../admission/connect.ts';
import { approvalHandlers } from '../subresources/approval.ts';
import { eviction } from '../subresources/eviction.ts';
import { finalizeNamespace } from '../subresources/finalize.ts';
import { proxyToPod } from '../proxy/podproxy.ts';
import { proxyToNode } from '../subresources/nodeproxy.ts';
import { ephemeralContainers, resize } from '../subresources/podparts.ts';
import { binding, legacyBinding } from '../subresources/pods.ts';
import { answerReview, reviewOf } from '../subresources/reviews.ts';
import { scale } from '../subresources/scale.ts';
import { createToken } from '../subresources/tokens.ts';
import type { Answer, Call } from '../types.ts';
import { resourceNotFound, type Core, type Target } from './core.ts';
import { get, list } from './list.ts';
import { settleBody } from './parsedbody.ts';
import { create, patch, remove, removeCollection, update } from './requests.ts';
import { watch } from './watch.ts';

const notAllowed = (): Error => methodNotAllowed('the server does not allow this method on the requested resource');

function allows(kind: AnyKind, verb: Verb): boolean {
  return kind.verbs === undefined || kind.verbs.includes(verb);
}

type Handler = (core: Core, call: Call, target: Target) => Answer | Promise<Answer>;

const everyVerb = (handler: Handler): Record<'get' | 'create' | 'update' | 'patch' | 'delete' | 'options', Handler> =>
  ({ get: handler, create: handler, update: handler, patch: handler, delete: handler, options: handler });

/** Handlers of subresources that kinds list by name: `group/plural/subresource`, then by request verb. */
const SUBRESOURCES: Readonly<Record<string, Readonly<Partial<Record<string, Handler>>>>> = {
  'core/pods/binding': { create: binding },
  'core/pods/eviction': { create: eviction },
  'core/pods/ephemeralcontainers': ephemeralContainers,
  'core/pods/resize': resize,
  'core/pods/log': { get: proxyToNode },
  'core/pods/exec': { get: proxyToNode, create: proxyToNode },
  'core/pods/attach': { get: proxyToNode, create: proxyToNode },
  'core/pods/portforward': { get: proxyToNode, create: proxyToNode },
  'core/pods/proxy': everyVerb(proxyToPod),
  'core/services/proxy': everyVerb(proxyToPod),
  'core/nodes/proxy': everyVerb(proxyToNode),
  'core/serviceaccounts/token': { create: createToken },
  'certificates.k8s.io/certificatesigningrequests/approval': approvalHandlers,
  'core/namespaces/finalize': { update: finalizeNamespace },
};

function status(core: Core, call: Call, target: Target): Answer | Promise<Answer> {
  switch (call.verb) {
    case 'get': return get(core, call, target.kind);
    case 'update': return update(core, call, target, 'status');
    case 'patch': return patch(core, call, target, 'status');
    default: throw notAllowed();
  }
}

function subresource(core: Core, call: Call, target: Target): Answer | Promise<Answer> {
  const { kind } = target;
  const name = call.info.subresource;
  if (name === 'status' && kind.status === true) {
    return status(core, call, target);
  }
  if (name === 'scale' && kind.scale !== undefined) {
    if (call.verb !== 'get' && call.verb !== 'update' && call.verb !== 'patch') {
      throw notAllowed();
    }
    return scale(core, call, target, kind.scale);
  }
  const key = `${kind.group === '' ? 'core' : kind.group}/${kind.plural}/${name}`;
  const handlers = kind.subresources !== undefined && Object.hasOwn(kind.subresources, name) ? SUBRESOURCES[key] : undefined;
  if (handlers === undefined) {
    throw resourceNotFound();
  }
  const handler = handlers[call.verb];
  if (handler === undefined) {
    throw notAllowed();
  }
  const connection = connectionOf(target, name);
  return connection === undefined ? handler(core, call, target) : admitConnection(core, call, target, connection).then(() => handler(core, call, target));
}

function collection(core: Core, call: Call, kind: AnyKind): Answer | Promise<Answer> {
  switch (call.verb) {
    case 'list': return list(core, call, kind);
    case 'watch': return watch(core, call, kind);
    case 'create': return create(core, call, kind);
    case 'deletecollection': return removeCollection(core, call, kind);
    default: throw notAllowed();
  }
}

function single(core: Core, call: Call, target: Target): Answer | Promise<Answer> {
  switch (call.verb) {
    case 'get': return get(core, call, target.kind);
    case 'watch': return watch(core, call, target.kind);
    case 'update': return update(core, call, target, 'main');
    case 'patch': return patch(core, call, target, 'main');
    case 'delete': return remove(core, call, target);
    default: throw notAllowed();
  }
}

/** Verbs a kind may leave out; `post` and the like never reach a resource. */
const KIND_VERBS: readonly string[] = ['create', 'get', 'list', 'watch', 'update', 'patch', 'delete', 'deletecollection'] satisfies Verb[];
const isKindVerb = (verb: string): verb is Verb => KIND_VERBS.includes(verb);

/** Reviews and bindings, which are posted and never stored; undefined for everything else. */
function unstoredResource(core: Core, call: Call): Promise<Answer> | undefined {
  const { group, version, resource } = call.info;
  const review = reviewOf(call);
  const pods = group === '' && version === 'v1' && resource === 'bindings' ? core.registry.byResource('', 'v1', 'pods') : undefined;
  if (review === undefined && pods === undefined) {
    return undefined;
  }
  if (call.verb !== 'create') {
    throw notAllowed();
  }
  return review === undefined ? pods && legacyBinding(core, call, pods) : answerReview(core, call, review);
}

/** Answers an authorised request on a resource path. Throws StatusErrors and PageNotFound. */
export function dispatch(core: Core, call: Call): Answer | Promise<Answer> {
  const reading = settleBody(call);
  return reading === undefined ? dispatched(core, call) : reading.then(() => dispatched(core, call));
}

function dispatched(core: Core, call: Call): Answer | Promise<Answer> {
  const { info } = call;
  const unstored = info.name === '' ? unstoredResource(core, call) : undefined;
  if (unstored !== undefined) {
    return unstored;
  }
  const kind = core.kindOf(info);
  if (kind.deprecation !== undefined) {
    call.warnings.push(kind.deprecation);
  }
  if (kind.namespaced && info.namespace === '') {
    if (info.name !== '') {
      throw resourceNotFound();
    }
    if (call.verb !== 'list' && call.verb !== 'watch') {
      // All namespaces together can only be read.
      throw notAllowed();
    }
  }
  if (info.subresource !== '') {
    return subresource(core, call, { kind, namespace: kind.namespaced ? info.namespace : '', name: info.name });
  }
  if (!isKindVerb(call.verb) || !allows(kind, call.verb)) {
    throw notAllowed();
  }
  return info.name === '' ? collection(core, call, kind) : single(core, call, { kind, namespace: kind.namespaced ? info.namespace : '', name: info.name });
}
