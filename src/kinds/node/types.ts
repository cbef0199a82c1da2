/** Messages of node/v1: field, type, protobuf number, rules. The grammar is in apimachinery/typetable.ts. */
export const nodeV1Types = `
Overhead
  podFixed map:Quantity 1

RuntimeClass kind
  metadata meta/v1.ObjectMeta 1
  handler string 2 !
  overhead Overhead 3
  scheduling Scheduling 4

Scheduling
  nodeSelector map:string 1 atomic
  tolerations []core/v1.Toleration 2 atomic
`;
