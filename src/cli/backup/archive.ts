/** A backup's archive taken apart: a gzip-compressed tar whose last file lists all others with their SHA-256. */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { TarError, TarParser, type TarFileInfo } from '../../apimachinery/tar.ts';
import { isObject } from '../../apimachinery/values.ts';

/** The layout this program reads. */
export const BACKUP_FORMAT = 1;
export const MANIFEST = 'manifest.json';
export const STORE_ENTRY = 'store/log.sqlite';
export const RECORD_ENTRY = 'instance.json';
/** Files of a backup are these, and nothing that points elsewhere. */
const KNOWN = /^(manifest\.json|instance\.json|store\/log\.sqlite|pki\/[A-Za-z0-9][A-Za-z0-9._-]*)$/;
const MAX_MANIFEST_BYTES = 1024 * 1024;
/** Files beside the store. */
const MAX_FILES = 1_000;

export class BackupError extends Error { override name = 'BackupError'; }

export interface Manifest {
  format: number;
  /** RFC 3339. */
  created: string;
  /** Of the store when the backup was begun; the copy may hold later ones. */
  revision: number;
  instance: string;
  telar: string;
  files: readonly { name: string; size: number; sha256: string }[];
}

function parseManifest(text: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new BackupError('its list of files is damaged', { cause: error });
  }
  if (!isObject(value) || typeof value['format'] !== 'number' || !Array.isArray(value['files'])) {
    throw new BackupError('its list of files is damaged');
  }
  if (value['format'] > BACKUP_FORMAT) {
    throw new BackupError(`a newer Telar made it (format ${value['format']}, this one reads up to ${BACKUP_FORMAT})`);
  }
  const files: unknown[] = value['files'];
  return {
    format: value['format'], created: String(value['created']), revision: Number(value['revision']), instance: String(value['instance']), telar: String(value['telar']),
    files: files.filter(isObject).map((file) => ({ name: String(file['name']), size: Number(file['size']), sha256: String(file['sha256']) })),
  };
}

interface Reading {
  info: TarFileInfo;
  hash: Hash;
  descriptor: number | undefined;
}

/** Fed with the bytes of the tar archive; writes its files below a folder when one is named, and checks every one against the manifest. */
export class BackupReader {
  readonly #into: string | undefined;
  readonly #parser: TarParser;
  readonly #found = new Map<string, { size: number; sha256: string }>();
  #reading: Reading | undefined;
  #manifest: Buffer[] | undefined;

  constructor(into?: string) {
    this.#into = into;
    this.#parser = new TarParser({ file: (info) => this.#begin(info), data: (part) => this.#data(part), end: () => this.#end() });
  }

  /** Throws BackupError. */
  push(bytes: Uint8Array): void {
    try {
      this.#parser.push(bytes);
    } catch (error) {
      throw error instanceof TarError ? new BackupError(error.message, { cause: error }) : error;
    }
  }

  #begin(info: TarFileInfo): void {
    if (!KNOWN.test(info.path) || this.#found.has(info.path) || this.#found.size >= MAX_FILES || (info.path === MANIFEST && info.size > MAX_MANIFEST_BYTES)) {
      throw new BackupError(`it holds ${JSON.stringify(info.path)}, which belongs in no backup`);
    }
    if (this.#manifest !== undefined) {
      throw new BackupError('something follows its list of files');
    }
    if (info.path === MANIFEST) {
      this.#manifest = [];
    }
    let descriptor: number | undefined;
    if (this.#into !== undefined && info.path !== MANIFEST) {
      const path = join(this.#into, info.path);
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      descriptor = openSync(path, 'wx', 0o600);
    }
    this.#reading = { info, hash: createHash('sha256'), descriptor };
  }

  #data(part: Uint8Array): void {
    const reading = this.#reading;
    if (reading === undefined) {
      return;
    }
    if (reading.info.path === MANIFEST) {
      this.#manifest?.push(Buffer.from(part));
      return;
    }
    reading.hash.update(part);
    for (let at = 0; reading.descriptor !== undefined && at < part.length;) {
      at += writeSync(reading.descriptor, part, at);
    }
  }

  #end(): void {
    const reading = this.#reading;
    this.#reading = undefined;
    if (reading === undefined || reading.info.path === MANIFEST) {
      return;
    }
    if (reading.descriptor !== undefined) {
      fsyncSync(reading.descriptor);
      closeSync(reading.descriptor);
    }
    this.#found.set(reading.info.path, { size: reading.info.size, sha256: reading.hash.digest('hex') });
  }

  /** The whole archive has been read: checks it. Throws BackupError. */
  finish(): Manifest {
    try {
      this.#parser.finish();
    } catch (error) {
      throw error instanceof TarError ? new BackupError(error.message, { cause: error }) : error;
    }
    if (this.#manifest === undefined) {
      throw new BackupError('its list of files is missing');
    }
    const manifest = parseManifest(Buffer.concat(this.#manifest).toString());
    for (const { name, size, sha256 } of manifest.files) {
      const found = this.#found.get(name);
      if (found === undefined || found.size !== size || found.sha256 !== sha256) {
        throw new BackupError(`${name} is ${found === undefined ? 'missing' : 'not what it was when the backup was made'}`);
      }
    }
    for (const name of [STORE_ENTRY, RECORD_ENTRY]) {
      if (!this.#found.has(name)) {
        throw new BackupError(`${name} is missing`);
      }
    }
    if (manifest.files.length !== this.#found.size) {
      throw new BackupError('it holds files that its list does not know');
    }
    return manifest;
  }

  /** Closes what an archive that was not read to its end has left open. */
  close(): void {
    if (this.#reading?.descriptor !== undefined) {
      closeSync(this.#reading.descriptor);
    }
    this.#reading = undefined;
  }
}
