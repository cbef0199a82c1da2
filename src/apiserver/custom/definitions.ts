/**
 * CustomResourceDefinitions at work: whenever one is written its names are settled, its kinds put into the registry, and then its
 * conditions stored, so that whoever sees `Established` finds the kind served. A deleted one goes when its objects are gone.
 */
import { createHash } from 'node:crypto';
import { setCondition } from '../../apimachinery/conditions.ts';
import type { Log } from '../../apimachinery/log.ts';
import type { Json, JsonObject, KubeObject } from '../../apimachinery/object.ts';
import { forbidden, invalid, isStatusError, methodNotAllowed } from '../../apimachinery/status.ts';
import { deepClone, deepEqual } from '../../apimachinery/values.ts';
import { CLEANUP_FINALIZER, customResourceDefinition } from '../../kinds/apiextensions/customresourcedefinition.ts';
import { validateSchemas } from '../../kinds/apiextensions/schemas.ts';
import type { CustomResourceDefinition, CustomResourceDefinitionStatus } from '../../kinds/generated/apiextensions.ts';
import type { AnyKind, CustomType } from '../../kinds/kind.ts';
import type { Registry } from '../../kinds/registry.ts';
import { typed } from '../../kinds/typed.ts';
import type { Store, Stored } from '../../store/store.ts';
import { WebhookClient } from '../admission/webhooks/client.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission/admission.ts';
import { paced } from '../pace.ts';
import type { User } from '../types.ts';
import { DEFINITION_RETRY_MS } from '../limits.ts';
import { refOf, type Core } from '../verbs/core.ts';
import { updateObject, type WriteContext } from '../verbs/writes.ts';
import { deleteInstances } from './cleanup.ts';
import { customKinds, type CustomKinds } from './kinds.ts';
import { isTrue, noNames, statusOf, take, type TakenNames } from './names.ts';
import { webhookConverter } from './webhook.ts';

export interface DefinitionsOptions {
  readonly store: Store;
  readonly registry: Registry;
  readonly log: Log;
}

/** What is kept of one definition; its schemas stay in the store. */
interface Entry {
  readonly definition: CustomResourceDefinition;
  readonly revision: number;
  /** By which a change of schemas is seen. */
  readonly fingerprint: string;
  readonly since: number;
  status: CustomResourceDefinitionStatus;
  made: Made | undefined;
}

/** Kinds, and what they were made from beside the schemas. */
interface Made extends CustomKinds {
  readonly from: string;
}

const SERVER: User = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };
const writeContext = (): WriteContext => ({ user: SERVER, dryRun: false, warnings: [], options: () => ({ kind: 'UpdateOptions', apiVersion: 'meta.k8s.io/v1' }) });

const isDefinition = (kind: AnyKind): boolean => kind === customResourceDefinition;

/** Parsed anew, so that the store need not keep big schemas in two forms. */
function parse(stored: Stored): CustomResourceDefinition {
  const object: KubeObject = JSON.parse(stored.json);
  return typed('apiextensions.k8s.io/v1 CustomResourceDefinition', object);
}

function withoutSchemas(definition: CustomResourceDefinition): CustomResourceDefinition {
  const versions = definition.spec.versions.map(({ schema: _schema, ...version }) => version);
  const { managedFields: _managedFields, ...metadata } = definition.metadata;
  return { ...definition, metadata, spec: { ...definition.spec, versions } };
}

const schemasHash = ({ spec }: CustomResourceDefinition): string =>
  createHash('sha256').update(JSON.stringify(spec.versions.map(({ name, schema }) => [name, schema ?? null]))).digest('base64');

