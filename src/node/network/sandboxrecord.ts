/** What is known of a pod's sandbox, one small file each: written before anything is made, so that a kill leaves nothing unaccounted for. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAddress } from './address.ts';
import type { HostPort } from './hostports.ts';

export interface SandboxRecord {
  uid: string;
  namespace: string;
  name: string;
  ip: string;
  /** Host side of the pair. */
  link: string;
  hostPorts: HostPort[];
  /** False from the intent until all of it stands; an incomplete sandbox is made anew. */
  complete: boolean;
}

/** A record is a few hundred bytes; anything larger is not ours. */
const MAX_RECORD_BYTES = 64 * 1024;

function parseHostPorts(value: unknown): HostPort[] {
  return (Array.isArray(value) ? value : []).flatMap((item: unknown): HostPort[] => {
    const fields = new Map<string, unknown>(typeof item === 'object' && item !== null ? Object.entries(item) : []);
    const [protocol, hostPort, containerPort, hostIP] = ['protocol', 'hostPort', 'containerPort', 'hostIP'].map((key) => fields.get(key));
    return typeof protocol === 'string' && typeof hostPort === 'number' && typeof containerPort === 'number'
      ? [{ protocol, hostPort, containerPort, ...(typeof hostIP === 'string' ? { hostIP } : {}) }]
      : [];
  });
}

function parse(text: string): SandboxRecord | undefined {
  if (text.length > MAX_RECORD_BYTES) {
    return undefined;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Cut off by a power loss: the namespace it spoke of is gone too.
    return undefined;
  }
  if (typeof value !== 'object' || value === null) {
    return undefined;
  }
  const fields = new Map<string, unknown>(Object.entries(value));
  const text_ = (key: string): string => {
    const field = fields.get(key);
    return typeof field === 'string' ? field : '';
  };
  const record = { uid: text_('uid'), namespace: text_('namespace'), name: text_('name'), ip: text_('ip'), link: text_('link'), hostPorts: parseHostPorts(fields.get('hostPorts')), complete: fields.get('complete') === true };
  return record.uid !== '' && record.link !== '' && parseAddress(record.ip) !== undefined ? record : undefined;
}

export class SandboxRecords {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Every readable record; unreadable ones are removed. */
  async load(): Promise<SandboxRecord[]> {
    await mkdir(this.#dir, { recursive: true });
    const records: SandboxRecord[] = [];
    for (const file of await readdir(this.#dir)) {
      const path = join(this.#dir, file);
      const record = file.endsWith('.json') ? parse(await readFile(path, 'utf8')) : undefined;
      if (record === undefined || file !== `${record.uid}.json`) {
        await rm(path, { force: true, recursive: true });
      } else {
        records.push(record);
      }
    }
    return records;
  }

  async save(record: SandboxRecord): Promise<void> {
    const path = join(this.#dir, `${record.uid}.json`);
    await writeFile(`${path}.new`, JSON.stringify(record));
    await rename(`${path}.new`, path);
  }

  async remove(uid: string): Promise<void> {
    const path = join(this.#dir, `${uid}.json`);
    if (existsSync(path)) {
      await rm(path, { force: true });
    }
  }
}
