/** Policies with the bindings that put them to work, compiled once and kept while they stay as they are. */
import type { KubeObject } from '../../../apimachinery/object.ts';
import type { AnyKind } from '../../../kinds/kind.ts';
import type { ResourcePath } from '../../lookup.ts';
import { concernsAdmission, type Matching } from './match.ts';

export interface Hook<Policy, Binding, Program> {
  readonly policy: Policy;
  readonly bindings: readonly Binding[];
  readonly program: Program;
}

interface Named { readonly metadata: { readonly name: string; readonly uid?: string; readonly resourceVersion?: string } }

export interface CatalogueOptions<Policy, Binding, Program> {
  /** Plural of the policies and of their bindings. */
  readonly plurals: readonly [string, string];
  /** The store holds only what was decoded as these kinds, which is what makes reading them so sound. */
  readonly asPolicy: (object: KubeObject) => Policy;
  readonly asBinding: (object: KubeObject) => Binding;
  readonly policyNameOf: (binding: Binding) => string | undefined;
  readonly compile: (policy: Policy) => Program;
}

const identity = ({ metadata: { uid = '', resourceVersion = '', name } }: Named): string => `${name}/${uid}/${resourceVersion}`;

export class Catalogue<Policy extends Named, Binding extends Named, Program> {
  readonly #matching: Matching;
  readonly #options: CatalogueOptions<Policy, Binding, Program>;
  #stale = true;
  #hooks: readonly Hook<Policy, Binding, Program>[] = [];
  #programs = new Map<string, Program>();

  constructor(matching: Matching, options: CatalogueOptions<Policy, Binding, Program>) {
    this.#matching = matching;
    this.#options = options;
  }

  /** To be told of every write: what was compiled may have changed. */
  committed(kind: AnyKind): void {
    if (!this.#stale && concernsAdmission(kind, this.#options.plurals)) {
      this.#stale = true;
    }
  }

  /** Policies that have bindings, by name. With none of them this costs a comparison. */
  hooks(): readonly Hook<Policy, Binding, Program>[] {
    if (this.#stale) {
      this.#refresh();
    }
    return this.#hooks;
  }

  #refresh(): void {
    const { plurals: [policies, bindings], asPolicy, asBinding, policyNameOf, compile } = this.#options;
    const { lookup } = this.#matching;
    const path = (plural: string): ResourcePath => ['admissionregistration.k8s.io', 'v1', plural];
    const byPolicy = new Map<string, Binding[]>();
    for (const binding of lookup.list(path(bindings)).map(asBinding)) {
      const name = policyNameOf(binding) ?? '';
      byPolicy.set(name, [...byPolicy.get(name) ?? [], binding]);
    }
    const programs = new Map<string, Program>();
    this.#hooks = lookup.list(path(policies)).map(asPolicy).filter(({ metadata }) => byPolicy.has(metadata.name)).map((policy) => {
      const key = identity(policy);
      const program = this.#programs.get(key) ?? compile(policy);
      programs.set(key, program);
      return { policy, program, bindings: byPolicy.get(policy.metadata.name) ?? [] };
    });
    this.#programs = programs;
    this.#stale = false;
  }
}
