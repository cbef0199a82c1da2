/** Making starter images and loading them into the node's store. */
import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ImageError } from './images.ts';
import type { Images } from './images.ts';
import { STARTER_NAMES, starterImage } from './names.ts';
import type { Progress } from './starter/progress.ts';

const BUILDER = fileURLToPath(new URL('./starter/build.ts', import.meta.url));
/** Where downloaded packages are kept when the caller names no place. */
export const DEFAULT_CACHE = '/var/cache/telar/packages';

/** Builds a starter image and loads it; answers the image's full name. `cache` keeps the packages it is made of. */
export async function buildStarter(images: Images, name: string, cache: string, progress: Progress): Promise<string> {
  if (!STARTER_NAMES.some((one) => one === name)) {
    throw new ImageError(400, `there is no starter image "${name}"; there are ${STARTER_NAMES.join(', ')}`);
  }
  await mkdir(cache, { recursive: true });
  const scratch = await mkdtemp(join(cache, 'build-'));
  try {
    const archive = join(scratch, 'image.tar');
    await runBuilder(name, cache, archive, progress);
    progress('loading the image');
    const [loaded] = await images.import(createReadStream(archive));
    return loaded ?? starterImage(name);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function runBuilder(name: string, cache: string, archive: string, progress: Progress): Promise<void> {
  const child = spawn(process.execPath, [BUILDER, name, cache, archive], { stdio: ['ignore', 'pipe', 'pipe'] });
  let failure = '';
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-1000);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed === 'object' && parsed !== null && 'message' in parsed && typeof parsed.message === 'string') {
      progress(parsed.message);
    }
    if (typeof parsed === 'object' && parsed !== null && 'error' in parsed && typeof parsed.error === 'string') {
      failure = parsed.error;
    }
  }
  if (await ended !== 0) {
    throw new ImageError(500, failure || `the builder of "${name}" failed: ${said.trim()}`);
  }
}
