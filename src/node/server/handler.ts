/** The kubelet's paths on this node, and those other rooms of the node answer. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Log } from '../../apimachinery/log.ts';
import type { NodeHandler } from '../../apimachinery/nodehandler.ts';
import { badRequest, failure, internalError, isStatusError, notFound } from '../../apimachinery/status.ts';
import { streamLog } from '../logs/stream.ts';
import type { LogRequest } from '../logs/stream.ts';
import type { StatsSummary } from '../metrics/stats.ts';
import type { PodmanClient } from '../podman/client.ts';
import type { PodManager } from '../pods/manager.ts';
import { messageOf } from '../pods/errors.ts';
import { logFolder } from '../pods/podfiles.ts';
import type { ContainerRecord } from '../pods/state.ts';
import type { PodWorker } from '../pods/worker.ts';
import type { Attachments } from './attachments.ts';
import { refuseUpgrade, sendError, sendJson, writeTo } from './answers.ts';
import type { Request, Response } from './answers.ts';
import { parseTarget } from './parsetarget.ts';
import { dialAddress, portForward } from './portforward/index.ts';
import type { NetnsDialers } from './portforward/index.ts';
import { attachStream, execStream, streamOptions } from './streams.ts';
import type { Upgrade } from './upgrades.ts';

export interface HandlerOptions {
  pods: PodManager;
  podman: PodmanClient;
  stats: () => StatsSummary;
  attachments: Attachments;
  /** Ways to pods' localhosts. */
  dialers: NetnsDialers;
  log: Log;
  /** Answered elsewhere, by the beginning of the path. */
  mounts: readonly { prefix: string; handler: Partial<NodeHandler> & Pick<NodeHandler, 'request'> }[];
}

function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') {
    return undefined;
  }
  if (!/^\d+$/.test(text)) {
    throw badRequest(`invalid ${name}: ${JSON.stringify(text)} is no number`);
  }
  return Number(text);
}

function sinceOf(query: URLSearchParams): Date | undefined {
  const seconds = wholeNumber(query, 'sinceSeconds');
  if (seconds !== undefined) {
    return new Date(Date.now() - seconds * 1000);
  }
  const text = query.get('sinceTime');
  if (text === null || text === '') {
    return undefined;
  }
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) {
    throw badRequest(`invalid sinceTime: ${JSON.stringify(text)}`);
  }
  return time;
}

/** One of the container's two streams; undefined for both. */
function streamOf(query: URLSearchParams): 'stdout' | 'stderr' | undefined {
  switch (query.get('stream')) {
    case 'Stdout': return 'stdout';
    case 'Stderr': return 'stderr';
    default: return undefined;
  }
}

/** Why there is no log yet, in the kubelet's words. */
function waitingText(reason: string): string {
  switch (reason) {
    case 'ErrImagePull': return "image can't be pulled";
    case 'ImagePullBackOff': return 'trying and failing to pull image';
    default: return reason;
  }
}

const flag = (query: URLSearchParams, name: string): boolean => ['1', 'true'].includes(query.get(name) ?? '');

export class NodeServer implements NodeHandler {
  readonly #options: HandlerOptions;

  constructor(options: HandlerOptions) {
    this.#options = options;
  }

