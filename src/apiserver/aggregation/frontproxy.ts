/**
 * What this server shows to aggregated ones: a client certificate of an authority made for that alone, so that nobody else's certificate can
 * speak for users. Made anew at each start; aggregated servers read the authority from a ConfigMap, which they watch.
 */
import type { KubeObject } from '../../apimachinery/object.ts';
import { isStatusError } from '../../apimachinery/status.ts';
import { deepClone, deepEqual } from '../../apimachinery/values.ts';
import { issueCa, issueLeaf } from '../pki/issue.ts';
import type { KeyPair } from '../pki/index.ts';
import { asKubeObject } from '../verbs/body.ts';
import type { Core } from '../verbs/core.ts';
import { createObject, updateObject, type WriteContext } from '../verbs/writes.ts';

const NAME = 'front-proxy-client';
const CONFIG = { namespace: 'kube-system', name: 'extension-apiserver-authentication' } as const;
const DAY_MS = 86_400_000;
/** Issued again when it has been in use for this long. */
const RENEW_AFTER_MS = 180 * DAY_MS;

export class FrontProxy {
  readonly #ca: KeyPair = issueCa('front-proxy-ca');
  #client: KeyPair | undefined;
  #issuedAt = 0;

  get ca(): string {
    return this.#ca.cert;
  }

  /** The client certificate, renewed in time. */
  get client(): KeyPair {
    if (this.#client === undefined || Date.now() - this.#issuedAt > RENEW_AFTER_MS) {
      this.#client = issueLeaf(this.#ca, { commonName: NAME, organizations: [], usages: ['client'], names: [] });
      this.#issuedAt = Date.now();
    }
    return this.#client;
  }

  /** Tells aggregated servers whom to believe: `kube-system/extension-apiserver-authentication`. `clientCa` vouches for clients' own certificates. */
  async publish(core: Core, clientCa: string, context: WriteContext): Promise<void> {
    const kind = core.registry.byResource('', 'v1', 'configmaps');
    if (kind === undefined) {
      return;
    }
    const data = {
      'client-ca-file': clientCa, 'requestheader-client-ca-file': this.ca, 'requestheader-allowed-names': JSON.stringify([NAME]),
      'requestheader-username-headers': '["X-Remote-User"]', 'requestheader-uid-headers': '["X-Remote-Uid"]',
      'requestheader-group-headers': '["X-Remote-Group"]', 'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
    };
    const target = { kind, namespace: CONFIG.namespace, name: CONFIG.name };
    try {
      await createObject(core, kind, CONFIG.namespace, asKubeObject({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...CONFIG }, data }), context);
    } catch (error) {
      if (!isStatusError(error, 'AlreadyExists')) {
        throw error;
      }
      await updateObject(core, { target, scope: { part: 'main' }, mutate: (current) => withData(current, data) }, context);
    }
  }
}

function withData(current: KubeObject, data: Record<string, string>): KubeObject {
  const before: unknown = Reflect.get(current, 'data');
  const next = deepClone(current);
  if (!deepEqual(before, data)) {
    Reflect.set(next, 'data', data);
  }
  return next;
}
