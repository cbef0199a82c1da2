/** Conversion by webhook: ConversionReview v1 over HTTPS (k8s.io/apiextensions-apiserver/pkg/apiserver/conversion). */
import { randomUUID } from 'node:crypto';
import { parseApiVersion, type JsonObject, type KubeObject } from '../../apimachinery/object.ts';
import { internalError, type StatusError } from '../../apimachinery/status.ts';
import { isObject } from '../../apimachinery/values.ts';
import type { CustomResourceDefinition } from '../../kinds/generated/apiextensions.ts';
import type { WebhookClient } from '../admission/webhooks/client.ts';
import { CONVERSION_BATCH, CONVERSION_TIMEOUT_SECONDS } from '../limits.ts';
import { asKubeObject } from '../verbs/body.ts';
import type { Converter } from './conversion.ts';

const REVIEW = { kind: 'ConversionReview', apiVersion: 'apiextensions.k8s.io/v1' };

/** The converted objects of an answer. Throws Error, in Kubernetes' words. */
function convertedOf(answer: unknown, uid: string, count: number): unknown[] {
  const response = isObject(answer) ? answer['response'] : undefined;
  if (!isObject(answer) || answer['kind'] !== REVIEW.kind || answer['apiVersion'] !== REVIEW.apiVersion || !isObject(response)) {
    throw new Error('expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview');
  }
  if (response['uid'] !== uid) {
    throw new Error(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response['uid'])}`);
  }
  const result = isObject(response['result']) ? response['result'] : {};
  if (result['status'] !== 'Success') {
    throw new Error(typeof result['message'] === 'string' && result['message'] !== '' ? result['message'] : `response.result.status was '${String(result['status'])}', not 'Success'`);
  }
  const objects = response['convertedObjects'];
  if (!Array.isArray(objects) || objects.length !== count) {
    throw new Error(`webhook returned ${Array.isArray(objects) ? objects.length : 0} objects, expected ${count}`);
  }
  return objects;
}

/** One answer, held to what a conversion may change: the rest of the metadata stays as it was. Throws Error. */
function checked(converted: unknown, original: KubeObject, apiVersion: string, index: number): KubeObject {
  const wrong = (why: string): Error => new Error(`webhook returned invalid converted object at index ${index}: ${why}`);
  if (!isObject(converted) || converted['apiVersion'] !== apiVersion) {
    throw wrong(`invalid groupVersion (expected: ${apiVersion}, received: ${isObject(converted) ? String(converted['apiVersion']) : 'no object'})`);
  }
  if (converted['kind'] !== original.kind) {
    throw wrong(`invalid kind (expected: ${original.kind}, received: ${String(converted['kind'])})`);
  }
  const meta = converted['metadata'];
  if (!isObject(meta)) {
    throw wrong('missing metadata');
  }
  for (const name of ['name', 'namespace', 'uid'] as const) {
    if ((meta[name] ?? '') !== (original.metadata[name] ?? '')) {
      throw wrong(`metadata.${name} is immutable`);
    }
  }
  const { labels, annotations } = meta;
  // Labels and annotations are all of the metadata that a conversion may touch.
  const metadata = { ...original.metadata, ...(isObject(labels) ? { labels } : {}), ...(isObject(annotations) ? { annotations } : {}) };
  return asKubeObject(toJson({ ...converted, metadata }));
}

/** What came as JSON is JSON. */
const toJson = (value: Record<string, unknown>): JsonObject => value as JsonObject;

/** Asks the webhook of a definition; undefined for the strategy None. */
export function webhookConverter(definition: CustomResourceDefinition, client: WebhookClient): Converter | undefined {
  const { conversion, group, names } = definition.spec;
  const config = conversion?.strategy === 'Webhook' ? conversion.webhook?.clientConfig : undefined;
  if (config === undefined) {
    return undefined;
  }
  const failed = (version: string, error: unknown): StatusError => Object.assign(internalError(
    `conversion webhook for ${group}/${version}, Kind=${names.kind} failed: ${error instanceof Error ? error.message : String(error)}`), { cause: error });
  const batch = async (objects: readonly KubeObject[], apiVersion: string): Promise<KubeObject[]> => {
    const uid = randomUUID();
    try {
      const answer = await client.post(config, { ...REVIEW, request: { uid, desiredAPIVersion: apiVersion, objects } }, CONVERSION_TIMEOUT_SECONDS);
      const converted = convertedOf(answer, uid, objects.length);
      return objects.map((object, index) => checked(converted[index], object, apiVersion, index));
    } catch (error) {
      throw failed(parseApiVersion(objects[0]?.apiVersion ?? apiVersion).version, error);
    }
  };
  return async (objects, apiVersion) => {
    const results: KubeObject[] = [];
    for (let at = 0; at < objects.length; at += CONVERSION_BATCH) {
      results.push(...await batch(objects.slice(at, at + CONVERSION_BATCH), apiVersion));
    }
    return results;
  };
}
