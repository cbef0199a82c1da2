/** Before a start: are the programs there at all? The thorough look is `telar doctor`'s; this one costs nothing when all is well. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Wiring } from '../wiring.ts';
import { ensureMachine, findingLine } from './examine.ts';

/** One of each line's programs is needed. */
const PROGRAMS = [['podman'], ['crun', 'runc'], ['conmon'], ['ip'], ['nft'], ['dnsmasq'], ['qemu-system-x86_64'], ['qemu-img']] as const;
/** Not every PATH has the folders of administrators' and helpers' programs. */
const MORE_FOLDERS = ['/usr/sbin', '/sbin', '/usr/bin', '/usr/libexec/podman', '/usr/lib/podman'];

function installed(program: string, folders: readonly string[]): boolean {
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      // Not here; perhaps in the next.
      return false;
    }
  });
}

/** Looks thoroughly, and installs, only when a program is missing. */
export async function ensurePrograms(wiring: Wiring, options: { dataDir: string; yes: boolean }): Promise<void> {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...MORE_FOLDERS];
  if (PROGRAMS.every((choices) => choices.some((program) => installed(program, folders)))) {
    return;
  }
  await ensureMachine(wiring, { ...options, show: (finding) => process.stdout.write(`${findingLine(finding, process.stdout.isTTY)}\n`) });
}
