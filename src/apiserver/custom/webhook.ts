/** Conversion by webhook: ConversionReview v1 over HTTPS (k8s.io/apiextensions-apiserver/pkg/apiserver/conversion). */
import { randomUUID } from 'node:crypto';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { parseApiVersion, type JsonObject, type KubeObject } from '../../apimachinery/object.ts';
import { internalError, type StatusError } from '../../apimachinery/status.ts';
import { isObject } from '../../apimachinery/values.ts';
import type { CustomResourceDefinition, WebhookClientConfig } from '../../kinds/generated/apiextensions.ts';
import { typed } from '../../kinds/typed.ts';
import { CONVERSION_BATCH, CONVERSION_TIMEOUT_MS, MAX_CONVERSION_BYTES } from '../limits.ts';
import type { Lookup, ResourcePath } from '../lookup.ts';
import { asKubeObject } from '../verbs/body.ts';
import type { Converter } from './conversion.ts';

const SERVICES: ResourcePath = ['', 'v1', 'services'];
const REVIEW = { kind: 'ConversionReview', apiVersion: 'apiextensions.k8s.io/v1' };

/** Where a webhook listens. Throws Error, in Kubernetes' words. */
function addressOf(config: WebhookClientConfig, lookup: Lookup): RequestOptions {
  const { url, service, caBundle } = config;
  const ca = caBundle === undefined ? {} : { ca: Buffer.from(caBundle, 'base64').toString() };
  if (service === undefined) {
    const { hostname, port, pathname, search } = new URL(url ?? '');
    return { host: hostname, port: port === '' ? 443 : Number(port), path: `${pathname}${search}`, ...ca };
  }
  const found = lookup.get(SERVICES, service.namespace, service.name);
  const clusterIp = found === undefined ? '' : typed('v1 Service', found).spec?.clusterIP ?? '';
  if (clusterIp === '' || clusterIp === 'None') {
    throw new Error(`service ${JSON.stringify(service.name)} not found`);
  }
  // The certificate is of the service's name, whatever its address.
  return { host: clusterIp, port: service.port ?? 443, path: service.path ?? '/', servername: `${service.name}.${service.namespace}.svc`, ...ca };
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  let size = 0;
  response.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > MAX_CONVERSION_BYTES) {
      response.destroy(new Error(`the answer is longer than ${MAX_CONVERSION_BYTES} bytes`));
    }
  });
  return readText(response);
}

async function post(options: RequestOptions, body: string): Promise<unknown> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = httpsRequest({
      ...options, method: 'POST', headers: { 'content-type': 'application/json', accept: 'application/json', 'content-length': Buffer.byteLength(body) },
      signal: AbortSignal.timeout(CONVERSION_TIMEOUT_MS),
    }, resolve);
    request.on('error', reject);
    request.end(body);
  });
  const answer = await bodyOf(response);
  if (response.statusCode !== 200) {
    throw new Error(`the server answered ${response.statusCode ?? 0}`);
  }
  const value: unknown = JSON.parse(answer);
  return value;
}

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
export function webhookConverter(definition: CustomResourceDefinition, lookup: Lookup): Converter | undefined {
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
      const answer = await post(addressOf(config, lookup), JSON.stringify({ ...REVIEW, request: { uid, desiredAPIVersion: apiVersion, objects } }));
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
