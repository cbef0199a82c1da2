/**
 * The program that makes one starter image: `node build.ts NAME FOLDER FILE` writes the archive to FILE, keeping packages in FOLDER, with a JSON
 * line `{"message": …}` for each step and `{"error": …}` at a failure. A process of its own, so that the tens of megabytes it juggles are the server's only for a moment.
 */
import { writeFile } from 'node:fs/promises';
import { Packages } from './packages.ts';
import { STARTERS, starterImage } from './starters.ts';

const say = (line: Record<string, string>): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};

async function main(): Promise<void> {
  const [name, folder, target] = process.argv.slice(2);
  const starter = STARTERS.find((one) => one.name === name);
  if (starter === undefined || folder === undefined || target === undefined) {
    throw new Error(`usage: build.ts ${STARTERS.map((one) => one.name).join('|')} FOLDER FILE`);
  }
  const progress = (message: string): void => say({ message });
  await writeFile(target, await starter.build(new Packages(folder, progress), starterImage(starter.name), progress));
}

try {
  await main();
} catch (error) {
  say({ error: error instanceof Error ? error.message : String(error) });
  process.exitCode = 1;
}
