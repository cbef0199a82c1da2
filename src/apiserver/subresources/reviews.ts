/** SelfSubjectReview, (Self)SubjectAccessReview, SelfSubjectRulesReview and TokenReview: questions that nothing stores. */
import type { JsonObject } from '../../apimachinery/object.ts';
import { isObject } from '../../apimachinery/values.ts';
import { badRequest } from '../../apimachinery/status.ts';
import type { Answer, Call, User } from '../types.ts';
import { readTyped } from '../verbs/body.ts';
import type { Core } from '../verbs/core.ts';
import { accessStatus, checkAccessReview, subjectOf, textOf, textsOf } from './accessreviews.ts';

type Review = (core: Core, call: Call, body: JsonObject) => Promise<JsonObject> | JsonObject;

interface ReviewKind {
  group: string;
  /** Message in the type table. */
  type: string;
  kind: string;
  review: Review;
}

const userInfo = (user: User): JsonObject => ({
  username: user.name,
  ...(user.uid === undefined ? {} : { uid: user.uid }),
  groups: [...user.groups],
  ...(user.extra === undefined ? {} : { extra: Object.fromEntries(Object.entries(user.extra).map(([key, values]) => [key, [...values]])) }),
});

async function reviewToken(core: Core, body: JsonObject): Promise<JsonObject> {
  const { spec } = body;
  const token = textOf(spec, 'token');
  if (token === '') {
    throw badRequest('token is required for TokenReview in authentication');
  }
  const asked = textsOf(isObject(spec) ? spec['audiences'] : undefined);
  const found = await core.bearers.review(token, asked.length === 0 ? core.bearers.audiences : asked);
  return found === undefined ? { user: {}, error: 'invalid bearer token' }
    : { authenticated: true, user: userInfo(found.user), audiences: [...found.audiences] };
}

function reviewRules(core: Core, call: Call, body: JsonObject): JsonObject {
  const namespace = textOf(body['spec'], 'namespace');
  if (namespace === '') {
    throw badRequest('no namespace on request');
  }
  return { ...core.authorizer.rulesFor(call.user, namespace) };
}

const access = (of: (call: Call, spec: unknown) => User): Review => (core, call, body) => {
  checkAccessReview(textOf(body, 'kind'), body, call.info.namespace);
  return accessStatus(core, body['spec'], of(call, body['spec']));
};

const AUTHORIZATION = 'authorization.k8s.io';
const AUTHENTICATION = 'authentication.k8s.io';

const REVIEWS: Readonly<Record<string, ReviewKind>> = {
  selfsubjectaccessreviews: {
    group: AUTHORIZATION, kind: 'SelfSubjectAccessReview', type: 'authorization/v1.SelfSubjectAccessReview',
    review: access((call) => call.user),
  },
  subjectaccessreviews: {
    group: AUTHORIZATION, kind: 'SubjectAccessReview', type: 'authorization/v1.SubjectAccessReview',
    review: access((_call, spec) => subjectOf(spec)),
  },
  localsubjectaccessreviews: {
    group: AUTHORIZATION, kind: 'LocalSubjectAccessReview', type: 'authorization/v1.LocalSubjectAccessReview',
    review: access((_call, spec) => subjectOf(spec)),
  },
  selfsubjectrulesreviews: {
    group: AUTHORIZATION, kind: 'SelfSubjectRulesReview', type: 'authorization/v1.SelfSubjectRulesReview',
    review: reviewRules,
  },
  selfsubjectreviews: {
    group: AUTHENTICATION, kind: 'SelfSubjectReview', type: 'authentication/v1.SelfSubjectReview',
    review: (_core, call) => ({ userInfo: userInfo(call.user) }),
  },
  tokenreviews: {
    group: AUTHENTICATION, kind: 'TokenReview', type: 'authentication/v1.TokenReview',
    review: (core, _call, body) => reviewToken(core, body),
  },
};

/** The review a path asks for; undefined for every other resource. */
export function reviewOf(call: Call): ReviewKind | undefined {
  const { group, version, resource } = call.info;
  const found = Object.hasOwn(REVIEWS, resource) ? REVIEWS[resource] : undefined;
  return found !== undefined && found.group === group && version === 'v1' ? found : undefined;
}

export async function answerReview(core: Core, call: Call, kind: ReviewKind): Promise<Answer> {
  const apiVersion = `${kind.group}/v1`;
  const body = readTyped(call, core.registry, { apiVersion, kind: kind.kind, type: kind.type }).object;
  const status = await kind.review(core, call, body);
  const metadata = isObject(body['metadata']) ? body['metadata'] : {};
  const spec = body['spec'];
  return {
    type: 'object', code: 201,
    object: { kind: kind.kind, apiVersion, metadata: { ...metadata, creationTimestamp: null }, ...(spec === undefined ? {} : { spec }), status },
  };
}
