/**
 * Secrets of the type `kubernetes.io/service-account-token`: filled with a token that lasts as long as they do, and deleted with their
 * account. In Kubernetes a controller does this with the key that only the API server has here.
 */
import type { KubeObject } from '../../apimachinery/object.ts';
import { deepClone } from '../../apimachinery/values.ts';
import type { Secret } from '../../kinds/generated/core.ts';
import type { AnyKind } from '../../kinds/kind.ts';
import { typed } from '../../kinds/typed.ts';
import type { AdmissionPlugin } from '../admission/admission.ts';
import type { ResourcePath } from '../lookup.ts';
import { serverContext, unlessGone } from '../self.ts';
import type { Core, Target } from '../verbs/core.ts';
import { deleteObject } from '../verbs/deletes.ts';
import { updateObject } from '../verbs/writes.ts';

const SECRETS: ResourcePath = ['', 'v1', 'secrets'];
const ACCOUNTS: ResourcePath = ['', 'v1', 'serviceaccounts'];
const TYPE = 'kubernetes.io/service-account-token';
const ACCOUNT_NAME = 'kubernetes.io/service-account.name';
const ACCOUNT_UID = 'kubernetes.io/service-account.uid';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

interface Work {
  readonly namespace: string;
  readonly name: string;
}

export class LegacyTokens implements AdmissionPlugin {
  readonly name = 'LegacyServiceAccountTokens';
  readonly #ca: () => string;
  readonly #context = serverContext();
  #core: Core | undefined;
  #work: Promise<void> = Promise.resolve();

  /** `ca`: the PEM that clients should trust at the moment. */
  constructor(ca: () => string) {
    this.#ca = ca;
  }

  start(core: Core): void {
    this.#core = core;
    this.#seeAll(core, '');
  }

  async stop(): Promise<void> {
    this.#core = undefined;
    await this.#work;
  }

  committed(kind: AnyKind, now: KubeObject | undefined, before: KubeObject | undefined): void {
    if (kind.group !== '' || this.#core === undefined) {
      return;
    }
    if (kind.plural === 'secrets' && now !== undefined) {
      this.#see(now);
    }
    if (kind.plural !== 'serviceaccounts' || (now !== undefined && before?.metadata.uid === now.metadata.uid)) {
      return;
    }
    // An account that came or went: Secrets that were made for it before, or are left over.
    const { namespace = '' } = (now ?? before)?.metadata ?? {};
    this.#seeAll(this.#core, namespace);
  }

  /** Those of a namespace, or with an empty one all. Most Secrets are of other types: their text is looked at, not parsed. */
  #seeAll({ registry, store }: Core, namespace: string): void {
    const kind = registry.byResource(...SECRETS);
    for (const stored of kind === undefined ? [] : store.list(registry.storagePrefix(kind, namespace)).items) {
      if (stored.json.includes(TYPE)) {
        this.#see(stored.object);
      }
    }
  }

  #see(object: KubeObject): void {
    if (Reflect.get(object, 'type') !== TYPE) {
      return;
    }
    const { namespace = '', name } = object.metadata;
    this.#work = this.#work.then(() => this.#settle({ namespace, name })).catch((error: unknown) => {
      this.#core?.log.warn({ secret: `${namespace}/${name}`, error: error instanceof Error ? error.message : String(error) }, 'a token could not be written into its Secret');
    });
  }

  async #settle({ namespace, name }: Work): Promise<void> {
    const core = this.#core;
    const kind = core?.registry.byResource(...SECRETS);
    if (core === undefined || kind === undefined) {
      return;
    }
    const target: Target = { kind, namespace, name };
    const found = core.get(target)?.object;
    if (found === undefined || found.metadata.deletionTimestamp !== undefined) {
      return;
    }
    const annotations = found.metadata.annotations ?? {};
    const account = core.lookup.get(ACCOUNTS, namespace, annotations[ACCOUNT_NAME] ?? '');
    const bound = annotations[ACCOUNT_UID] ?? '';
    if (account === undefined || (bound !== '' && bound !== account.metadata.uid)) {
      await unlessGone(deleteObject(core, target, {}, this.#context));
    } else {
      await this.#fill(core, target, typed('v1 Secret', found), { name: account.metadata.name, uid: account.metadata.uid ?? '' });
    }
  }

  async #fill(core: Core, target: Target, found: Secret, { name, uid }: { name: string; uid: string }): Promise<void> {
    const { namespace } = target;
    const data = found.data ?? {};
    if (data['token'] && data['ca.crt'] && data['namespace'] && found.metadata.annotations?.[ACCOUNT_UID] === uid) {
      return;
    }
    const token = data['token'] ?? base64(core.tokens.issueLegacy(namespace, { name, uid }, target.name));
    const mutate = (current: KubeObject): KubeObject => {
      const next = deepClone(current);
      const secret = typed('v1 Secret', next);
      secret.metadata.annotations = { ...secret.metadata.annotations, [ACCOUNT_UID]: uid };
      secret.data = { 'ca.crt': base64(this.#ca()), namespace: base64(namespace), ...secret.data, token };
      return next;
    };
    await unlessGone(updateObject(core, { target, scope: { part: 'main' }, mutate }, this.#context));
  }
}
