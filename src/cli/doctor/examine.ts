/** Running the probes, showing what they saw, and having what is missing installed. */
import { CliError } from '../errors.ts';
import { currentHolder } from '../instance/lock.ts';
import { DEFAULT_LISTEN, DEFAULT_PORT, findInstance } from '../instance/record.ts';
import { text, textOr } from '../messages/index.ts';
import type { Probe, ProbeResult, Wiring } from '../wiring.ts';
import { hasApt, installCommand, installPackages } from './apt.ts';

export interface Finding extends ProbeResult {
  name: string;
  /** What it is needed for, in the reader's language. */
  purpose: string;
  packages: readonly string[];
}

export interface ExamineOptions {
  dataDir: string;
  /** Install what is missing. */
  fix: boolean;
  /** Without asking. */
  yes: boolean;
  /** Told each finding as it comes. */
  show?(finding: Finding): void;
}

const NAME_WIDTH = 12;
const SYMBOLS = { ok: '✓', limited: '!', missing: '✗' } as const;
const COLORS = { ok: '32', limited: '33', missing: '31' } as const;

/** `✓ containers   podman version …` */
export function findingLine({ name, status, detail, purpose }: Finding, colored: boolean): string {
  const mark = colored ? `\u001b[${COLORS[status]}m${SYMBOLS[status]}\u001b[0m` : SYMBOLS[status];
  const why = status === 'ok' ? '' : `\n  ${' '.repeat(NAME_WIDTH)} ${text('doctor.neededFor', { purpose })}`;
  return `${mark} ${name.padEnd(NAME_WIDTH)} ${status === 'ok' ? '' : `${text(`doctor.status.${status}`)}: `}${detail}${why}`;
}

async function look(probe: Probe): Promise<Finding> {
  const result = await probe.run().catch((error: unknown): ProbeResult =>
    ({ status: 'missing', detail: error instanceof Error ? error.message : String(error) }));
  return { name: probe.name, purpose: textOr(`doctor.probe.${probe.name}`, probe.name), packages: probe.packages, ...result };
}

async function lookAtAll(wiring: Wiring, options: ExamineOptions): Promise<{ probes: readonly Probe[]; findings: Finding[] }> {
  const instance = await findInstance(options.dataDir);
  const running = instance !== undefined && await currentHolder(options.dataDir) !== undefined;
  const probes = await wiring.probes({
    dataDir: options.dataDir, listen: instance?.listen ?? DEFAULT_LISTEN, port: instance?.port ?? DEFAULT_PORT, running,
  });
  const findings: Finding[] = [];
  for (const probe of probes) {
    const finding = await look(probe);
    findings.push(finding);
    options.show?.(finding);
  }
  return { probes, findings };
}

const isMissing = ({ status }: Finding): boolean => status === 'missing';

export const missingPackages = (findings: readonly Finding[]): string[] =>
  [...new Set(findings.filter(isMissing).flatMap(({ packages }) => packages))];

/** What a person can do about what is missing; empty when no package helps. */
export function advice(findings: readonly Finding[]): string {
  const packages = missingPackages(findings);
  if (packages.length === 0) {
    return '';
  }
  if (!hasApt()) {
    return text('doctor.install.other', { packages: packages.join(' ') });
  }
  const how = text('doctor.install.how', { command: installCommand(packages) });
  return process.getuid?.() === 0 ? `${how}\n${text('doctor.install.orFix', { telar: process.env['TELAR_COMMAND'] || 'telar' })}` : how;
}

/** All findings, after the fix if one was asked for and needed. Throws CliError when the fix is not possible. */
export async function examine(wiring: Wiring, options: ExamineOptions): Promise<Finding[]> {
  const { probes, findings } = await lookAtAll(wiring, options);
  const packages = missingPackages(findings);
  if (!options.fix || packages.length === 0) {
    return findings;
  }
  await installPackages(packages, options.yes);
  const after: Finding[] = [];
  for (const [index, probe] of probes.entries()) {
    const before = findings[index];
    // KVM could not be tried before QEMU was there.
    const again = before === undefined || before.status !== 'ok';
    const finding = again ? await look(probe) : before;
    after.push(finding);
    if (again) {
      options.show?.(finding);
    }
  }
  return after;
}

/** As `examine` with a fix; throws a CliError when something is missing even so, `unimportant` probes apart. For commands that need the machine ready. */
export async function ensureMachine(wiring: Wiring, options: Omit<ExamineOptions, 'fix'>, unimportant: readonly string[] = []): Promise<void> {
  const findings = await examine(wiring, { ...options, fix: true });
  const missing = findings.filter((finding) => isMissing(finding) && !unimportant.includes(finding.name));
  if (missing.length > 0) {
    throw new CliError(text('doctor.error.missing', { names: missing.map(({ name, detail }) => `${name} (${detail})`).join(', ') }));
  }
}
