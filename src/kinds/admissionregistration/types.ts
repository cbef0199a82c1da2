/** Messages of admissionregistration/v1: field, type, protobuf number, rules. The grammar is in apimachinery/typetable.ts. */
export const admissionregistrationV1Types = `
ApplyConfiguration
  expression string 1

AuditAnnotation
  key string 1 !
  valueExpression string 2 !

ExpressionWarning
  fieldRef string 2 !
  warning string 3 !

JSONPatch
  expression string 1

MatchCondition
  name string 1 !
  expression string 2 !

MatchResources atomic
  namespaceSelector meta/v1.LabelSelector 1
  objectSelector meta/v1.LabelSelector 2
  resourceRules []NamedRuleWithOperations 3 atomic
  excludeResourceRules []NamedRuleWithOperations 4 atomic
  matchPolicy string 7 enum=Equivalent|Exact

MutatingAdmissionPolicy kind
  metadata meta/v1.ObjectMeta 1
  spec MutatingAdmissionPolicySpec 2

MutatingAdmissionPolicyBinding kind
  metadata meta/v1.ObjectMeta 1
  spec MutatingAdmissionPolicyBindingSpec 2

MutatingAdmissionPolicyBindingSpec
  policyName string 1
  paramRef ParamRef 2
  matchResources MatchResources 3

MutatingAdmissionPolicySpec
  paramKind ParamKind 1
  matchConstraints MatchResources 2
  variables []Variable 3 atomic
  mutations []Mutation 4 atomic
  failurePolicy string 5 enum=Fail|Ignore
  matchConditions []MatchCondition 6 map=name patch=merge:name
  reinvocationPolicy string 7 enum=IfNeeded|Never

MutatingWebhook
  name string 1 !
  clientConfig WebhookClientConfig 2 !
  rules []RuleWithOperations 3 atomic
  failurePolicy string 4 enum=Fail|Ignore
  namespaceSelector meta/v1.LabelSelector 5
  sideEffects string 6 ! enum=None|NoneOnDryRun|Some|Unknown
  timeoutSeconds int32 7
  admissionReviewVersions []string 8 ! atomic
  matchPolicy string 9 enum=Equivalent|Exact
  reinvocationPolicy string 10 enum=IfNeeded|Never
  objectSelector meta/v1.LabelSelector 11
  matchConditions []MatchCondition 12 map=name patch=merge:name

MutatingWebhookConfiguration kind
  metadata meta/v1.ObjectMeta 1
  webhooks []MutatingWebhook 2 map=name patch=merge:name

Mutation
  patchType string 2 ! enum=ApplyConfiguration|JSONPatch
  applyConfiguration ApplyConfiguration 3
  jsonPatch JSONPatch 4

NamedRuleWithOperations atomic
  resourceNames []string 1 atomic
  apiGroups []string 2.2.1 atomic
  apiVersions []string 2.2.2 atomic
  operations []string 2.1 atomic enum=*|CONNECT|CREATE|DELETE|UPDATE
  resources []string 2.2.3 atomic
  scope string 2.2.4 enum=*|Cluster|Namespaced

ParamKind atomic
  apiVersion string 1
  kind string 2

ParamRef atomic
  name string 1
  namespace string 2
  selector meta/v1.LabelSelector 3
  parameterNotFoundAction string 4

RuleWithOperations
  operations []string 1 atomic enum=*|CONNECT|CREATE|DELETE|UPDATE
  apiGroups []string 2.1 atomic
  apiVersions []string 2.2 atomic
  resources []string 2.3 atomic
  scope string 2.4 enum=*|Cluster|Namespaced

ServiceReference
  namespace string 1 !
  name string 2 !
  path string 3
  port int32 4

TypeChecking
  expressionWarnings []ExpressionWarning 1 atomic

ValidatingAdmissionPolicy kind
  metadata meta/v1.ObjectMeta 1
  spec ValidatingAdmissionPolicySpec 2
  status ValidatingAdmissionPolicyStatus 3

ValidatingAdmissionPolicyBinding kind
  metadata meta/v1.ObjectMeta 1
  spec ValidatingAdmissionPolicyBindingSpec 2 !

ValidatingAdmissionPolicyBindingSpec
  policyName string 1 !
  paramRef ParamRef 2
  matchResources MatchResources 3
  validationActions []string 4 ! set enum=Audit|Deny|Warn

ValidatingAdmissionPolicySpec
  paramKind ParamKind 1
  matchConstraints MatchResources 2
  validations []Validation 3 atomic
  failurePolicy string 4 enum=Fail|Ignore
  auditAnnotations []AuditAnnotation 5 atomic
  matchConditions []MatchCondition 6 map=name patch=merge:name
  variables []Variable 7 map=name patch=merge:name

ValidatingAdmissionPolicyStatus
  observedGeneration int64 1
  typeChecking TypeChecking 2
  conditions []meta/v1.Condition 3 map=type

ValidatingWebhook
  name string 1 !
  clientConfig WebhookClientConfig 2 !
  rules []RuleWithOperations 3 atomic
  failurePolicy string 4 enum=Fail|Ignore
  namespaceSelector meta/v1.LabelSelector 5
  sideEffects string 6 ! enum=None|NoneOnDryRun|Some|Unknown
  timeoutSeconds int32 7
  admissionReviewVersions []string 8 ! atomic
  matchPolicy string 9 enum=Equivalent|Exact
  objectSelector meta/v1.LabelSelector 10
  matchConditions []MatchCondition 11 map=name patch=merge:name

ValidatingWebhookConfiguration kind
  metadata meta/v1.ObjectMeta 1
  webhooks []ValidatingWebhook 2 map=name patch=merge:name

Validation
  expression string 1 !
  message string 2
  reason string 3
  messageExpression string 4

Variable atomic
  name string 1 !
  expression string 2 !

WebhookClientConfig
  service ServiceReference 1
  caBundle bytes 2
  url string 3
`;
