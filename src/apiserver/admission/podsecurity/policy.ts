/** Levels of the Pod Security Standards: what a namespace's labels ask for, and what of it a pod violates. */
import { fieldError, type FieldError } from '../../../apimachinery/status.ts';
import { BASELINE } from './baseline.ts';
import type { Check, PodTemplate, Violation } from './check.ts';
import { RESTRICTED } from './restricted.ts';

export const LEVELS = ['privileged', 'baseline', 'restricted'] as const;
export type Level = typeof LEVELS[number];
export const MODES = ['enforce', 'audit', 'warn'] as const;
export type Mode = typeof MODES[number];

export interface LevelVersion {
  readonly level: Level;
  /** `latest` or `v1.<minor>`, as labelled. The checks are always the latest ones: those of older versions are a little milder. */
  readonly version: string;
}
export type Policy = Readonly<Record<Mode, LevelVersion>>;

const PREFIX = 'pod-security.kubernetes.io/';
const VERSION = /^(?:latest|v1\.(?:0|[1-9][0-9]{0,3}))$/;
const PRIVILEGED: LevelVersion = { level: 'privileged', version: 'latest' };
/** Of namespaces without labels: kube-apiserver's defaults. */
const UNLABELLED: Policy = { enforce: PRIVILEGED, audit: PRIVILEGED, warn: PRIVILEGED };

const isLevel = (text: string): text is Level => LEVELS.some((level) => level === text);

/** What is wrong with a namespace's labels, worded as Kubernetes words it. */
export function labelErrors(labels: Readonly<Record<string, string>> | undefined): FieldError[] {
  const field = (name: string): string => `metadata.labels[${PREFIX}${name}]`;
  return MODES.flatMap((mode) => {
    const [level, version] = [labels?.[PREFIX + mode], labels?.[`${PREFIX}${mode}-version`]];
    return [
      ...(level === undefined || isLevel(level) ? [] : [fieldError.invalid(field(mode), level, `must be one of ${LEVELS.join(', ')}`)]),
      ...(version === undefined || VERSION.test(version) ? [] : [fieldError.invalid(field(`${mode}-version`), version, 'must be "latest" or "v1.x"')]),
    ];
  });
}

/** What a namespace's labels ask for. A level that is none is the strictest: labels may be older than their validation. */
export function policyOf(labels: Readonly<Record<string, string>> | undefined): Policy {
  if (labels === undefined || !Object.keys(labels).some((name) => name.startsWith(PREFIX))) {
    return UNLABELLED;
  }
  const of = (mode: Mode): LevelVersion => {
    const level = labels[PREFIX + mode] ?? 'privileged';
    return { level: isLevel(level) ? level : 'restricted', version: labels[`${PREFIX}${mode}-version`] ?? 'latest' };
  };
  return { enforce: of('enforce'), audit: of('audit'), warn: of('warn') };
}

export const isPrivileged = (policy: Policy): boolean => MODES.every((mode) => policy[mode].level === 'privileged');

/** `restricted:latest` */
export const levelText = ({ level, version }: LevelVersion): string => `${level}:${version}`;

const overridden = new Set(RESTRICTED.flatMap(({ overrides = [] }) => overrides));
const CHECKS: Readonly<Record<Level, readonly Check[]>> = {
  privileged: [], baseline: BASELINE, restricted: [...BASELINE.filter(({ id }) => !overridden.has(id)), ...RESTRICTED],
};

/** Everything a pod violates at a level; empty when it may run. */
export const violations = (level: Level, pod: PodTemplate): Violation[] =>
  CHECKS[level].map((check) => check.run(pod)).filter((violation) => violation !== undefined);

/** `reason (detail), reason (detail)` */
export const detailsOf = (found: readonly Violation[]): string =>
  found.map(({ reason, detail }) => (detail === '' ? reason : `${reason} (${detail})`)).join(', ');

export const reasonsOf = (found: readonly Violation[]): string => found.map(({ reason }) => reason).join(', ');
