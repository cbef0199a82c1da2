/** Messages of discovery/v1: field, type, protobuf number, rules. The grammar is in apimachinery/typetable.ts. */
export const discoveryV1Types = `
Endpoint
  addresses []string 1 ! set
  conditions EndpointConditions 2
  hostname string 3
  targetRef core/v1.ObjectReference 4
  deprecatedTopology map:string 5
  nodeName string 6
  zone string 7
  hints EndpointHints 8

EndpointConditions
  ready bool 1
  serving bool 2
  terminating bool 3

EndpointHints
  forZones []ForZone 1 atomic
  forNodes []ForNode 2 atomic

EndpointPort atomic
  name string 1
  protocol string 2 enum=SCTP|TCP|UDP
  port int32 3
  appProtocol string 4

EndpointSlice kind
  metadata meta/v1.ObjectMeta 1
  endpoints []Endpoint 2 atomic
  ports []EndpointPort 3 atomic
  addressType string 4 ! enum=FQDN|IPv4|IPv6

ForNode
  name string 1 !

ForZone
  name string 1 !
`;
