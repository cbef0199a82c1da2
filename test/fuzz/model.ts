/**
 * What the objects of one namespace must be, learnt from the answers alone: what a write answered is there, what a refusal answered has
 * changed nothing, what a deletion answered is gone unless the answer says that it still waits.
 */
import { isObject } from '../../src/apimachinery/values.ts';
import type { FuzzRequest } from './requests.ts';
import type { RawAnswer } from './rawclient.ts';

type Json = Record<string, unknown>;

const metadataOf = (object: Json): Json => (isObject(object['metadata']) ? object['metadata'] : {});

function parsed(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export class Model {
  /** By `plural/name`: the object's uid and resourceVersion. */
  readonly objects = new Map<string, { uid: string; resourceVersion: string }>();
  /** What has to be looked up: the answer did not say what became of it. */
  readonly unknown = new Set<string>();
  readonly #collection: RegExp;

  constructor(namespace: string) {
    this.#collection = new RegExp(`^/(?:api|apis/[^/]+)/[^/]+/namespaces/${namespace}/([a-z]+)(?:/([^/?]*))?(?:/([^?]*))?(?:\\?(.*))?$`);
  }

  /** Takes an answer in. Answers what is wrong with it, if anything. */
  learn(request: FuzzRequest, answer: RawAnswer): string | undefined {
    const match = this.#collection.exec(request.target);
    if (match === null || request.method === 'GET' || request.method === 'HEAD' || answer.status >= 300) {
      return undefined;
    }
    const [, plural = '', name = '', subresource = '', query = ''] = match;
    // As in Kubernetes, the body of a deletion replaces its query.
    const asked = request.method !== 'DELETE' || request.body === undefined || request.body.length === 0;
    if (asked && /(^|&)dryRun=All(&|$)/.test(query)) {
      return undefined;
    }
    const body = parsed(answer.body);
    if (request.method === 'DELETE') {
      return this.#deleted(plural, name, body);
    }
    if (subresource !== '' && subresource !== 'status') {
      // The answer is another object: what it did to this one has to be looked up.
      this.unknown.add(`${plural}/${decodeURIComponent(name)}`);
      return undefined;
    }
    return this.#written(plural, body, answer);
  }

  #written(plural: string, body: Json | undefined, answer: RawAnswer): string | undefined {
    const object = body !== undefined && body['kind'] === 'Table' ? undefined : body;
    const metadata = object === undefined ? {} : metadataOf(object);
    const { name, uid, resourceVersion } = metadata;
    if (typeof name !== 'string' || typeof uid !== 'string' || typeof resourceVersion !== 'string') {
      if (body === undefined || body['kind'] === 'Table') {
        // In a form that is not taken apart here.
        this.#askAll(plural);
        return undefined;
      }
      return `a write answered ${answer.status} without an object: ${answer.body.slice(0, 200)}`;
    }
    const key = `${plural}/${name}`;
    const before = this.objects.get(key);
    if (before !== undefined && !this.unknown.has(key) && before.uid === uid && Number(resourceVersion) < Number(before.resourceVersion)) {
      return `${key} went back from revision ${before.resourceVersion} to ${resourceVersion}`;
    }
    // An update that takes the last finalizer away deletes.
    if (metadata['deletionTimestamp'] !== undefined) {
      this.unknown.add(key);
    }
    this.objects.set(key, { uid, resourceVersion });
    return undefined;
  }

  #deleted(plural: string, name: string, body: Json | undefined): string | undefined {
    if (name === '' || body === undefined) {
      this.#askAll(plural);
      return undefined;
    }
    this.unknown.add(`${plural}/${decodeURIComponent(name)}`);
    return undefined;
  }

  #askAll(plural: string): void {
    for (const key of this.objects.keys()) {
      if (key.startsWith(`${plural}/`)) {
        this.unknown.add(key);
      }
    }
    this.unknown.add(`${plural}/*`);
  }

  /** Compares with a list of the kind. Answers what differs; what was not known is learnt. */
  compare(plural: string, items: readonly Json[]): string[] {
    const problems: string[] = [];
    const found = new Map<string, { uid: string; resourceVersion: string }>(items.map((item) => {
      const { name, uid, resourceVersion } = metadataOf(item);
      return [`${plural}/${String(name)}`, { uid: String(uid), resourceVersion: String(resourceVersion) }] as const;
    }));
    const all = this.unknown.delete(`${plural}/*`);
    for (const key of new Set([...found.keys(), ...[...this.objects.keys()].filter((one) => one.startsWith(`${plural}/`))])) {
      const [expected, actual] = [this.objects.get(key), found.get(key)];
      const open = this.unknown.delete(key) || all;
      if (!open && (expected?.uid !== actual?.uid || expected?.resourceVersion !== actual?.resourceVersion)) {
        problems.push(`${key} should be ${JSON.stringify(expected)} and is ${JSON.stringify(actual)}`);
      }
      if (actual === undefined) {
        this.objects.delete(key);
      } else {
        this.objects.set(key, actual);
      }
    }
    return problems;
  }
}
