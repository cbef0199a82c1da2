/** People and programs with a client certificate of their own: who has been given one, and who has lost it again. */
import { X509Certificate } from 'node:crypto';
import { unwatchFile, watchFile } from 'node:fs';
import { join } from 'node:path';
import { isObject } from '../../apimachinery/values.ts';
import { ensureSecretDir, readSecret, writeSecret } from './files.ts';
import type { KeyPair } from './pki.ts';

/** How often a running server looks whether somebody has lost their certificate, ms. */
const WATCH_INTERVAL_MS = 1_000;
const MAX_USERS = 10_000;

export interface IssuedUser {
  readonly name: string;
  readonly groups: readonly string[];
  /** SHA-256 of the certificate, hexadecimal in lower case. */
  readonly fingerprint: string;
  /** RFC 3339. */
  readonly issued: string;
  readonly expires: string;
  readonly removed?: string;
}

export class UserError extends Error { override name = 'UserError'; }

const fileOf = (dir: string): string => join(dir, 'users.json');

function userOf(value: unknown): IssuedUser[] {
  if (!isObject(value)) {
    return [];
  }
  const { name, groups, fingerprint, issued, expires, removed } = value;
  return typeof name === 'string' && typeof fingerprint === 'string' && typeof issued === 'string' && typeof expires === 'string'
    ? [{
      name, fingerprint, issued, expires, groups: Array.isArray(groups) ? groups.filter((one) => typeof one === 'string') : [],
      ...(typeof removed === 'string' ? { removed } : {}),
    }] : [];
}

/** Throws UserError for a file that is not one of ours: nobody must be forgotten silently. */
function parse(text: string, dir: string): IssuedUser[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UserError(`${fileOf(dir)} cannot be read: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  if (!Array.isArray(value)) {
    throw new UserError(`${fileOf(dir)} cannot be read: it holds no list`);
  }
  return value.flatMap(userOf);
}

/** Everybody, in the order in which they came. */
export async function issuedUsers(dir: string): Promise<IssuedUser[]> {
  const text = await readSecret(fileOf(dir));
  return text === undefined ? [] : parse(text, dir);
}

const write = (dir: string, users: readonly IssuedUser[]): Promise<void> => writeSecret(fileOf(dir), `${JSON.stringify(users, undefined, 2)}\n`);

export interface NewUser {
  name: string;
  groups: readonly string[];
  days: number;
}

/** A certificate for somebody, signed by the authority in `dir`. Throws UserError when there is none. */
export async function addUser(dir: string, { name, groups, days }: NewUser, now = new Date()): Promise<{ ca: string; client: KeyPair }> {
  await ensureSecretDir(dir);
  const [cert, key] = await Promise.all([readSecret(join(dir, 'ca.crt')), readSecret(join(dir, 'ca.key'))]);
  if (cert === undefined || key === undefined) {
    throw new UserError(`there is no certificate authority in ${dir}`);
  }
  const users = await issuedUsers(dir);
  if (users.length >= MAX_USERS) {
    throw new UserError(`more than ${MAX_USERS} certificates have been given out`);
  }
  const { issueLeaf } = await import('./issue.ts');
  const client = issueLeaf({ cert, key }, { commonName: name, organizations: groups, usages: ['client'], names: [], days });
  const certificate = new X509Certificate(client.cert);
  await write(dir, [...users, {
    name, groups, fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(), issued: now.toISOString(), expires: certificate.validToDate.toISOString(),
  }]);
  return { ca: cert, client };
}

/** Takes every certificate of a name away; answers how many that were. */
export async function removeUser(dir: string, name: string, now = new Date()): Promise<number> {
  const users = await issuedUsers(dir);
  const lost = users.filter((user) => user.name === name && user.removed === undefined);
  if (lost.length > 0) {
    await write(dir, users.map((user) => (lost.includes(user) ? { ...user, removed: now.toISOString() } : user)));
  }
  return lost.length;
}

/** The certificates that count no longer, as the file says; followed while the server runs. */
export class RevokedCertificates {
  readonly #dir: string;
  readonly #onError: (error: Error) => void;
  #fingerprints: ReadonlySet<string>;

  private constructor(dir: string, fingerprints: ReadonlySet<string>, onError: (error: Error) => void) {
    this.#dir = dir;
    this.#fingerprints = fingerprints;
    this.#onError = onError;
    watchFile(fileOf(dir), { interval: WATCH_INTERVAL_MS, persistent: false }, this.#changed);
  }

  /** `onError` is told when the file cannot be read any more; what was known then stays. */
  static async follow(dir: string, onError: (error: Error) => void): Promise<RevokedCertificates> {
    return new RevokedCertificates(dir, await revoked(dir), onError);
  }

  has(fingerprint: string): boolean {
    return this.#fingerprints.has(fingerprint);
  }

  readonly #changed = (): void => { void this.#read(); };

  async #read(): Promise<void> {
    try {
      this.#fingerprints = await revoked(this.#dir);
    } catch (error) {
      this.#onError(error instanceof Error ? error : new Error(String(error)));
    }
  }

  close(): void {
    unwatchFile(fileOf(this.#dir), this.#changed);
  }
}

const revoked = async (dir: string): Promise<ReadonlySet<string>> =>
  new Set((await issuedUsers(dir)).filter(({ removed }) => removed !== undefined).map(({ fingerprint }) => fingerprint));
