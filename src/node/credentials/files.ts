/** Keys and certificates on disk: one file for both, so that neither is ever without the other. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { missingAs } from '../../apimachinery/errno.ts';

/** PEM texts. */
export interface KeyPair {
  cert: string;
  key: string;
}

const KEY = /-----BEGIN (?:EC )?PRIVATE KEY-----[^-]+-----END (?:EC )?PRIVATE KEY-----\n?/;

/** Undefined when there is none, or what is there is not whole. */
export async function readPair(dir: string, name: string): Promise<KeyPair | undefined> {
  const text = await readFile(join(dir, `${name}.pem`), 'utf8').catch(missingAs(''));
  const [key] = KEY.exec(text) ?? [];
  const cert = key === undefined ? '' : text.replace(key, '');
  return key === undefined || !cert.includes('-----END CERTIFICATE-----') ? undefined : { cert, key };
}

/** On disk when it resolves. */
export async function writePair(dir: string, name: string, { cert, key }: KeyPair): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await chmod(dir, 0o700);
  const temporary = join(dir, `.${name}.${randomBytes(6).toString('hex')}`);
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(cert + key);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(dir, `${name}.pem`));
}
