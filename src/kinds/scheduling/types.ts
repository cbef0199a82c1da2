/** Messages of scheduling/v1: field, type, protobuf number, rules. The grammar is in apimachinery/typetable.ts. */
export const schedulingV1Types = `
PriorityClass kind
  metadata meta/v1.ObjectMeta 1
  value int32 2
  globalDefault bool 3
  description string 4
  preemptionPolicy string 5 enum=Never|PreemptLowerPriority
`;
