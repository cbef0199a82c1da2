/** Messages of apiregistration/v1: field, type, protobuf number, rules. The grammar is in apimachinery/typetable.ts. */
export const apiregistrationV1Types = `
APIService kind
  metadata meta/v1.ObjectMeta -
  spec APIServiceSpec -
  status APIServiceStatus -

APIServiceCondition
  lastTransitionTime Time -
  message string -
  reason string -
  status string - !
  type string - !

APIServiceSpec
  caBundle bytes - atomic
  group string -
  groupPriorityMinimum int32 - !
  insecureSkipTLSVerify bool -
  service ServiceReference -
  version string -
  versionPriority int32 - !

APIServiceStatus
  conditions []APIServiceCondition - map=type patch=merge:type

ServiceReference
  name string -
  namespace string -
  port int32 -
`;
