/** Messages of authentication/v1: field, type, protobuf number, rules. The grammar is in apimachinery/typetable.ts. */
export const authenticationV1Types = `
BoundObjectReference
  kind string 1
  apiVersion string 2
  name string 3
  uid string 4

SelfSubjectReview kind
  metadata meta/v1.ObjectMeta 1
  status SelfSubjectReviewStatus 2

SelfSubjectReviewStatus
  userInfo UserInfo 1

TokenRequest kind
  metadata meta/v1.ObjectMeta 1
  spec TokenRequestSpec 2
  status TokenRequestStatus 3

TokenRequestSpec
  audiences []string 1 atomic
  boundObjectRef BoundObjectReference 3
  expirationSeconds int64 4

TokenRequestStatus
  token string 1
  expirationTimestamp Time 2

TokenReview kind
  metadata meta/v1.ObjectMeta 1
  spec TokenReviewSpec 2 !
  status TokenReviewStatus 3

TokenReviewSpec
  token string 1 !
  audiences []string 2 atomic

TokenReviewStatus
  authenticated bool 1
  user UserInfo 2
  error string 3
  audiences []string 4 atomic

UserInfo
  username string 1
  uid string 2
  groups []string 3 atomic
  extra map:[]string 4
`;
