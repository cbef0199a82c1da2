/** Checks of what controllers say of the pods they keep: numbers that hang together. */
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { nonNegative } from '../checks.ts';

/** Numbers of pods, by the name of their member of a status. */
type Counts = Readonly<Partial<Record<string, unknown>>>;

const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);

export interface StatusRules {
  /** Members that may not be negative, beside `replicas`. */
  readonly counts: readonly string[];
  /** Of them those that count some of all the replicas. */
  readonly parts: readonly string[];
  /** What is said of more available pods than ready ones. */
  readonly ready: string;
}

export function replicaStatusErrors(status: Counts | undefined, { counts, parts, ready }: StatusRules): FieldError[] {
  const of = (name: string): number => numberOf(status?.[name]);
  return [
    ...['replicas', ...counts].flatMap((name) => nonNegative(`status.${name}`, of(name))),
    ...parts.filter((name) => of(name) > of('replicas')).map((name) => fieldError.invalid(`status.${name}`, of(name), 'cannot be greater than status.replicas')),
    ...(of('availableReplicas') > of('readyReplicas') ? [fieldError.invalid('status.availableReplicas', of('availableReplicas'), ready)] : []),
  ];
}
