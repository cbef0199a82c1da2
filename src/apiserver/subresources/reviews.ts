/** SelfSubjectReview, (Self)SubjectAccessReview, SelfSubjectRulesReview and TokenReview: questions that nothing stores. */
import type { JsonObject } from '../../apimachinery/object.ts';
import { isObject } from '../../apimachinery/values.ts';
import type { Attributes } from '../authz/authorizer.ts';
import type { Answer, Call, User } from '../types.ts';
import { readTyped } from '../verbs/body.ts';
import type { Core } from '../verbs/core.ts';

type Review = (core: Core, call: Call, body: JsonObject) => Promise<JsonObject> | JsonObject;

interface ReviewKind {
  group: string;
  /** Message in the type table. */
  type: string;
  kind: string;
  review: Review;
}

const textOf = (object: unknown, name: string): string => {
  const value = isObject(object) ? object[name] : undefined;
  return typeof value === 'string' ? value : '';
};

const textsOf = (value: unknown): string[] => (Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : []);

function attributesFrom(spec: unknown, user: User): Attributes {
  const resource = isObject(spec) ? spec['resourceAttributes'] : undefined;
  const path = isObject(spec) ? spec['nonResourceAttributes'] : undefined;
  return {
    user, isResource: isObject(resource), verb: textOf(resource ?? path, 'verb'), group: textOf(resource, 'group'), version: textOf(resource, 'version'),
    resource: textOf(resource, 'resource'), subresource: textOf(resource, 'subresource'), namespace: textOf(resource, 'namespace'),
    name: textOf(resource, 'name'), path: textOf(path, 'path'),
  };
}

async function accessStatus(core: Core, spec: unknown, user: User): Promise<JsonObject> {
  const { allowed, reason } = await core.authorizer.authorize(attributesFrom(spec, user));
  return { allowed, ...(reason === '' ? {} : { reason }) };
}

/** The user a SubjectAccessReview asks about. */
function subjectOf(spec: unknown): User {
  return { name: textOf(spec, 'user'), uid: textOf(spec, 'uid'), groups: textsOf(isObject(spec) ? spec['groups'] : undefined) };
}

const userInfo = (user: User): JsonObject => ({
  username: user.name,
  ...(user.uid === undefined ? {} : { uid: user.uid }),
  groups: [...user.groups],
  ...(user.extra === undefined ? {} : { extra: Object.fromEntries(Object.entries(user.extra).map(([key, values]) => [key, [...values]])) }),
});

function reviewToken(core: Core, body: JsonObject): JsonObject {
  const { spec } = body;
  const asked = textsOf(isObject(spec) ? spec['audiences'] : undefined);
  const found = core.tokens.review(textOf(spec, 'token'), asked.length === 0 ? [core.tokens.issuer] : asked);
  return found === undefined
    ? { authenticated: false, error: 'invalid bearer token' }
    : { authenticated: true, user: userInfo(found.user), audiences: [...found.audiences] };
}

const AUTHORIZATION = 'authorization.k8s.io';
const AUTHENTICATION = 'authentication.k8s.io';

const REVIEWS: Readonly<Record<string, ReviewKind>> = {
  selfsubjectaccessreviews: {
    group: AUTHORIZATION, kind: 'SelfSubjectAccessReview', type: 'authorization/v1.SelfSubjectAccessReview',
    review: (core, call, body) => accessStatus(core, body['spec'], call.user),
  },
  subjectaccessreviews: {
    group: AUTHORIZATION, kind: 'SubjectAccessReview', type: 'authorization/v1.SubjectAccessReview',
    review: (core, _call, body) => accessStatus(core, body['spec'], subjectOf(body['spec'])),
  },
  localsubjectaccessreviews: {
    group: AUTHORIZATION, kind: 'LocalSubjectAccessReview', type: 'authorization/v1.LocalSubjectAccessReview',
    review: (core, _call, body) => accessStatus(core, body['spec'], subjectOf(body['spec'])),
  },
  selfsubjectrulesreviews: {
    group: AUTHORIZATION, kind: 'SelfSubjectRulesReview', type: 'authorization/v1.SelfSubjectRulesReview',
    review: (core, call, body) => {
      const { resourceRules, nonResourceRules } = core.authorizer.rulesFor(call.user, textOf(body['spec'], 'namespace'));
      return { resourceRules, nonResourceRules, incomplete: false };
    },
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
