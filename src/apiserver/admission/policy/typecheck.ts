/** What the types of the objects a policy is for say of its expressions: warnings that stand in the policy's status. Kubernetes' validatingadmissionpolicy-status controller. */
import {
  celTypeOfMessage, celTypeOfSchema, CelCompileError, compilePolicyExpression, DYN, type CelType, type ExpressionScope, type ExpressionUse, type ObjectType,
} from '../../../apimachinery/cel/index.ts';
import { parseApiVersion, type KubeObject } from '../../../apimachinery/object.ts';
import { isStatusError } from '../../../apimachinery/status.ts';
import { deepClone } from '../../../apimachinery/values.ts';
import type { ExpressionWarning, MatchResources, ValidatingAdmissionPolicy } from '../../../kinds/generated/admissionregistration.ts';
import type { AnyKind } from '../../../kinds/kind.ts';
import type { Registry } from '../../../kinds/registry.ts';
import { typed } from '../../../kinds/typed.ts';
import type { Core } from '../../verbs/core.ts';
import { updateObject } from '../../verbs/writes.ts';
import type { AdmissionPlugin } from '../admission.ts';

/** Types that one policy is checked against (Kubernetes' own limit). */
const MAX_TYPES = 10;
const PLURAL = 'validatingadmissionpolicies';

/** Only names say a type: wildcards and subresources do not. */
const isName = (text: string): boolean => !text.includes('*') && !text.includes('/');

function kindsOf(registry: Registry, constraints: MatchResources | undefined): AnyKind[] {
  const named = (constraints?.resourceRules ?? []).flatMap(({ apiGroups = [], apiVersions = [], resources = [] }) =>
    apiGroups.filter(isName).flatMap((group) => apiVersions.filter(isName).flatMap((version) =>
      resources.filter(isName).map((resource) => registry.byResource(group, version, resource)))));
  return [...new Set(named.filter((kind) => kind !== undefined))].slice(0, MAX_TYPES);
}

/** Rules of custom resources see little of metadata, policies all of it. */
function withMetadata(type: ObjectType, metadata: CelType): ObjectType {
  return { ...type, fieldNames: () => type.fieldNames(), field: (name) => (name === 'metadata' ? { name, type: metadata } : type.field(name)) };
}

function typeOf(registry: Registry, kind: AnyKind | undefined): CelType {
  if (kind === undefined) {
    return DYN;
  }
  if (kind.custom === undefined) {
    return celTypeOfMessage(registry.types, kind.type);
  }
  const type = celTypeOfSchema(kind.custom.schema, true);
  return type?.kind === 'object' ? withMetadata(type, celTypeOfMessage(registry.types, 'meta/v1.ObjectMeta')) : DYN;
}

/** The message of the compiler; undefined when the expression fits. */
function problem(expression: string, use: ExpressionUse, scope: ExpressionScope): string | undefined {
  try {
    compilePolicyExpression(expression, use, scope);
    return undefined;
  } catch (error) {
    if (error instanceof CelCompileError) {
      return error.message;
    }
    throw error;
  }
}

function scopeFor(policy: ValidatingAdmissionPolicy, object: CelType, paramsType: CelType): ExpressionScope {
  const base: ExpressionScope = { params: policy.spec?.paramKind !== undefined, object, paramsType };
  const variables = new Map<string, CelType>();
  for (const { name, expression } of policy.spec?.variables ?? []) {
    const scope = { ...base, variables: new Map(variables) };
    variables.set(name, problem(expression, 'variable', scope) === undefined ? compilePolicyExpression(expression, 'variable', scope).type : DYN);
  }
  return { ...base, variables };
}

const kindText = ({ group, version, kind }: AnyKind): string => `${group === '' ? '' : `${group}/`}${version}, Kind=${kind}`;

/** One warning for each expression that does not fit one of the types; a line for each type. */
export function typeWarnings(policy: ValidatingAdmissionPolicy, registry: Registry): ExpressionWarning[] {
  const kinds = kindsOf(registry, policy.spec?.matchConstraints);
  const { apiVersion = '', kind = '' } = policy.spec?.paramKind ?? {};
  const { group, version } = parseApiVersion(apiVersion);
  const params = typeOf(registry, registry.byKind(group, version, kind));
  const scopes = kinds.map((one) => ({ kind: one, scope: scopeFor(policy, typeOf(registry, one), params) }));
  const check = (fieldRef: string, expression: string | undefined, use: ExpressionUse): ExpressionWarning[] => {
    const problems = expression === undefined || expression === '' ? [] : scopes.flatMap(({ kind: one, scope }) => {
      const why = problem(expression, use, scope);
      return why === undefined ? [] : [`${kindText(one)}: ${why}`];
    });
    return problems.length === 0 ? [] : [{ fieldRef, warning: `${problems.join('\n')}\n` }];
  };
  return (policy.spec?.validations ?? []).flatMap(({ expression, messageExpression }, index) => [
    ...check(`spec.validations[${index}].expression`, expression, 'validation'), ...check(`spec.validations[${index}].messageExpression`, messageExpression, 'message'),
  ]);
}

const asPolicy = (object: KubeObject): ValidatingAdmissionPolicy => typed('admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy', object);
const SELF = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };

/** Checks policies that were written and writes what it found into their status. */
export class PolicyTypeChecker implements AdmissionPlugin {
  readonly name = 'ValidatingAdmissionPolicyStatus';
  #core: Core | undefined;
  /** One policy after the other: a burst of policies must not hold up requests. */
  #queue: Promise<void> = Promise.resolve();

  /** From now on, and for what is stored already. */
  start(core: Core): void {
    this.#core = core;
    for (const object of core.lookup.list(['admissionregistration.k8s.io', 'v1', PLURAL])) {
      this.#enqueue(core, asPolicy(object));
    }
  }

  committed(kind: AnyKind, now: KubeObject | undefined): void {
    if (kind.plural === PLURAL && now !== undefined && this.#core !== undefined) {
      this.#enqueue(this.#core, asPolicy(now));
    }
  }

  /** Resolves when everything written so far is checked; what comes later is checked at the next start. */
  async stop(): Promise<void> {
    this.#core = undefined;
    await this.#queue;
  }

  #enqueue(core: Core, policy: ValidatingAdmissionPolicy): void {
    if (policy.status?.observedGeneration !== policy.metadata.generation) {
      this.#queue = this.#queue.then(() => this.#check(core, policy)).catch((error: unknown) => {
        core.log.error({ policy: policy.metadata.name, error }, 'the types of a policy could not be checked');
      });
    }
  }

  async #check(core: Core, policy: ValidatingAdmissionPolicy): Promise<void> {
    const kind = core.registry.byResource('admissionregistration.k8s.io', 'v1', PLURAL);
    if (kind === undefined) {
      return;
    }
    const expressionWarnings = typeWarnings(policy, core.registry);
    const target = { kind, namespace: '', name: policy.metadata.name };
    try {
      await updateObject(core, {
        target, scope: { part: 'status' },
        mutate(current) {
          const next = asPolicy(deepClone(current));
          if (next.metadata.generation === policy.metadata.generation) {
            next.status = {
              ...next.status, ...(policy.metadata.generation === undefined ? {} : { observedGeneration: policy.metadata.generation }),
              typeChecking: expressionWarnings.length === 0 ? {} : { expressionWarnings },
            };
          }
          return next;
        },
      }, { user: SELF, dryRun: false, warnings: [] });
    } catch (error) {
      // Deleted in the meantime: nothing is left to say.
      if (!isStatusError(error, 'NotFound')) {
        throw error;
      }
    }
  }
}
