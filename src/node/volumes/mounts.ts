/** What is mounted on this machine below a folder, and taking it away before the folder is removed. */
import { readFile, rm } from 'node:fs/promises';
import { runProgram } from './command.ts';

/** mountinfo writes blanks, tabs, newlines and backslashes as octal. */
function unescapeMount(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** Mount points at or below `folder`, deepest first. */
export async function mountsBelow(folder: string): Promise<string[]> {
  const text = await readFile('/proc/self/mountinfo', 'utf8');
  const points: string[] = [];
  for (const line of text.split('\n')) {
    const point = unescapeMount(line.split(' ')[4] ?? '');
    if (point === folder || point.startsWith(`${folder}/`)) {
      points.push(point);
    }
  }
  return points.reverse();
}

export async function isMountPoint(folder: string): Promise<boolean> {
  return (await mountsBelow(folder)).includes(folder);
}

/** Unmounts everything at or below `folder`; what is busy goes when it is let go. */
export async function unmountBelow(folder: string): Promise<void> {
  for (const point of await mountsBelow(folder)) {
    await runProgram('umount', ['--lazy', '--no-canonicalize', point]);
  }
}

/**
 * Removes a folder of ours. Never while something is mounted below it: that would delete the files of
 * whoever the mount belongs to.
 */
export async function removeFolder(folder: string): Promise<void> {
  await unmountBelow(folder);
  const left = await mountsBelow(folder);
  if (left.length > 0) {
    throw new Error(`${folder} is kept: ${left.join(', ')} is still mounted`);
  }
  await rm(folder, { recursive: true, force: true });
}

/** A tmpfs, unless it is mounted already. `options` as mount(8) takes them. */
export async function mountTmpfs(folder: string, name: string, options: string): Promise<void> {
  if (!await isMountPoint(folder)) {
    await runProgram('mount', ['-t', 'tmpfs', '-o', options, name, folder]);
  }
}