export class Definitions implements AdmissionPlugin {
  readonly name = 'CustomResourceDefinitions';
  readonly #options: DefinitionsOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #closing = new AbortController();
  readonly #cleaning = new Map<string, Promise<void>>();
  readonly #listeners: (() => void)[] = [];
  #core: Core | undefined;
  /** For conversions. */
  #client: WebhookClient | undefined;
  #changed = false;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: DefinitionsOptions) {
    this.#options = options;
  }

  /** Reads what is stored and serves it; afterwards every write of a definition is followed. */
  async start(core: Core): Promise<void> {
    this.#core = core;
    this.#client = new WebhookClient(core.lookup);
    this.#load();
    this.#kick();
    await this.#running;
  }

  /** Called after kinds have come or gone. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#timer);
    await this.#running;
    await Promise.all(this.#cleaning.values());
  }

  admit({ operation, kind, name, subresource }: AdmissionRequest): void {
    // Asked of the entry: the request may have found its kind before the definition's end began.
    if (operation === 'CREATE' && subresource === '' && kind.custom !== undefined && isTrue(this.#entries.get(`${kind.plural}.${kind.group}`)?.status, 'Terminating')) {
      throw methodNotAllowed('create not allowed while custom resource definition is terminating');
    }
    if (operation === 'DELETE' && isDefinition(kind) && this.#isStatic(name)) {
      throw forbidden(refOf(kind, name), 'this resource is built into the server');
    }
  }

  /** Schemas are checked here rather than by the kind's rules: the largest take longer than others should wait. */
  async validate({ operation, kind, object, old, subresource }: AdmissionRequest): Promise<void> {
    if (!isDefinition(kind) || object === undefined || subresource !== '' || (operation !== 'CREATE' && operation !== 'UPDATE')) {
      return;
    }
    const definition = typed('apiextensions.k8s.io/v1 CustomResourceDefinition', object);
    const errors = await paced(validateSchemas(definition, old === undefined ? undefined : typed('apiextensions.k8s.io/v1 CustomResourceDefinition', old)));
    if (errors.length > 0) {
      throw invalid({ group: kind.group, resource: kind.kind, name: object.metadata.name }, errors);
    }
  }

  committed(kind: AnyKind): void {
    // Before `start` nothing is served.
    if (this.#core !== undefined && isDefinition(kind)) {
      this.#load();
      this.#kick();
    }
  }

  #isStatic(name: string): boolean {
    const dot = name.indexOf('.');
    return this.#options.registry.isStatic(name.slice(dot + 1), name.slice(0, dot));
  }

  /** Brings entries and registry in line with the store, synchronously: what was written is served before the writer hears of it. */
  #load(): void {
    const { store, registry } = this.#options;
    const before = new Map(this.#entries);
    this.#entries.clear();
    for (const stored of store.list(registry.storagePrefix(customResourceDefinition)).items) {
      const name = stored.key.slice(stored.key.lastIndexOf('/') + 1);
      const known = before.get(name);
      this.#entries.set(name, known?.revision === stored.revision ? known : this.#entry(stored, known));
    }
    this.#settleNames();
    this.#serve();
  }

  #entry(stored: Stored, known: Entry | undefined): Entry {
    const definition = parse(stored);
    const { status } = definition;
    const fingerprint = schemasHash(definition);
    const sameUid = known?.definition.metadata.uid === definition.metadata.uid;
    const isSame = sameUid && known?.fingerprint === fingerprint;
    return {
      definition: withoutSchemas(definition), revision: stored.revision, fingerprint,
      // Objects written before the schemas last changed must be looked at when they are read.
      since: isSame ? known.since : stored.revision, status: status ?? {}, made: isSame ? known.made : undefined,
    };
  }

  /** Names that were accepted stay with whom they are; of new definitions the first in order gets what is free. */
  #settleNames(): void {
    const groups = new Map<string, Entry[]>();
    for (const entry of this.#entries.values()) {
      const { group } = entry.definition.spec;
      groups.set(group, [...groups.get(group) ?? [], entry]);
    }
    for (const entries of groups.values()) {
      for (const entry of entries) {
        entry.status = statusOf(entry.definition, othersNames(entries, entry));
      }
    }
  }

  #serve(): void {
    const { registry } = this.#options;
    const kinds: AnyKind[] = [];
    for (const [name, entry] of this.#entries) {
      if (isTrue(entry.status, 'Established') && !this.#isStatic(name)) {
        entry.made = this.#make(name, entry);
        kinds.push(...entry.made.kinds);
      }
    }
    const present = registry.list().filter((kind) => kind.custom !== undefined);
    if (present.length !== kinds.length || present.some((kind, index) => kind !== kinds[index])) {
      registry.setCustomKinds(kinds);
      this.#listeners.forEach((listener) => listener());
    }
  }

  #make(name: string, entry: Entry): Made {
    const { definition: { spec }, definition, status, since } = entry;
    const names = status.acceptedNames ?? spec.names;
    const from = JSON.stringify([spec, names, status.storedVersions ?? [], since, isTrue(status, 'Terminating')]);
    if (entry.made?.from === from) {
      return entry.made;
    }
    const kept: ReadonlyMap<string, CustomType> = entry.made?.types ?? new Map();
    const made = customKinds({
      definition: { ...definition, status }, names, types: this.#options.registry.types, since, kept,
      convert: this.#client === undefined ? undefined : webhookConverter(definition, this.#client), readRaw: (version) => this.#readRaw(name, version),
    });
    return { ...made, from };
  }

  #readRaw(name: string, version: string): JsonObject {
    const { store, registry } = this.#options;
    const stored = store.get(registry.storageKey(customResourceDefinition, '', name));
    const schema = stored === undefined ? undefined : parse(stored).spec.versions.find((one) => one.name === version)?.schema?.openAPIV3Schema;
    // Parsed JSON; the generated interface only lacks the index signature.
    return { ...schema } as { [key: string]: Json };
  }

  /** Writes the statuses that differ and starts the clean-ups that are due, until there is nothing more to do. */
  async #follow(): Promise<void> {
    while (this.#changed && !this.#closing.signal.aborted) {
      this.#changed = false;
      for (const [name, entry] of new Map(this.#entries)) {
        await this.#store(name, entry);
        if (entry.definition.metadata.deletionTimestamp !== undefined && !this.#cleaning.has(name)) {
          this.#cleaning.set(name, this.#clean(name, entry).finally(() => this.#cleaning.delete(name)));
        }
      }
    }
  }

  async #store(name: string, entry: Entry): Promise<void> {
    if (this.#core === undefined || deepEqual(entry.status, entry.definition.status)) {
      return;
    }
    const { status } = entry;
    await this.#write(name, (next) => {
      // Somebody else's later change will bring us back here.
      if (next.metadata.uid === entry.definition.metadata.uid && deepEqual(next.spec.names, entry.definition.spec.names)) {
        next.status = { ...next.status, ...deepClone(status), storedVersions: next.status?.storedVersions ?? [] };
      }
    }, 'status');
  }

  async #write(name: string, change: (definition: CustomResourceDefinition) => void, part: 'status' | 'main'): Promise<void> {
    const core = this.#core;
    if (core === undefined) {
      return;
    }
    const scope = part === 'status' ? { part } as const : { part: 'other', subresource: '', check: 'object', generation: false } as const;
    try {
      await updateObject(core, {
        target: { kind: customResourceDefinition, namespace: '', name }, scope,
        mutate: (current) => {
          const next = typed('apiextensions.k8s.io/v1 CustomResourceDefinition', deepClone(current));
          change(next);
          return next;
        },
      }, writeContext());
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) {
        this.#options.log.warn({ definition: name, error: String(error) }, 'the status of a definition could not be stored; tried again');
        this.#later();
      }
    }
  }

  /** Looks at everything once more after a while. */
  #later(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#kick(), DEFINITION_RETRY_MS).unref();
  }

  #kick(): void {
    this.#changed = true;
    this.#running ??= this.#follow().finally(() => {
      this.#running = undefined;
      if (this.#changed && !this.#closing.signal.aborted) {
        // Something came between the last look and the end.
        this.#kick();
      }
    });
  }

  /** Deletes the objects of a deleted definition, then lets it go. */
  async #clean(name: string, entry: Entry): Promise<void> {
    const { log } = this.#options;
    try {
      await this.#write(name, (definition) => setTerminating(definition, 'True', 'InstanceDeletionInProgress', 'CustomResource deletion is in progress'), 'status');
      const kind = entry.made?.stored;
      const isGone = kind === undefined || this.#core === undefined || await deleteInstances(this.#core, kind, writeContext(), this.#closing.signal);
      if (isGone) {
        // In one write, so that nothing can be created in between.
        await this.#write(name, (definition) => {
          setTerminating(definition, 'False', 'InstanceDeletionCompleted', 'removed all instances');
          definition.metadata.finalizers = (definition.metadata.finalizers ?? []).filter((one) => one !== CLEANUP_FINALIZER);
        }, 'main');
      }
    } catch (error) {
      log.warn({ definition: name, error: String(error) }, 'the objects of a deleted definition could not be removed; tried again');
      this.#later();
    }
  }
}

function setTerminating(definition: CustomResourceDefinition, status: 'True' | 'False', reason: string, message: string): void {
  const conditions = definition.status?.conditions ?? [];
  setCondition(conditions, { type: 'Terminating', status, reason, message });
  definition.status = { ...definition.status, conditions };
}

function othersNames(entries: readonly Entry[], self: Entry): TakenNames {
  const taken = noNames();
  for (const entry of entries) {
    if (entry !== self) {
      take(taken, entry.status.acceptedNames);
    }
  }
  return taken;
}
