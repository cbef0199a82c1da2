/** What a body is, by its Content-Type. */
import type { Body } from '../types.ts';

export const JSON_TYPE = 'application/json';
export const YAML_TYPE = 'application/yaml';
export const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf';

export const JSON_PATCH = 'application/json-patch+json';
export const MERGE_PATCH = 'application/merge-patch+json';
export const STRATEGIC_PATCH = 'application/strategic-merge-patch+json';
export const APPLY_PATCH = 'application/apply-patch+yaml';

/** The Content-Type without parameters; a missing one means JSON. */
export function mediaTypeOf(body: Body): string {
  if (body.kind === 'none' || body.contentType === '') {
    return JSON_TYPE;
  }
  const semicolon = body.contentType.indexOf(';');
  return (semicolon < 0 ? body.contentType : body.contentType.slice(0, semicolon)).trim().toLowerCase();
}
