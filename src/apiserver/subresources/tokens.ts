/** POST serviceaccounts/{name}/token: a token for an account, optionally bound to a pod, secret or node. */
import { formatTime, type JsonObject } from '../../apimachinery/object.ts';
import { badRequest, conflict, fieldError, invalid, notFound, type FieldError } from '../../apimachinery/status.ts';
import { isObject } from '../../apimachinery/values.ts';
import { admitSubresource } from '../admission/subresource.ts';
import type { BoundObject } from '../authn/serviceaccounts.ts';
import { MAX_TOKEN_SECONDS, MIN_TOKEN_SECONDS } from '../limits.ts';
import type { Pod } from '../../kinds/generated/core.ts';
import { typed } from '../../kinds/typed.ts';
import type { Answer, Call } from '../types.ts';
import { readTyped } from '../verbs/body.ts';
import type { Core, Target } from '../verbs/core.ts';
import { writeOptions } from '../verbs/options.ts';

const TOKEN_REQUEST = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', type: 'authentication/v1.TokenRequest' };
const DEFAULT_TOKEN_SECONDS = 3600;
/** The account of a pod that names none. */
const DEFAULT_ACCOUNT = 'default';
const BINDABLE = { Pod: 'pods', Secret: 'secrets', Node: 'nodes' } as const;

const isBindable = (kind: unknown): kind is BoundObject['kind'] => typeof kind === 'string' && Object.hasOwn(BINDABLE, kind);

function lifetimeErrors(seconds: unknown): FieldError[] {
  if (typeof seconds === 'number' && seconds < MIN_TOKEN_SECONDS) {
    return [fieldError.invalid('spec.expirationSeconds', seconds, 'may not specify a duration less than 10 minutes')];
  }
  return typeof seconds === 'number' && seconds > MAX_TOKEN_SECONDS
    ? [fieldError.invalid('spec.expirationSeconds', seconds, 'may not specify a duration larger than 2^32 seconds')] : [];
}

/** Of no group; the version is not looked at, as in Kubernetes. */
const isCore = (apiVersion: unknown): boolean => typeof apiVersion !== 'string' || !apiVersion.includes('/');

/** A token that names another account's pod would speak for where that pod runs. Throws BadRequest. */
function checkAccount({ spec }: Pod, account: string): void {
  if ((spec.serviceAccountName || DEFAULT_ACCOUNT) !== account) {
    throw badRequest(`cannot bind token for serviceaccount ${JSON.stringify(account)} to pod running with different serviceaccount name.`);
  }
}

function boundObject(core: Core, target: Target, reference: unknown): BoundObject | undefined {
  if (!isObject(reference)) {
    return undefined;
  }
  const { apiVersion, kind, name, uid } = reference;
  if (!isCore(apiVersion) || !isBindable(kind) || typeof name !== 'string' || name === '') {
    throw invalid({ group: 'authentication.k8s.io', resource: 'TokenRequest', name: target.name },
      [fieldError.invalid('spec.boundObjectRef', reference, 'cannot bind token to this object: supported kinds are Pod, Secret and Node')]);
  }
  const plural = BINDABLE[kind];
  const bound = core.registry.byResource('', 'v1', plural);
  const stored = bound === undefined ? undefined : core.get({ kind: bound, namespace: kind === 'Node' ? '' : target.namespace, name });
  if (stored === undefined) {
    throw notFound({ group: '', resource: plural, name });
  }
  if (kind === 'Pod') {
    checkAccount(typed('v1 Pod', stored.object), target.name);
  }
  const found = stored.object.metadata.uid ?? '';
  if (typeof uid === 'string' && uid !== '' && uid !== found) {
    throw conflict({ group: '', resource: plural, name }, `the UID in the bound object reference (${uid}) does not match the UID in record. `
      + 'The object might have been deleted and then recreated');
  }
  return { kind, name, uid: found };
}

/** Where a pod is; undefined for one that no node has. */
function nodeOfPod(core: Core, namespace: string, name: string): { name: string; uid: string } | undefined {
  const pod = core.lookup.get(['', 'v1', 'pods'], namespace, name);
  const nodeName = pod === undefined ? '' : typed('v1 Pod', pod).spec.nodeName ?? '';
  const node = nodeName === '' ? undefined : core.lookup.get(['', 'v1', 'nodes'], '', nodeName);
  return node === undefined ? undefined : { name: nodeName, uid: node.metadata.uid ?? '' };
}

export async function createToken(core: Core, call: Call, target: Target): Promise<Answer> {
  const account = core.require(target).object;
  const { context } = writeOptions(call, 'CreateOptions');
  const body = await admitSubresource(core.admission, context, {
    operation: 'CREATE', kind: target.kind, namespace: target.namespace, name: target.name, subresource: 'token',
    object: readTyped(call, core.registry, TOKEN_REQUEST).object, objectKind: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' },
  });
  const spec = isObject(body['spec']) ? body['spec'] : {};
  const seconds = spec['expirationSeconds'] ?? DEFAULT_TOKEN_SECONDS;
  const errors = lifetimeErrors(seconds);
  if (errors.length > 0) {
    throw invalid({ group: 'authentication.k8s.io', resource: 'TokenRequest', name: target.name }, errors);
  }
  const asked = Array.isArray(spec['audiences']) ? spec['audiences'].map(String) : [];
  const audiences = asked.length === 0 ? [core.tokens.issuer] : asked;
  const bound = boundObject(core, target, spec['boundObjectRef']);
  const node = bound?.kind === 'Pod' ? nodeOfPod(core, target.namespace, bound.name) : undefined;
  const { token, expires } = core.tokens.issue({
    namespace: target.namespace, account: { name: target.name, uid: account.metadata.uid ?? '' }, bound, audiences, lifetime: Number(seconds),
    ...(node === undefined ? {} : { node }),
  });
  const shown: JsonObject = {
    kind: TOKEN_REQUEST.kind, apiVersion: TOKEN_REQUEST.apiVersion,
    metadata: { name: target.name, namespace: target.namespace, creationTimestamp: formatTime() },
    spec: { ...spec, audiences, expirationSeconds: Number(seconds) },
    status: { token, expirationTimestamp: formatTime(expires) },
  };
  return { type: 'object', code: 201, object: shown };
}
