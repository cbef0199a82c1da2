/**
 * From a kubeconfig to a Connection. The plain ones (certificates, tokens: Telar's own among them) are read
 * here; those that run a program or ask a cloud for credentials load `@kubernetes/client-node`, and only then.
 */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import type { RequestOptions } from 'node:https';
import { isObject } from '../apimachinery/values.ts';
import type { Connection } from './https.ts';
import { parseSimpleYaml } from './simpleyaml.ts';

export class KubeconfigError extends Error {
  override name = 'KubeconfigError';
}

export interface KubeconfigContext {
  connection: Connection;
  /** The context's namespace, or `default`. */
  namespace: string;
  context: string;
}

/** The first file of `$KUBECONFIG`, or `~/.kube/config`. */
export function defaultKubeconfigPath(): string {
  const named = process.env['KUBECONFIG']?.split(':').find((path) => path !== '');
  return named ?? join(homedir(), '.kube', 'config');
}

export async function loadKubeconfig(path: string, context?: string): Promise<KubeconfigContext> {
  const text = await readFile(path, 'utf8');
  return await parseKubeconfig(text, { context, directory: dirname(path), path });
}

interface Source {
  context?: string | undefined;
  /** Relative file names in the kubeconfig start here. */
  directory: string;
  path: string;
}

export async function parseKubeconfig(text: string, source: Source): Promise<KubeconfigContext> {
  const config = await parseText(text);
  const name = source.context ?? textOf(config, 'current-context');
  if (name === undefined) {
    throw new KubeconfigError(`${source.path} names no current context`);
  }
  const context = entry(config, 'contexts', name, 'context', source);
  const cluster = entry(config, 'clusters', textOf(context, 'cluster') ?? '', 'cluster', source);
  const userName = textOf(context, 'user');
  const user = userName === undefined ? {} : entry(config, 'users', userName, 'user', source);
  const server = textOf(cluster, 'server');
  if (server === undefined) {
    throw new KubeconfigError(`${source.path}: the cluster of context ${name} has no server`);
  }
  const connection: Connection = {
    server,
    ...await pem('ca', cluster, 'certificate-authority', source),
    ...(cluster['insecure-skip-tls-verify'] === true ? { insecureSkipTlsVerify: true } : {}),
    ...optional('tlsServerName', textOf(cluster, 'tls-server-name')),
    ...(needsLibrary(user) ? await foreignCredentials(text, name) : await ownCredentials(user, source)),
  };
  return { connection, namespace: textOf(context, 'namespace') ?? 'default', context: name };
}

/** Inside a pod of a real cluster: the service account's token, read anew as it is rotated. */
export async function inClusterConnection(): Promise<Connection | undefined> {
  const [host, port] = [process.env['KUBERNETES_SERVICE_HOST'], process.env['KUBERNETES_SERVICE_PORT']];
  if (host === undefined || port === undefined) {
    return undefined;
  }
  const directory = '/var/run/secrets/kubernetes.io/serviceaccount';
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    ca: await readFile(join(directory, 'ca.crt'), 'utf8'),
    token: async () => (await readFile(join(directory, 'token'), 'utf8')).trim(),
  };
}

async function parseText(text: string): Promise<Record<string, unknown>> {
  let parsed: unknown = parseSimpleYaml(text);
  if (parsed === undefined) {
    const yaml = await import('yaml');
    parsed = yaml.parse(text);
  }
  if (!isObject(parsed)) {
    throw new KubeconfigError('this is no kubeconfig');
  }
  return parsed;
}

function textOf(record: Record<string, unknown>, key: string): string | undefined {
  const value = record[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function optional(key: string, value: string | undefined): Record<string, string> {
  return value === undefined ? {} : { [key]: value };
}

function entry(config: Record<string, unknown>, list: string, name: string, member: string, source: Source): Record<string, unknown> {
  const entries = Array.isArray(config[list]) ? config[list] : [];
  const found: unknown = entries.find((one: unknown) => isObject(one) && one['name'] === name);
  const value = isObject(found) ? found[member] : undefined;
  if (!isObject(value)) {
    throw new KubeconfigError(`${source.path} has no ${member} ${name}`);
  }
  return value;
}

/** `<key>-data` in base64, or `<key>` as a file name. */
async function pem(name: string, record: Record<string, unknown>, key: string, source: Source): Promise<Record<string, string>> {
  const data = textOf(record, `${key}-data`);
  if (data !== undefined) {
    return { [name]: Buffer.from(data, 'base64').toString('utf8') };
  }
  const file = textOf(record, key);
  return file === undefined ? {} : { [name]: await readFile(resolvePath(file, source), 'utf8') };
}

const resolvePath = (file: string, source: Source): string => (isAbsolute(file) ? file : join(source.directory, file));

function needsLibrary(user: Record<string, unknown>): boolean {
  return user['exec'] !== undefined || user['auth-provider'] !== undefined;
}

async function ownCredentials(user: Record<string, unknown>, source: Source): Promise<Partial<Connection>> {
  const tokenFile = textOf(user, 'tokenFile');
  const token = textOf(user, 'token');
  return {
    ...await pem('cert', user, 'client-certificate', source),
    ...await pem('key', user, 'client-key', source),
    ...(token === undefined ? {} : { token }),
    ...(tokenFile === undefined ? {} : { token: async () => (await readFile(resolvePath(tokenFile, source), 'utf8')).trim() }),
  };
}

async function foreignCredentials(text: string, context: string): Promise<Partial<Connection>> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  config.loadFromString(text);
  config.setCurrentContext(context);
  const first: RequestOptions = {};
  await config.applyToHTTPSOptions(first);
  const pemOf = (value: unknown): string | undefined =>
    typeof value === 'string' ? value : Buffer.isBuffer(value) ? value.toString('utf8') : undefined;
  return {
    ...optional('cert', pemOf(first.cert)), ...optional('key', pemOf(first.key)),
    // The library renews what has expired.
    token: async () => {
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      const headers: unknown = options.headers;
      const header = isObject(headers) ? headers['Authorization'] : undefined;
      return typeof header === 'string' ? header.replace(/^Bearer /, '') : undefined;
    },
  };
}
