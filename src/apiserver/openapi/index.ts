/** OpenAPI documents of what is served, made from the registry. All pure; the caller keeps the serialised bytes. */
export type { Steps } from './steps.ts';
export { openApiV2, openApiV2Steps } from './v2.ts';
export { openApiV2Protobuf, openApiV2ProtobufSteps } from './v2.protobuf.ts';
export { openApiV3, openApiV3Hash, openApiV3Index, openApiV3Paths } from './v3.ts';
