/** What a check of the Pod Security Standards is, and the words all of them use. */
import type { Container, PodSpec } from '../../../kinds/generated/core.ts';

export interface PodTemplate {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: PodSpec;
}

/** Why a pod is not allowed: `reason (detail)`. */
export interface Violation {
  readonly reason: string;
  readonly detail: string;
}

export interface Check {
  /** k8s.io/pod-security-admission's id; results come in the order of these. */
  readonly id: string;
  readonly level: 'baseline' | 'restricted';
  /** Baseline checks that a restricted one takes the place of. */
  readonly overrides?: readonly string[];
  run(pod: PodTemplate): Violation | undefined;
}

export const plural = (one: string, many: string, count: number): string => (count === 1 ? one : many);

/** `"a", "b"` */
export const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ');

/** `container "a"` or `containers "a", "b"` */
export const containersNamed = (names: readonly string[]): string => `${plural('container', 'containers', names.length)} ${quoted(names)}`;

export const sorted = (values: Iterable<string>): string[] => [...new Set(values)].sort();

/** Init containers, containers and ephemeral ones, in this order. */
export const containersOf = (spec: PodSpec): Container[] => [...spec.initContainers ?? [], ...spec.containers ?? [], ...spec.ephemeralContainers ?? []];

/** Names of the containers for which `bad` holds. */
export const namesWhere = (spec: PodSpec, bad: (container: Container) => boolean): string[] =>
  containersOf(spec).filter(bad).map(({ name }) => name);

export const isWindows = (spec: PodSpec): boolean => spec.os?.name === 'windows';
