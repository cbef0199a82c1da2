/** Messages of events/v1: field, type, protobuf number, rules. The grammar is in apimachinery/typetable.ts. */
export const eventsV1Types = `
Event kind
  metadata meta/v1.ObjectMeta 1
  eventTime MicroTime 2 !
  series EventSeries 3
  reportingController string 4
  reportingInstance string 5
  action string 6
  reason string 7
  regarding core/v1.ObjectReference 8
  related core/v1.ObjectReference 9
  note string 10
  type string 11
  deprecatedSource core/v1.EventSource 12
  deprecatedFirstTimestamp Time 13
  deprecatedLastTimestamp Time 14
  deprecatedCount int32 15

EventSeries
  count int32 1 !
  lastObservedTime MicroTime 2 !
`;
