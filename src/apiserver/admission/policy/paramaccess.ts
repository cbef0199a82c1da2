/**
 * Whoever writes a policy or a binding with parameters must be allowed to read them: their contents show in what the policy says. Kubernetes asks
 * this in the strategies of these kinds.
 */
import { parseApiVersion, type KubeObject } from '../../../apimachinery/object.ts';
import { fieldError, invalid, type FieldError } from '../../../apimachinery/status.ts';
import { deepEqual } from '../../../apimachinery/values.ts';
import type { ParamKind, ParamRef } from '../../../kinds/generated/admissionregistration.ts';
import { typed } from '../../../kinds/typed.ts';
import type { Attributes, Authorizer } from '../../authz/authorizer.ts';
import { MASTERS } from '../../authz/masters.ts';
import type { ResourcePath } from '../../lookup.ts';
import type { User } from '../../types.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { isPolicyResource, type Matching } from './match.ts';

/** As Go prints a user. */
const userText = ({ name, uid = '', groups, extra = {} }: User): string =>
  `&{${name} ${uid} [${groups.join(' ')}] map[${Object.entries(extra).map(([key, values]) => `${key}:[${values.join(' ')}]`).join(' ')}]}`;

/** What a policy or a binding says of parameters. */
interface Parameters { readonly paramKind?: ParamKind | undefined; readonly paramRef?: ParamRef | undefined; readonly policyName?: string | undefined }

function parametersOf(plural: string, object: KubeObject): Parameters {
  const version = 'admissionregistration.k8s.io/v1';
  switch (plural) {
    case 'validatingadmissionpolicies': return { paramKind: typed(`${version} ValidatingAdmissionPolicy`, object).spec?.paramKind };
    case 'mutatingadmissionpolicies': return { paramKind: typed(`${version} MutatingAdmissionPolicy`, object).spec.paramKind };
    case 'validatingadmissionpolicybindings': return typed(`${version} ValidatingAdmissionPolicyBinding`, object).spec;
    default: return typed(`${version} MutatingAdmissionPolicyBinding`, object).spec;
  }
}

const picked = ({ paramKind, paramRef, policyName }: Parameters): unknown[] => [paramKind ?? null, paramRef ?? null, policyName ?? null];

export class PolicyParameterAccess implements AdmissionPlugin {
  readonly name = 'AdmissionPolicyParameters';
  readonly #matching: Matching;
  readonly #authorizer: Authorizer;

  constructor(matching: Matching, authorizer: Authorizer) {
    this.#matching = matching;
    this.#authorizer = authorizer;
  }

  validate(request: AdmissionRequest): void | Promise<void> {
    return isPolicyResource(request) && request.object !== undefined && request.subresource === '' && !request.user.groups.includes(MASTERS)
      ? this.#check(request, request.object) : undefined;
  }

  async #check(request: AdmissionRequest, object: KubeObject): Promise<void> {
    const { plural, group, kind } = request.kind;
    const given = parametersOf(plural, object);
    if (request.old !== undefined && deepEqual(picked(given), picked(parametersOf(plural, request.old)))) {
      return;
    }
    const error = given.paramRef === undefined ? await this.#ofKind(request.user, given.paramKind) : await this.#ofObject(request, given, given.paramRef);
    if (error !== undefined) {
      throw invalid({ group, resource: kind, name: request.name }, [error]);
    }
  }

  /** What may be read, as far as the kind of the parameters is known; everything otherwise. */
  #attributes(user: User, paramKind: ParamKind | undefined, place: { namespace: string; name: string }): Attributes {
    const everything = { group: '*', version: '*', resource: '*' };
    const where = paramKind?.apiVersion === undefined ? everything : { ...parseApiVersion(paramKind.apiVersion), resource: '*' };
    const kind = this.#matching.registry.byKind(where.group, where.version, paramKind?.kind ?? '');
    return { user, verb: 'get', isResource: true, ...where, ...(kind === undefined ? {} : { resource: kind.plural }), subresource: '', ...place, path: '' };
  }

  async #ofKind(user: User, paramKind: ParamKind | undefined): Promise<FieldError | undefined> {
    if (paramKind === undefined) {
      return undefined;
    }
    const { allowed } = await this.#authorizer.authorize(this.#attributes(user, paramKind, { namespace: '*', name: '*' }));
    return allowed ? undefined : fieldError.forbidden('spec.paramKind', `user ${userText(user)} must have "get" permission on all objects of the referenced paramKind `
      + `(kind=${paramKind.kind ?? ''}, apiVersion=${paramKind.apiVersion ?? ''})`);
  }

  async #ofObject({ user, kind }: AdmissionRequest, { policyName = '' }: Parameters, { name = '', namespace = '' }: ParamRef): Promise<FieldError | undefined> {
    const plural = kind.plural.replace(/bindings$/, '').replace(/policy$/, 'policies');
    const path: ResourcePath = ['admissionregistration.k8s.io', 'v1', plural];
    const policy = this.#matching.lookup.get(path, '', policyName);
    const paramKind = policy === undefined ? undefined : parametersOf(plural, policy).paramKind;
    const { allowed } = await this.#authorizer.authorize(this.#attributes(user, paramKind, { namespace, name }));
    return allowed ? undefined : fieldError.forbidden('spec.paramRef', `user ${userText(user)} does not have "get" permission on the object referenced by paramRef`);
  }
}
