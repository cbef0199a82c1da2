/** Answers the `authorizer` of expressions from the server's own authorizer, once per question and request. */
import { celAuthorizer, celResourceCheck, type AccessAnswer, type AccessQuestion, type CelValue } from '../../../apimachinery/cel/index.ts';
import { parseFieldSelector, parseLabelSelector } from '../../../apimachinery/selectors.ts';
import type { Attributes, Authorizer } from '../../authz/authorizer.ts';
import type { User } from '../../types.ts';
import type { AdmissionRequest } from '../admission.ts';

/** Questions of one request that are remembered; an expression asks two at most. */
const MAX_ANSWERS = 1_000;

/** An answer takes time: evaluate again when `ready` has come. */
export class AccessPending extends Error {
  override name = 'AccessPending';
  readonly ready: Promise<void>;
  constructor(ready: Promise<void>) {
    super('the authorizer has not answered yet');
    this.ready = ready;
  }
}

const serviceAccountUser = ({ namespace, name }: { namespace: string; name: string }): User => ({
  name: `system:serviceaccount:${namespace}:${name}`, groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
});

function attributesOf(question: AccessQuestion, asker: User): Attributes {
  const { verb, path, group, resource, subresource, namespace, name, fieldSelector, labelSelector } = question;
  return {
    user: question.serviceAccount === undefined ? asker : serviceAccountUser(question.serviceAccount),
    verb, isResource: path === undefined, group, version: path === undefined ? '*' : '', resource, subresource, namespace, name, path: path ?? '',
    ...(fieldSelector === '' ? {} : { fields: parseFieldSelector(fieldSelector) }), ...(labelSelector === '' ? {} : { labels: parseLabelSelector(labelSelector) }),
  };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const failed = (error: unknown): AccessAnswer => ({ allowed: false, reason: '', error: messageOf(error) });

export class Access {
  readonly #authorizer: Authorizer;
  readonly #user: User;
  readonly #answers = new Map<string, AccessAnswer>();

  constructor(authorizer: Authorizer, user: User) {
    this.#authorizer = authorizer;
    this.#user = user;
  }

  #ask(question: AccessQuestion): AccessAnswer {
    const key = JSON.stringify(question);
    const known = this.#answers.get(key);
    if (known !== undefined) {
      return known;
    }
    if (this.#answers.size >= MAX_ANSWERS) {
      this.#answers.clear();
    }
    const keep = (answer: AccessAnswer): AccessAnswer => {
      this.#answers.set(key, answer);
      return answer;
    };
    try {
      const decision = this.#authorizer.authorize(attributesOf(question, this.#user));
      if (!(decision instanceof Promise)) {
        return keep({ allowed: decision.allowed, reason: decision.reason });
      }
      throw new AccessPending(decision.then(({ allowed, reason }) => void keep({ allowed, reason }), (error: unknown) => void keep(failed(error))));
    } catch (error) {
      if (error instanceof AccessPending) {
        throw error;
      }
      return keep(failed(error));
    }
  }

  /** The variable `authorizer`. */
  authorizer(): CelValue {
    return celAuthorizer((question) => this.#ask(question));
  }

  /** The variable `authorizer.requestResource`. */
  requestResource({ requestResource: { group, resource }, subresource, namespace, name }: AdmissionRequest): CelValue {
    return celResourceCheck((question) => this.#ask(question), { group, resource, subresource, namespace, name });
  }
}

/** Runs what evaluates expressions, again each time an answer had to be waited for. `run` must be free of side effects until it returns. */
export function whenAnswered<T>(run: () => T): T | Promise<T> {
  try {
    return run();
  } catch (error) {
    if (error instanceof AccessPending) {
      return error.ready.then(() => whenAnswered(run));
    }
    throw error;
  }
}
