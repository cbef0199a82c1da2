/**
 * The program that makes one starter image: `node build.ts NAME FOLDER FILE` writes the archive to FILE, keeping packages in FOLDER, with a JSON
 * line `{"message": …}` for each step and `{"error": …}` at a failure. A process of its own, so that the tens of megabytes it juggles are the server's only for a moment.
 */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { Packages } from './packages.ts';
import { STARTERS, starterImage } from './starters.ts';

const say = (line: Record<string, string>): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};

/** Below the number of buffers that one writev takes. */
const PARTS_AT_ONCE = 512;

async function writeAll(file: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  let left = parts.filter(({ length }) => length > 0);
  while (left.length > 0) {
    let { bytesWritten } = await file.writev(left);
    left = left.flatMap((part) => {
      const rest = part.subarray(bytesWritten);
      bytesWritten = Math.max(0, bytesWritten - part.length);
      return rest.length === 0 ? [] : [rest];
    });
  }
}

async function main(): Promise<void> {
  const [name, folder, target] = process.argv.slice(2);
  const starter = STARTERS.find((one) => one.name === name);
  if (starter === undefined || folder === undefined || target === undefined) {
    throw new Error(`usage: build.ts ${STARTERS.map((one) => one.name).join('|')} FOLDER FILE`);
  }
  const progress = (message: string): void => say({ message });
  const parts = await starter.build(new Packages(folder, progress), starterImage(starter.name), progress);
  const file = await open(target, 'w');
  try {
    for (let at = 0; at < parts.length; at += PARTS_AT_ONCE) {
      await writeAll(file, parts.slice(at, at + PARTS_AT_ONCE));
    }
  } finally {
    await file.close();
  }
}

try {
  await main();
} catch (error) {
  say({ error: error instanceof Error ? error.message : String(error) });
  process.exitCode = 1;
}
