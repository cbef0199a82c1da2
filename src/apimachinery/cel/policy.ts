/**
 * What expressions of admission policies and webhooks see: the variables with their types, and how each kind of expression is compiled. Objects are
 * `dyn`, as in Kubernetes, where only the status of a policy tells of fields that their types do not have.
 */
import { compile } from './compile.ts';
import { CelCompileError } from './errors.ts';
import type { CelProgram } from './program.ts';
import {
  BOOL, DYN, INT, listOf, mapOf, NULL, objectType, opaque, STRING, TIMESTAMP, type CelType, type ObjectType,
} from './types.ts';

const GROUP_VERSION_KIND = objectType('kubernetes.GroupVersionKind', { group: STRING, version: STRING, kind: STRING });
const GROUP_VERSION_RESOURCE = objectType('kubernetes.GroupVersionResource', { group: STRING, version: STRING, resource: STRING });
const USER_INFO = objectType('kubernetes.UserInfo', { username: STRING, uid: STRING, groups: listOf(STRING), extra: mapOf(STRING, listOf(STRING)) });

/** `request`: an AdmissionRequest of admission.k8s.io/v1 without the objects. */
export const REQUEST_TYPE = objectType('kubernetes.AdmissionRequest', {
  kind: GROUP_VERSION_KIND, resource: GROUP_VERSION_RESOURCE, subResource: STRING,
  requestKind: GROUP_VERSION_KIND, requestResource: GROUP_VERSION_RESOURCE, requestSubResource: STRING,
  name: STRING, namespace: STRING, operation: STRING, userInfo: USER_INFO, dryRun: BOOL, options: DYN,
});

/** `namespaceObject`: the namespace the object is in. */
export const NAMESPACE_TYPE = objectType('kubernetes.Namespace', {
  metadata: objectType('kubernetes.NamespaceMetadata', {
    name: STRING, generateName: STRING, namespace: STRING, labels: mapOf(STRING, STRING), annotations: mapOf(STRING, STRING), UID: STRING,
    creationTimestamp: TIMESTAMP, deletionGracePeriodSeconds: INT, deletionTimestamp: TIMESTAMP, generation: INT, resourceVersion: STRING,
    finalizers: listOf(STRING),
  }),
  spec: objectType('kubernetes.NamespaceSpec', { finalizers: listOf(STRING) }),
  status: objectType('kubernetes.NamespaceStatus', { phase: STRING }),
});

const AUTHORIZER = opaque('kubernetes.authorization.Authorizer');
const RESOURCE_CHECK = opaque('kubernetes.authorization.ResourceCheck');

/** `Object` and everything below it: whatever fields an apply configuration has. */
export function applyConfigurationType(name: string): ObjectType | undefined {
  return name === 'Object' || name.startsWith('Object.')
    ? { kind: 'object', name, field: (field) => ({ name: field, type: DYN }), fieldNames: () => [] } : undefined;
}

export type ExpressionUse = 'condition' | 'validation' | 'message' | 'auditAnnotation' | 'variable' | 'applyConfiguration' | 'jsonPatch';

/** What an expression of each use must give. */
function resultOf(use: ExpressionUse): readonly CelType[] {
  switch (use) {
    case 'condition': case 'validation': return [BOOL];
    case 'message': return [STRING];
    case 'auditAnnotation': return [STRING, NULL];
    case 'applyConfiguration': return [applyConfigurationType('Object') ?? DYN];
    case 'jsonPatch': return [listOf(objectType('JSONPatch', {}))];
    default: return [];
  }
}

export interface ExpressionScope {
  /** The policy has a paramKind. */
  readonly params: boolean;
  /** `variables` of the policy that stand before the expression; absent where there are none to be had. */
  readonly variables?: ReadonlyMap<string, CelType>;
  /** The type of `object` and `oldObject`. Default: dyn. */
  readonly object?: CelType;
  /** The type of `params`. Default: dyn. */
  readonly paramsType?: CelType;
}

function variablesType(variables: ReadonlyMap<string, CelType>): ObjectType {
  const names = [...variables.keys()];
  return {
    kind: 'object', name: 'kubernetes.variables', fieldNames: () => names,
    field(name) {
      const type = variables.get(name);
      return type === undefined ? undefined : { name, type };
    },
  };
}

/** Compiles an expression of a policy or webhook. Throws CelCompileError; the message begins with `compilation failed: ` but for results of the wrong type. */
export function compilePolicyExpression(expression: string, use: ExpressionUse, scope: ExpressionScope): CelProgram {
  const object = scope.object ?? DYN;
  const authorizer = use !== 'message';
  const mutates = use === 'applyConfiguration' || use === 'jsonPatch' || use === 'variable';
  return compile(expression, {
    variables: {
      object, oldObject: object, request: REQUEST_TYPE, namespaceObject: NAMESPACE_TYPE,
      ...(scope.params ? { params: scope.paramsType ?? DYN } : {}),
      ...(scope.variables === undefined ? {} : { variables: variablesType(scope.variables) }),
      ...(authorizer ? { authorizer: AUTHORIZER, 'authorizer.requestResource': RESOURCE_CHECK } : {}),
    },
    expected: resultOf(use),
    ...(mutates ? { structs: applyConfigurationType } : {}),
  });
}

/** What is wrong with an expression, as Kubernetes says it in the validation of a policy; undefined when nothing is. */
export function policyExpressionError(expression: string, use: ExpressionUse, scope: ExpressionScope): string | undefined {
  try {
    compilePolicyExpression(expression, use, scope);
    return undefined;
  } catch (error) {
    if (error instanceof CelCompileError) {
      return error.issues.some(({ offset }) => offset < 0) ? error.message : `compilation failed: ${error.message}`;
    }
    throw error;
  }
}
