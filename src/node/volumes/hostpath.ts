/** hostPath volumes: the path is the user's own, checked and made as its type says, never removed. */
import { mkdir, stat, writeFile } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import { dirname } from 'node:path';
import { isMissing } from '../../apimachinery/errno.ts';


const CHECKS: Readonly<Record<string, { test: (stats: Stats) => boolean; is: string }>> = {
  Directory: { test: (stats) => stats.isDirectory(), is: 'a directory' },
  DirectoryOrCreate: { test: (stats) => stats.isDirectory(), is: 'a directory' },
  File: { test: (stats) => stats.isFile(), is: 'a file' },
  FileOrCreate: { test: (stats) => stats.isFile(), is: 'a file' },
  Socket: { test: (stats) => stats.isSocket(), is: 'a socket file' },
  CharDevice: { test: (stats) => stats.isCharacterDevice(), is: 'a character device' },
  BlockDevice: { test: (stats) => stats.isBlockDevice(), is: 'a block device' },
};

async function statOrMake(path: string, type: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (error) {
    if (!isMissing(error)) {
      throw error;
    }
  }
  if (type === '' || type === 'DirectoryOrCreate') {
    await mkdir(path, { recursive: true, mode: 0o755 });
  } else if (type === 'FileOrCreate') {
    await mkdir(dirname(path), { recursive: true, mode: 0o755 });
    await writeFile(path, '', { flag: 'a', mode: 0o644 });
  } else {
    throw new Error(`hostPath type check failed: ${path} is not ${CHECKS[type]?.is ?? type}: it does not exist`);
  }
  return await stat(path);
}

/** Resolves with the path once it is what `type` asks for. */
export async function prepareHostPath(path: string, type = ''): Promise<string> {
  if (path.split('/').includes('..')) {
    throw new Error("hostPath must not contain '..'");
  }
  const stats = await statOrMake(path, type);
  const check = CHECKS[type];
  if (type !== '' && check === undefined) {
    throw new Error(`unknown hostPath type ${JSON.stringify(type)}`);
  }
  if (check !== undefined && !check.test(stats)) {
    throw new Error(`hostPath type check failed: ${path} is not ${check.is}`);
  }
  return path;
}
