/**
 * People and programs with a client certificate of their own: who has been given one, and who has lost it again. The file is only ever
 * appended to, a line for each, so that two commands at once lose nothing of each other.
 */
import { X509Certificate } from 'node:crypto';
import { unwatchFile, watchFile } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { isObject } from '../../apimachinery/values.ts';
import { ensureSecretDir, readSecret } from './files.ts';
import type { KeyPair } from './issue.ts';

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

const fileOf = (dir: string): string => join(dir, 'users.jsonl');

/** One line: a user as issued, or the fingerprint of one removed. Throws UserError: nobody must be forgotten silently. */
function lineOf(line: string, dir: string): IssuedUser | { fingerprint: string; removed: string } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new UserError(`${fileOf(dir)} cannot be read: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  const { name, groups, fingerprint, issued, expires, removed } = isObject(value) ? value : {};
  if (typeof fingerprint === 'string' && typeof removed === 'string') {
    return { fingerprint, removed };
  }
  if (typeof name !== 'string' || typeof fingerprint !== 'string' || typeof issued !== 'string' || typeof expires !== 'string' || !Array.isArray(groups)) {
    throw new UserError(`${fileOf(dir)} cannot be read: ${line.slice(0, 80)} says nothing of a user`);
  }
  return { name, fingerprint, issued, expires, groups: groups.filter((one) => typeof one === 'string') };
}

/** A last line without its end is what a power loss left of a command that never said it was done. */
function parse(text: string, dir: string): IssuedUser[] {
  const users = new Map<string, IssuedUser>();
  for (const line of text.slice(0, text.lastIndexOf('\n') + 1).split('\n')) {
    if (line === '') {
      continue;
    }
    const read = lineOf(line, dir);
    if ('name' in read) {
      users.set(read.fingerprint, read);
    } else {
      const user = users.get(read.fingerprint);
      if (user !== undefined) {
        users.set(read.fingerprint, { ...user, removed: read.removed });
      }
    }
  }
  return [...users.values()];
}

/** Everybody, in the order in which they came. */
export async function issuedUsers(dir: string): Promise<IssuedUser[]> {
  const text = await readSecret(fileOf(dir));
  return text === undefined ? [] : parse(text, dir);
}

/** On disk when it resolves. What a power loss left of a line is taken away first. */
async function append(dir: string, lines: readonly object[]): Promise<void> {
  const file = await open(fileOf(dir), 'a+', 0o600);
  try {
    const present = await file.readFile();
    const whole = present.lastIndexOf('\n') + 1;
    if (whole < present.length) {
      await file.truncate(whole);
    }
    // One write, which the system puts at the end as a whole.
    await file.appendFile(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    await file.sync();
  } finally {
    await file.close();
  }
}

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
  if ((await issuedUsers(dir)).length >= MAX_USERS) {
    throw new UserError(`more than ${MAX_USERS} certificates have been given out`);
  }
  const { issueLeaf } = await import('./issue.ts');
  const client = issueLeaf({ cert, key }, { commonName: name, organizations: groups, usages: ['client'], names: [], days });
  const certificate = new X509Certificate(client.cert);
  await append(dir, [{
    name, groups, fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(), issued: now.toISOString(), expires: certificate.validToDate.toISOString(),
  } satisfies IssuedUser]);
  return { ca: cert, client };
}

/** Takes every certificate of a name away; answers how many that were. */
export async function removeUser(dir: string, name: string, now = new Date()): Promise<number> {
  const lost = (await issuedUsers(dir)).filter((user) => user.name === name && user.removed === undefined);
  if (lost.length > 0) {
    await append(dir, lost.map(({ fingerprint }) => ({ fingerprint, removed: now.toISOString() })));
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
