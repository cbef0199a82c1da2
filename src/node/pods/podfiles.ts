/** The small files every container of a pod is given: /etc/hosts, /etc/resolv.conf and where it may leave a last message. */
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { missingAs } from '../../apimachinery/errno.ts';
import type { Container, Pod } from '../../kinds/generated/core.ts';
import type { MountSpec } from '../podman/spec.ts';

const MAX_HOSTNAME = 63;
/** As much of a container's last words as Kubernetes keeps, bytes. */
const MAX_MESSAGE_BYTES = 4096;
const MAX_LOG_MESSAGE_BYTES = 2048;
const MAX_LOG_LINES = 80;
const DEFAULT_TERMINATION_PATH = '/dev/termination-log';

export function podHostname(pod: Pod): string {
  const { spec } = pod;
  if (spec?.hostNetwork === true) {
    return hostname();
  }
  const name = spec?.hostnameOverride ?? (spec?.hostname === undefined || spec.hostname === '' ? pod.metadata.name : spec.hostname);
  return name.slice(0, MAX_HOSTNAME).replace(/[-.]+$/, '');
}

/** The pod's name in DNS when it has a subdomain: `host.subdomain.ns.svc.cluster.local`. */
export function podFqdn(pod: Pod, clusterDomain: string): string | undefined {
  const subdomain = pod.spec?.subdomain ?? '';
  return subdomain === '' ? undefined : `${podHostname(pod)}.${subdomain}.${pod.metadata.namespace ?? 'default'}.svc.${clusterDomain}`;
}

const LOCAL_HOSTS = `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
`;

async function hostsFile(pod: Pod, ip: string, clusterDomain: string): Promise<string> {
  const aliases = (pod.spec?.hostAliases ?? []).map((alias) => `${alias.ip}\t${(alias.hostnames ?? []).join('\t')}\n`);
  const extra = aliases.length === 0 ? '' : `\n# Entries added by HostAliases.\n${aliases.join('')}`;
  if (pod.spec?.hostNetwork === true) {
    return `# Kubernetes-managed hosts file (host network).\n${await readFile('/etc/hosts', 'utf8').catch(missingAs(LOCAL_HOSTS))}${extra}`;
  }
  const names = [podFqdn(pod, clusterDomain), podHostname(pod)].filter((name) => name !== undefined).join('\t');
  return `# Kubernetes-managed hosts file.\n${LOCAL_HOSTS}${ip}\t${names}\n${extra}`;
}

export interface PodFilesInput {
  pod: Pod;
  podDir: string;
  ip: string;
  clusterDomain: string;
  resolvConf: string;
}

/** Writes them; answers the mounts every container gets, unless it mounts something of its own there. */
export async function writePodFiles(input: PodFilesInput): Promise<MountSpec[]> {
  const hosts = join(input.podDir, 'etc-hosts');
  const resolv = join(input.podDir, 'resolv.conf');
  await Promise.all([
    writeFile(hosts, await hostsFile(input.pod, input.ip, input.clusterDomain), { mode: 0o644 }),
    writeFile(resolv, input.resolvConf, { mode: 0o644 }),
  ]);
  return [[hosts, '/etc/hosts'], [resolv, '/etc/resolv.conf']].map(([source = '', destination = '']) => (
    { type: 'bind', source, destination, options: ['rbind', 'rprivate', 'rw'] }));
}

export function logFolder(podDir: string, container: string): string {
  return join(podDir, 'logs', container);
}

export function logFile(podDir: string, container: string, attempt: number): string {
  return join(logFolder(podDir, container), `${attempt}.log`);
}

function terminationFile(podDir: string, container: string, attempt: number): string {
  return join(podDir, 'containers', container, `${attempt}.message`);
}

/** The mount for the container's last message; also makes its log's folder. */
export async function prepareContainerFiles(podDir: string, container: Container, attempt: number): Promise<MountSpec> {
  const source = terminationFile(podDir, container.name, attempt);
  await Promise.all([
    mkdir(join(podDir, 'containers', container.name), { recursive: true }),
    mkdir(logFolder(podDir, container.name), { recursive: true }),
  ]);
  await writeFile(source, '', { mode: 0o666 });
  const destination = container.terminationMessagePath === undefined || container.terminationMessagePath === ''
    ? DEFAULT_TERMINATION_PATH : container.terminationMessagePath;
  return { type: 'bind', source, destination, options: ['rbind', 'rprivate', 'rw'] };
}

async function readEnd(file: string, bytes: number): Promise<string> {
  const handle = await open(file, 'r').catch(missingAs(undefined));
  if (handle === undefined) {
    return '';
  }
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, bytes);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.subarray(0, bytesRead).toString();
  } finally {
    await handle.close();
  }
}

/** What a container that ended left to say. */
export async function terminationMessage(podDir: string, container: Container, attempt: number, exitCode: number): Promise<string> {
  const message = await readEnd(terminationFile(podDir, container.name, attempt), MAX_MESSAGE_BYTES);
  if (message !== '' || container.terminationMessagePolicy !== 'FallbackToLogsOnError' || exitCode === 0) {
    return message;
  }
  const log = await readEnd(logFile(podDir, container.name, attempt), MAX_LOG_MESSAGE_BYTES * 2);
  const lines = log.split('\n').map((line) => /^\S+ (?:stdout|stderr) [FP] (.*)$/.exec(line)?.[1]).filter((line) => line !== undefined);
  return lines.slice(-MAX_LOG_LINES).join('\n').slice(-MAX_LOG_MESSAGE_BYTES);
}
