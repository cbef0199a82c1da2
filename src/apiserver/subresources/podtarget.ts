/** pods/{log,exec,attach,portforward}: which container, which node, and the kubelet's own path for it. */
import type { KubeObject } from '../../apimachinery/object.ts';
import { ValueError } from '../../apimachinery/schema/context.ts';
import { canonicalTime } from '../../apimachinery/schema/times.ts';
import { flag } from '../params.ts';
import { badRequest, failure, fieldError, invalid, type FieldError } from '../../apimachinery/status.ts';
import type { Pod } from '../../kinds/generated/core.ts';
import { typed } from '../../kinds/typed.ts';

export interface NodeTarget {
  node: string;
  /** Path and query at the node. */
  target: string;
  /** The node's certificate is not to be checked: the client has said so. */
  insecure?: boolean;
}

const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container';

const names = (containers: readonly { name: string }[] | undefined): string[] => (containers ?? []).map(({ name }) => name);

/** Throws BadRequest in Kubernetes' words when the pod has several containers and none was named, or no such one. */
function containerOf(pod: Pod, asked: string): string {
  const name = pod.metadata?.name ?? '';
  const main = names(pod.spec?.containers);
  const init = names(pod.spec?.initContainers);
  const all = [...main, ...init, ...names(pod.spec?.ephemeralContainers)];
  if (asked !== '') {
    if (!all.includes(asked)) {
      throw badRequest(`container ${asked} is not valid for pod ${name}`);
    }
    return asked;
  }
  const [only] = main;
  if (main.length === 1 && only !== undefined) {
    return only;
  }
  const preferred = pod.metadata?.annotations?.[DEFAULT_CONTAINER];
  if (preferred !== undefined && main.includes(preferred)) {
    return preferred;
  }
  const more = init.length === 0 ? '' : ` or one of the init containers: [${init.join(' ')}]`;
  throw badRequest(`a container name must be specified for pod ${name}, choose one of: [${main.join(' ')}]${more}`);
}

const LOG_OPTIONS = ['follow', 'previous', 'timestamps', 'tailLines', 'sinceSeconds', 'sinceTime', 'limitBytes', 'stream'] as const;
const COUNTS: Readonly<Record<string, { least: number; why: string }>> = {
  tailLines: { least: 0, why: 'must be greater than or equal to 0' },
  sinceSeconds: { least: 1, why: 'must be greater than 0' },
  limitBytes: { least: 1, why: 'must be greater than 0' },
};

function countErrors(query: URLSearchParams): FieldError[] {
  const errors: FieldError[] = [];
  for (const [name, { least, why }] of Object.entries(COUNTS)) {
    const text = query.get(name);
    if (text === null || text === '') {
      continue;
    }
    if (!/^-?[0-9]{1,18}$/.test(text)) {
      throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
    }
    if (Number(text) < least) {
      errors.push(fieldError.invalid(name, Number(text), why));
    }
  }
  if (query.has('sinceSeconds') && query.has('sinceTime')) {
    errors.push(fieldError.forbidden('sinceSeconds', 'at most one of `sinceTime` or `sinceSeconds` may be specified'));
  }
  return [...errors, ...streamErrors(query)];
}

const LOG_STREAMS = ['All', 'Stderr', 'Stdout'];

function streamErrors(query: URLSearchParams): FieldError[] {
  const stream = query.get('stream') ?? '';
  if (stream !== '' && !LOG_STREAMS.includes(stream)) {
    return [fieldError.notSupported('stream', stream, LOG_STREAMS)];
  }
  return stream !== '' && stream !== 'All' && query.has('tailLines')
    ? [fieldError.forbidden('', '`tailLines` and specific `stream` are mutually exclusive for now')] : [];
}

/** Throws BadRequest in the words of Go's parser. */
function checkTime(text: string): void {
  try {
    canonicalTime(text);
  } catch (error) {
    if (error instanceof ValueError) {
      throw badRequest(error.message);
    }
    throw error;
  }
}

/** The log options that Kubernetes knows, checked. Throws Invalid or BadRequest. */
function logQuery(query: URLSearchParams, pod: Pod): string {
  const since = query.get('sinceTime') ?? '';
  if (since !== '') {
    checkTime(since);
  }
  const errors = countErrors(query);
  if (errors.length > 0) {
    throw invalid({ group: '', resource: 'PodLogOptions', name: pod.metadata?.name ?? '' }, errors);
  }
  const passed = new URLSearchParams();
  for (const name of LOG_OPTIONS) {
    const value = query.get(name);
    if (value !== null && value !== '') {
      passed.set(name, value);
    }
  }
  return passed.toString();
}

const FLAGS = { stdin: 'input', stdout: 'output', stderr: 'error', tty: 'tty' } as const;

function streamQuery(query: URLSearchParams, withCommand: boolean): string {
  const passed = new URLSearchParams();
  for (const [name, kubelet] of Object.entries(FLAGS)) {
    if (flag(query, name)) {
      passed.set(kubelet, '1');
    }
  }
  if (!['input', 'output', 'error'].some((name) => passed.has(name))) {
    throw badRequest('you must specify at least one of stdin, stdout, stderr');
  }
  if (withCommand) {
    const command = query.getAll('command');
    if (command.length === 0) {
      throw badRequest('you must specify at least one command for the container');
    }
    command.forEach((word) => passed.append('command', word));
  }
  return passed.toString();
}

const withQuery = (path: string, query: string): string => (query === '' ? path : `${path}?${query}`);

/** Where a pod subresource is served; undefined for the log of a pod that has no node yet (an empty log). */
export function podTarget(object: KubeObject, subresource: string, query: URLSearchParams): NodeTarget | undefined {
  const pod = typed('v1 Pod', object);
  const { name } = object.metadata;
  const place = `${encodeURIComponent(object.metadata.namespace ?? '')}/${encodeURIComponent(name)}`;
  const node = pod.spec?.nodeName ?? '';
  const container = subresource === 'portforward' ? '' : encodeURIComponent(containerOf(pod, query.get('container') ?? ''));
  const target = ((): string => {
    switch (subresource) {
      case 'log': return withQuery(`/containerLogs/${place}/${container}`, logQuery(query, pod));
      case 'exec': return withQuery(`/exec/${place}/${container}`, streamQuery(query, true));
      case 'attach': return withQuery(`/attach/${place}/${container}`, streamQuery(query, false));
      default: return withQuery(`/portForward/${place}`, query.getAll('ports').map((port) => `ports=${encodeURIComponent(port)}`).join('&'));
    }
  })();
  if (node !== '') {
    return { node, target, ...(subresource === 'log' && flag(query, 'insecureSkipTLSVerifyBackend') ? { insecure: true } : {}) };
  }
  if (subresource === 'log') {
    return undefined;
  }
  throw failure('BadRequest', `pod ${name} does not have a host assigned`);
}
