/**
 * Secrets at rest: AES-256-GCM (NIST SP 800-38D) with a random nonce per value and the key's path as additional data, so that a value
 * moved to another key's row does not decrypt. On disk: `enc:aesgcm:1:<key id>:<base64 of nonce, ciphertext, tag>`.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { StoreOpenError } from '../store.ts';
import { ENCRYPTED_MARK, type Transformer } from '../transformer.ts';
import type { EncryptionKey } from './keyfile.ts';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const SCHEME = `${ENCRYPTED_MARK}aesgcm:1:`;
/** What is encrypted: the values of these keys. Kubernetes' own default choice. */
const SECRET_PREFIX = '/core/secrets/';

function encrypted({ id, key }: EncryptionKey, path: string, json: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(Buffer.from(path));
  const bytes = Buffer.concat([nonce, cipher.update(json, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return `${SCHEME}${id}:${bytes.toString('base64')}`;
}

function decrypted({ id, key }: EncryptionKey, path: string, base64: string): string {
  const bytes = Buffer.from(base64, 'base64');
  try {
    const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES)).setAAD(Buffer.from(path))
      .setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, bytes.length - TAG_BYTES)), decipher.final()]).toString('utf8');
  } catch (error) {
    throw new StoreOpenError(`the value of ${path} cannot be decrypted with key ${id}: it has been changed on disk`, { cause: error });
  }
}

/** Encrypts Secrets with the first key and reads them with any. Throws StoreOpenError for no key at all. */
export function secretsTransformer(keys: readonly EncryptionKey[]): Transformer {
  const [newest] = keys;
  if (newest === undefined) {
    throw new StoreOpenError('there is no key to encrypt with');
  }
  const byId = new Map(keys.map((key) => [key.id, key]));
  return {
    toDisk: (path, json) => (path.startsWith(SECRET_PREFIX) ? encrypted(newest, path, json) : json),
    fromDisk(path, value) {
      if (!value.startsWith(ENCRYPTED_MARK)) {
        return { json: value, stale: path.startsWith(SECRET_PREFIX) };
      }
      const [id = '', base64 = ''] = value.startsWith(SCHEME) ? value.slice(SCHEME.length).split(':') : [];
      const key = byId.get(id);
      if (key === undefined) {
        const known = [...byId.keys()].join(', ');
        throw new StoreOpenError(id === '' ? `the value of ${path} is encrypted in a way this version does not know`
          : `the value of ${path} is encrypted with key ${id}, which is not in the encryption key file (it holds ${known})`);
      }
      return { json: decrypted(key, path, base64), stale: key !== newest };
    },
  };
}
