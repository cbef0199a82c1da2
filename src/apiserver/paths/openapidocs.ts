/** OpenAPI documents as bytes. Made when first asked for: kubectl asks, controllers never do. */
import type { Registry } from '../../kinds/registry.ts';
import { groupVersions } from '../discovery/index.ts';
import { openApiV2ProtobufSteps, openApiV2Steps, openApiV3, type Steps } from '../openapi/index.ts';

/** `api/v1`, `apis/apps/v1`… */
export function openApiPaths(registry: Registry): string[] {
  return [...groupVersions(registry)].flatMap(([group, versions]) =>
    versions.map((version) => (group === '' ? `api/${version}` : `apis/${group}/${version}`)));
}

export function openApiV3Text(registry: Registry, path: string): string | undefined {
  const document = openApiV3(registry, path);
  return document === undefined ? undefined : JSON.stringify(document);
}

/** The whole document takes a tenth of a second: everybody else gets turns meanwhile. */
export function* openApiV2Bytes(registry: Registry, binary: boolean): Steps<string | Uint8Array> {
  const document = yield* openApiV2Steps(registry);
  return binary ? yield* openApiV2ProtobufSteps(document) : JSON.stringify(document);
}