  request(target: string, req: Request, res: Response): void {
    this.#request(target, req, res).catch((error: unknown) => {
      this.#tell(target, error);
      sendError(res, error);
    });
  }

  upgrade(target: string, req: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Clients break connections off as they like; whoever holds the other end sees `close`.
    socket.on('error', () => { socket.destroy(); });
    this.#upgrade(target, req, socket, head).catch((error: unknown) => {
      this.#tell(target, error);
      refuseUpgrade(socket, error);
    });
  }

  /** Refusals are the client's affair; anything else somebody may have to look into. */
  #tell(target: string, error: unknown): void {
    if (!isStatusError(error)) {
      this.#options.log.warn({ target, error: messageOf(error) }, 'a request to the node failed');
    }
  }

  async #request(target: string, req: Request, res: Response): Promise<void> {
    const { path, parts, query } = parseTarget(target);
    const mount = this.#options.mounts.find(({ prefix }) => path === prefix || path.startsWith(`${prefix}/`));
    if (mount !== undefined) {
      mount.handler.request(target, req, res);
      return;
    }
    req.resume();
    if (path === '/healthz') {
      res.setHeader('content-type', 'text/plain; charset=utf-8');
      res.end('ok');
    } else if (path === '/stats/summary') {
      sendJson(res, 200, this.#options.stats());
    } else if (path === '/pods' || path === '/pods/') {
      sendJson(res, 200, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: this.#options.pods.list().map((worker) => worker.pod) });
    } else if (parts[0] === 'containerLogs') {
      await this.#logs(parts, query, res);
    } else if (parts[0] === 'exec' || parts[0] === 'attach') {
      throw badRequest('you must connect with an upgrade to websocket');
    } else {
      throw failure('NotFound', `the node has nothing at ${path}`);
    }
  }

  async #portForward(parts: readonly string[], query: URLSearchParams, upgrade: Upgrade): Promise<void> {
    const [, namespace = '', name = ''] = parts;
    const worker = this.#options.pods.find(namespace, name);
    if (worker === undefined) {
      throw notFound({ group: '', resource: 'pods', name });
    }
    const localhost = worker.netns === undefined ? undefined : this.#options.dialers.hold(worker.netns);
    try {
      await portForward(upgrade, {
        pod: `${name}_${namespace}`, uid: worker.uid,
        dial: (port) => (localhost === undefined ? dialAddress(worker.localAddress, port) : localhost.dial(port)),
      }, query, this.#options.log);
    } finally {
      localhost?.release();
    }
  }

  #container(parts: readonly string[]): { worker: PodWorker; record: ContainerRecord; name: string } {
    const [, namespace = '', pod = '', name = ''] = parts;
    const worker = this.#options.pods.find(namespace, pod);
    if (worker === undefined) {
      throw notFound({ group: '', resource: 'pods', name: pod });
    }
    const record = worker.record(name);
    if (record === undefined) {
      throw failure('NotFound', `container ${name} not found in pod ${pod}_${namespace}`);
    }
    return { worker, record, name };
  }

  async #logs(parts: readonly string[], query: URLSearchParams, res: Response): Promise<void> {
    const { worker, record, name } = this.#container(parts);
    const pod = worker.pod.metadata.name;
    const previous = flag(query, 'previous');
    if (previous && record.attempt < 1) {
      throw badRequest(`previous terminated container "${name}" in pod "${pod}" not found`);
    }
    if (record.attempt < 0) {
      throw badRequest(`container "${name}" in pod "${pod}" is waiting to start: ${waitingText(record.waiting.reason)}`);
    }
    const gone = new AbortController();
    res.on('close', () => { gone.abort(); });
    const tailLines = wholeNumber(query, 'tailLines');
    const limitBytes = wholeNumber(query, 'limitBytes');
    const since = sinceOf(query);
    const stream = streamOf(query);
    const follow = flag(query, 'follow') && !previous;
    const request: LogRequest = {
      folder: logFolder(worker.podDir, name), attempt: record.attempt - (previous ? 1 : 0), timestamps: flag(query, 'timestamps'), signal: gone.signal,
      ...(tailLines === undefined ? {} : { tailLines }), ...(limitBytes === undefined ? {} : { limitBytes }), ...(since === undefined ? {} : { since }),
      ...(stream === undefined ? {} : { stream }),
      ...(follow ? { ended: worker.ended(record) } : {}),
    };
    res.statusCode = 200;
    res.setHeader('content-type', 'text/plain');
    if ('flushHeaders' in res) {
      res.flushHeaders();
    }
    try {
      await streamLog(request, (chunk) => writeTo(res, chunk));
      res.end();
    } catch (error) {
      // Nobody is there any more to be told.
      if (!gone.signal.aborted) {
        throw error;
      }
    }
  }

  async #upgrade(target: string, req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { path, parts, query } = parseTarget(target);
    const mount = this.#options.mounts.find(({ prefix }) => path === prefix || path.startsWith(`${prefix}/`));
    if (mount?.handler.upgrade !== undefined) {
      mount.handler.upgrade(target, req, socket, head);
      return;
    }
    const upgrade = { req, socket, head };
    if (parts[0] === 'portForward') {
      await this.#portForward(parts, query, upgrade);
      return;
    }
    if (parts[0] !== 'exec' && parts[0] !== 'attach') {
      throw failure('NotFound', `the node has no stream at ${path}`);
    }
    const { record, name, worker } = this.#container(parts);
    if (record.phase !== 'running') {
      throw internalError(`container not found (${JSON.stringify(name)})`);
    }
    const options = streamOptions(query);
    if (parts[0] === 'exec') {
      await execStream(this.#options, record.id, options, upgrade);
    } else {
      await attachStream(this.#options, { id: record.id, ...worker.terminalOf(name) }, options, upgrade);
    }
  }
}
