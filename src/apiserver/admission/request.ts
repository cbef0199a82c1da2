/** Makes the requests that admission plugins see. Cheap for the many writes of which nobody asks the particulars. */
import { randomUUID } from 'node:crypto';
import type { GroupVersionKind, GroupVersionResource, JsonObject, KubeObject } from '../../apimachinery/object.ts';
import type { AnyKind } from '../../kinds/kind.ts';
import type { User } from '../types.ts';
import type { MutableRequest, Operation } from './admission.ts';

/** Who writes, and how: the part of a WriteContext that admission needs. */
export interface RequestContext {
  readonly user: User;
  readonly dryRun: boolean;
  readonly warnings: string[];
  /** The options the client gave (meta.k8s.io/v1), made only when somebody asks. */
  readonly options?: () => JsonObject;
  /** Adds to the audit event's annotations. */
  readonly annotate?: ((key: string, value: string) => void) | undefined;
}

export interface RequestSubject {
  readonly operation: Operation;
  readonly kind: AnyKind;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
  readonly object: KubeObject | undefined;
  readonly old: KubeObject | undefined;
  /** Of subresources that take a kind of their own. */
  readonly objectKind?: GroupVersionKind;
}

const OPTIONS_KINDS: Readonly<Record<Operation, string>> = { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions', DELETE: 'DeleteOptions', CONNECT: '' };

class Request implements MutableRequest {
  readonly operation: Operation;
  readonly kind: AnyKind;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
  object: KubeObject | undefined;
  readonly old: KubeObject | undefined;
  readonly user: User;
  readonly dryRun: boolean;
  readonly warnings: string[];
  reinvoked = false;
  #wantsReinvocation = false;
  #id = '';
  #notes: Map<string, unknown> | undefined;
  readonly #context: RequestContext;
  readonly #objectKind: GroupVersionKind | undefined;

  constructor(context: RequestContext, subject: RequestSubject) {
    this.operation = subject.operation;
    this.kind = subject.kind;
    this.namespace = subject.namespace;
    this.name = subject.name;
    this.subresource = subject.subresource;
    this.object = subject.object;
    this.old = subject.old;
    this.user = context.user;
    this.dryRun = context.dryRun;
    this.warnings = context.warnings;
    this.#context = context;
    this.#objectKind = subject.objectKind;
  }

  get id(): string {
    if (this.#id === '') {
      this.#id = randomUUID();
    }
    return this.#id;
  }

  get objectKind(): GroupVersionKind {
    return this.#objectKind ?? { group: this.kind.group, version: this.kind.version, kind: this.kind.kind };
  }

  get requestKind(): GroupVersionKind {
    return this.objectKind;
  }

  get requestResource(): GroupVersionResource {
    return { group: this.kind.group, version: this.kind.version, resource: this.kind.plural };
  }

  get requestSubresource(): string {
    return this.subresource;
  }

  get options(): JsonObject | undefined {
    const kind = OPTIONS_KINDS[this.operation];
    if (kind === '') {
      return undefined;
    }
    return this.#context.options?.() ?? { kind, apiVersion: 'meta.k8s.io/v1', ...(this.dryRun ? { dryRun: ['All'] } : {}) };
  }

  get wantsReinvocation(): boolean {
    return this.#wantsReinvocation;
  }

  get notes(): Map<string, unknown> {
    this.#notes ??= new Map();
    return this.#notes;
  }

  reinvoke(): void {
    this.#wantsReinvocation = true;
  }

  annotate(key: string, value: string): void {
    this.#context.annotate?.(key, value);
  }
}

export const newRequest = (context: RequestContext, subject: RequestSubject): MutableRequest => new Request(context, subject);
