/** `instance.json`: what distinguishes this instance from others of the machine, fixed by its first start. */
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { isMissing } from '../../apimachinery/errno.ts';
import type { Instance } from '../../apimachinery/instance.ts';
import { CliError } from '../errors.ts';
import { text } from '../messages/index.ts';
import { addressAt, overlap, parseCidr, type Cidr } from './cidr.ts';

const ID_ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';
const ID_LENGTH = 6;
const RUN_ROOT = '/run/telar';
export const DEFAULT_DATA_DIR = '/var/lib/telar';
const DEFAULTS = { podCidr: '10.42.0.0/16', serviceCidr: '10.43.0.0/16', clusterDomain: 'cluster.local', port: 6443, listen: '127.0.0.1' };
export const DEFAULT_PORT = DEFAULTS.port;
export const DEFAULT_LISTEN = DEFAULTS.listen;
/** A node's pods take a /24 of the pod range; services need room for DNS at .10. */
const MIN_PODS = 256;
const MIN_SERVICES = 16;

/** What may be asked for at `telar up`; ranges and node name only at the first. */
export interface InstanceOptions {
  listen?: string;
  port?: number;
  podCidr?: string;
  serviceCidr?: string;
  nodeName?: string;
}

interface RecordFile {
  id: string;
  podCidr: string;
  serviceCidr: string;
  clusterDomain: string;
  nodeName: string;
  port: number;
  listen: string;
}

export function dataDirOf(option: string | undefined): string {
  return resolve(option ?? (process.env['TELAR_DATA_DIR'] || DEFAULT_DATA_DIR));
}

export const recordPath = (dataDir: string): string => join(dataDir, 'instance.json');
export const kubeconfigPath = (dataDir: string): string => join(dataDir, 'admin.kubeconfig');
export const logPath = (dataDir: string): string => join(dataDir, 'log', 'telar.log');

/** `https://host:port` as this machine reaches it; IPv6 in brackets, any-address as loopback. */
export function urlOf({ listen, port }: { listen: string; port: number }): string {
  const host = listen === '0.0.0.0' ? '127.0.0.1' : listen === '::' ? '::1' : listen;
  return `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function range(value: string, option: string, example: string, count: number): Cidr {
  const cidr = parseCidr(value);
  if (cidr === undefined || 2 ** (32 - cidr.prefix) < count) {
    throw new CliError(text('up.error.cidr', { value, option, example, count }));
  }
  return cidr;
}

function toInstance(dataDir: string, record: RecordFile): Instance {
  const pods = range(record.podCidr, '--pod-cidr', DEFAULTS.podCidr, MIN_PODS);
  const services = range(record.serviceCidr, '--service-cidr', DEFAULTS.serviceCidr, MIN_SERVICES);
  if (overlap(pods, services)) {
    throw new CliError(text('up.error.overlap', { pods: record.podCidr, services: record.serviceCidr }));
  }
  return {
    ...record, dataDir, runDir: join(RUN_ROOT, record.id),
    dnsAddress: addressAt(services, 10), apiAddress: addressAt(services, 1), nodeAddress: addressAt(pods, 1),
  };
}

function isRecord(value: unknown): value is RecordFile {
  if (typeof value !== 'object' || value === null) {
    return false;
  }
  const strings = ['id', 'podCidr', 'serviceCidr', 'clusterDomain', 'nodeName', 'listen'];
  return strings.every((name) => typeof Reflect.get(value, name) === 'string')
    && typeof Reflect.get(value, 'port') === 'number' && /^[a-z0-9]{6}$/.test(String(Reflect.get(value, 'id')));
}

async function readRecord(dataDir: string): Promise<RecordFile | undefined> {
  const file = recordPath(dataDir);
  let content: string;
  try {
    content = await readFile(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) {
      return undefined;
    }
    throw new CliError(text('error.data', { dataDir, why: error instanceof Error ? error.message : String(error) }), { cause: error });
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(content);
  } catch (error) {
    throw new CliError(text('error.record', { file, why: 'not JSON' }), { cause: error });
  }
  if (!isRecord(parsed)) {
    throw new CliError(text('error.record', { file, why: 'fields are missing' }));
  }
  return parsed;
}

/** The instance of a directory, or undefined when none was ever started there. */
export async function findInstance(dataDir: string): Promise<Instance | undefined> {
  const record = await readRecord(dataDir);
  return record === undefined ? undefined : toInstance(dataDir, record);
}

/** Ids name links and tables of the machine, so one that is in use elsewhere is not taken. */
function newId(): string {
  for (;;) {
    const id = Array.from({ length: ID_LENGTH }, () => ID_ALPHABET[randomInt(ID_ALPHABET.length)]).join('');
    if (!existsSync(join(RUN_ROOT, id))) {
      return id;
    }
  }
}

function nodeNameOf(option: string | undefined): string {
  const name = option ?? hostname().toLowerCase().replace(/[^a-z0-9.-]+/g, '-').replace(/^[-.]+|[-.]+$/g, '');
  if (!/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(name)) {
    throw new CliError(text('up.error.nodeName', { value: name }));
  }
  return name;
}

function checkFixed(record: RecordFile, options: InstanceOptions): void {
  const fixed = [['podCidr', '--pod-cidr'], ['serviceCidr', '--service-cidr'], ['nodeName', '--node-name']] as const;
  for (const [name, what] of fixed) {
    if (options[name] !== undefined && options[name] !== record[name]) {
      throw new CliError(text('up.error.fixed', { what, before: record[name] }));
    }
  }
}

async function writeRecord(dataDir: string, record: RecordFile): Promise<void> {
  const temporary = `${recordPath(dataDir)}.${process.pid}`;
  await writeFile(temporary, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600, flush: true });
  await rename(temporary, recordPath(dataDir));
}

/** The instance of a directory, made when there is none; address and port follow the options of each start. */
export async function ensureInstance(dataDir: string, options: InstanceOptions): Promise<Instance> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new CliError(text('error.data', { dataDir, why: error instanceof Error ? error.message : String(error) }), { cause: error });
  }
  const before = await readRecord(dataDir);
  if (before !== undefined) {
    checkFixed(before, options);
  }
  const record: RecordFile = before === undefined
    ? {
      id: newId(), podCidr: options.podCidr ?? DEFAULTS.podCidr, serviceCidr: options.serviceCidr ?? DEFAULTS.serviceCidr,
      clusterDomain: DEFAULTS.clusterDomain, nodeName: nodeNameOf(options.nodeName), port: options.port ?? DEFAULTS.port, listen: options.listen ?? DEFAULTS.listen,
    }
    : { ...before, port: options.port ?? before.port, listen: options.listen ?? before.listen };
  const instance = toInstance(dataDir, record);
  if (JSON.stringify(before) !== JSON.stringify(record)) {
    await writeRecord(dataDir, record);
  }
  return instance;
}
