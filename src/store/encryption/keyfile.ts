/**
 * The file of `--encryption-key`: one key per line, base64 of 32 random bytes, the newest first. The first encrypts, all of them decrypt;
 * empty lines and lines that begin with `#` do not count. A key's id is the beginning of its SHA-256, so nobody has to name keys.
 */
import { createHash, createSecretKey, type KeyObject } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { StoreOpenError } from '../store.ts';

export interface EncryptionKey {
  /** Eight hexadecimal digits. */
  readonly id: string;
  readonly key: KeyObject;
}

const KEY_BYTES = 32;
const ID_DIGITS = 8;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
/** Keys one file may hold: rotations that nobody cleaned up after. */
const MAX_KEYS = 32;
/** Permission bits that let others than the owner read or write. */
const OTHERS = 0o077;

function parseLine(line: string, number: number): EncryptionKey {
  const bytes = BASE64.test(line) ? Buffer.from(line, 'base64') : Buffer.alloc(0);
  if (bytes.length !== KEY_BYTES) {
    throw new StoreOpenError(`line ${number} of the encryption key file is no key: a key is the base64 of ${KEY_BYTES} random bytes (openssl rand -base64 ${KEY_BYTES})`);
  }
  return { id: createHash('sha256').update(bytes).digest('hex').slice(0, ID_DIGITS), key: createSecretKey(bytes) };
}

/** Throws StoreOpenError for what is no key, for two keys with one id, and for a file without keys. */
export function parseKeys(text: string): EncryptionKey[] {
  const keys = text.split('\n').map((line) => line.trim())
    .flatMap((line, index) => (line === '' || line.startsWith('#') ? [] : [parseLine(line, index + 1)]));
  if (keys.length === 0) {
    throw new StoreOpenError('the encryption key file holds no key');
  }
  if (keys.length > MAX_KEYS || new Set(keys.map(({ id }) => id)).size !== keys.length) {
    throw new StoreOpenError(keys.length > MAX_KEYS ? `the encryption key file holds more than ${MAX_KEYS} keys` : 'the encryption key file holds a key twice');
  }
  return keys;
}

/** Throws StoreOpenError with a sentence that names the file. */
export async function readKeyFile(path: string): Promise<EncryptionKey[]> {
  let text: string;
  try {
    const { mode } = await stat(path);
    if ((mode & OTHERS) !== 0) {
      throw new StoreOpenError(`the encryption key file ${path} can be read by others than its owner: chmod 600 ${path}`);
    }
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof StoreOpenError) {
      throw error;
    }
    throw new StoreOpenError(`the encryption key file ${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  return parseKeys(text);
}
