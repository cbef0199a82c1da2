/**
 * Podman's REST API (libpod v4) as Telar uses it. One method per call, answers parsed; failures are PodmanError
 * with Podman's status, PodmanUnreachableError when the service is away.
 */
import { createInterface } from 'node:readline';
import type { Duplex, Readable } from 'node:stream';
import { isPodmanStatus, PodmanError } from './errors.ts';
import { PodmanHttp } from './http.ts';
import { fieldsOf, isFields, listOf, requiredText, textOf, textsOf } from './parse.ts';
import type { ContainerSpec } from './spec.ts';
import {
  parseEvent, parseExec, parseInspectedContainer, parseInspectedImage, parseListedContainers, parseListedImages, parseVersion,
} from './types.ts';
import type { ExecState, InspectedContainer, InspectedImage, ListedContainer, ListedImage, PodmanEvent, PodmanVersion } from './types.ts';

const encode = encodeURIComponent;

/** What Podman's filters want: JSON of name → values. */
const filtersOf = (filters: Record<string, string[]> | undefined): string | undefined =>
  filters === undefined ? undefined : JSON.stringify(filters);

export interface ExecSpec {
  command: string[];
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
  user?: string;
  workingDir?: string;
  env?: string[];
}

/** A connection that carries a container's streams. */
export interface ContainerStream {
  socket: Duplex;
  /** Bytes already received. */
  head: Buffer;
}

export class PodmanClient {
  readonly #http: PodmanHttp;

  constructor(socketPath: string) {
    this.#http = new PodmanHttp(socketPath);
  }

  get socketPath(): string {
    return this.#http.socketPath;
  }

  close(): void {
    this.#http.close();
  }

  // System

  /** Fails at once when the service is away: this is how one finds out. */
  async version(): Promise<PodmanVersion> {
    return parseVersion(await this.#http.json({ method: 'GET', path: '/version' }, { retry: false }));
  }

  /** Events as they happen, until `signal` aborts or the service ends. `since` is a time to begin at; `opened` is called when the stream stands. */
  async* events(options: { signal: AbortSignal; since?: Date; filters?: Record<string, string[]>; opened?: () => void }): AsyncGenerator<PodmanEvent> {
    const message = await this.#http.stream({
      method: 'GET', path: '/events', signal: options.signal,
      query: {
        stream: 'true',
        since: options.since === undefined ? undefined : String(options.since.getTime() / 1000),
        filters: filtersOf(options.filters),
      },
    });
    options.opened?.();
    const lines = createInterface({ input: message, crlfDelay: Infinity });
    try {
      for await (const line of lines) {
        if (line !== '') {
          const parsed: unknown = JSON.parse(line);
          yield parseEvent(parsed);
        }
      }
    } finally {
      message.destroy();
    }
  }

  // Containers

  async createContainer(spec: ContainerSpec): Promise<{ id: string; warnings: string[] }> {
    const answer = fieldsOf(await this.#http.json({ method: 'POST', path: '/containers/create', body: spec }), 'a created container');
    return { id: requiredText(answer, 'Id', 'a created container'), warnings: textsOf(answer, 'Warnings') };
  }

  /** Does nothing when it runs already. */
  async startContainer(id: string): Promise<void> {
    await this.#http.json({ method: 'POST', path: `/containers/${encode(id)}/start` });
  }

  /** Sends the stop signal, then SIGKILL after `seconds`. Resolves when it has ended. */
  async stopContainer(id: string, seconds: number): Promise<void> {
    await this.#http.json({ method: 'POST', path: `/containers/${encode(id)}/stop`, query: { timeout: String(seconds) } }, { timeoutMs: 'never' });
  }

  async killContainer(id: string, signal: string): Promise<void> {
    await this.#http.json({ method: 'POST', path: `/containers/${encode(id)}/kill`, query: { signal } });
  }

  /** Removes it, killing it first; one that is gone is no error. */
  async removeContainer(id: string): Promise<void> {
    try {
      await this.#http.json({
        method: 'DELETE', path: `/containers/${encode(id)}`,
        query: { force: 'true', timeout: '0', v: 'true', ignore: 'true' },
      });
    } catch (error) {
      if (!isPodmanStatus(error, 404)) {
        throw error;
      }
    }
  }

  async inspectContainer(id: string): Promise<InspectedContainer> {
    return parseInspectedContainer(await this.#http.json({ method: 'GET', path: `/containers/${encode(id)}/json` }));
  }

  /** All of them, running or not, that pass Podman's filters, e.g. `{ label: ['a=b'] }`. */
  async listContainers(filters?: Record<string, string[]>): Promise<ListedContainer[]> {
    return parseListedContainers(await this.#http.json({
      method: 'GET', path: '/containers/json', query: { all: 'true', filters: filtersOf(filters) },
    }));
  }

  /** Resolves with the exit code when it is no longer running. */
  async waitContainer(id: string, signal?: AbortSignal): Promise<number> {
    const answer = await this.#http.json({
      method: 'POST', path: `/containers/${encode(id)}/wait`, query: { condition: 'exited' },
      ...(signal === undefined ? {} : { signal }),
    }, { timeoutMs: 'never' });
    return typeof answer === 'number' ? answer : 0;
  }

  /** Terminal size of a container made with `terminal`. */
  async resizeContainer(id: string, width: number, height: number): Promise<void> {
    await this.#http.json({ method: 'POST', path: `/containers/${encode(id)}/resize`, query: { w: String(width), h: String(height) } });
  }

  /** Streams of the running container; multiplexed with 8-byte headers unless it has a terminal. */
  attachContainer(id: string, streams: { stdin: boolean; stdout: boolean; stderr: boolean }): Promise<ContainerStream> {
    return this.#http.upgrade({
      method: 'POST', path: `/containers/${encode(id)}/attach`,
      query: { stream: 'true', stdin: String(streams.stdin), stdout: String(streams.stdout), stderr: String(streams.stderr) },
    });
  }

  // Exec

  async createExec(containerId: string, spec: ExecSpec): Promise<string> {
    const answer = fieldsOf(await this.#http.json({
      method: 'POST', path: `/containers/${encode(containerId)}/exec`,
      body: {
        Cmd: spec.command, AttachStdin: spec.stdin, AttachStdout: spec.stdout, AttachStderr: spec.stderr, Tty: spec.tty, DetachKeys: '',
        ...(spec.user === undefined ? {} : { User: spec.user }),
        ...(spec.workingDir === undefined ? {} : { WorkingDir: spec.workingDir }),
        ...(spec.env === undefined ? {} : { Env: spec.env }),
      },
    }), 'a created exec session');
    return requiredText(answer, 'Id', 'a created exec session');
  }

  /** Starts it; the streams are multiplexed unless it has a terminal. */
  startExec(execId: string, options: { tty: boolean; width?: number; height?: number }): Promise<ContainerStream> {
    return this.#http.upgrade({
      method: 'POST', path: `/exec/${encode(execId)}/start`,
      body: {
        Detach: false, Tty: options.tty,
        ...(options.width === undefined ? {} : { w: options.width }),
        ...(options.height === undefined ? {} : { h: options.height }),
      },
    });
  }

  async resizeExec(execId: string, width: number, height: number): Promise<void> {
    await this.#http.json({ method: 'POST', path: `/exec/${encode(execId)}/resize`, query: { w: String(width), h: String(height) } });
  }

  async inspectExec(execId: string): Promise<ExecState> {
    return parseExec(await this.#http.json({ method: 'GET', path: `/exec/${encode(execId)}/json` }));
  }

  // Images

  async listImages(filters?: Record<string, string[]>): Promise<ListedImage[]> {
    return parseListedImages(await this.#http.json({ method: 'GET', path: '/images/json', query: { filters: filtersOf(filters) } }));
  }

  /** Undefined when the node does not have it. */
  async inspectImage(name: string): Promise<InspectedImage | undefined> {
    try {
      return parseInspectedImage(await this.#http.json({ method: 'GET', path: `/images/${encode(name)}/json` }));
    } catch (error) {
      if (isPodmanStatus(error, 404)) {
        return undefined;
      }
      throw error;
    }
  }

  /** Fetches an image from its registry; answers its id. `auth` is base64 of Docker's AuthConfig JSON. */
  async pullImage(reference: string, options: { auth?: string; signal?: AbortSignal } = {}): Promise<string> {
    const message = await this.#http.stream({
      method: 'POST', path: '/images/pull', query: { reference, policy: 'always', quiet: 'true' },
      ...(options.auth === undefined ? {} : { headers: { 'X-Registry-Auth': options.auth } }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    let id = '';
    for await (const line of createInterface({ input: message, crlfDelay: Infinity })) {
      if (line === '') {
        continue;
      }
      const parsed: unknown = JSON.parse(line);
      if (isFields(parsed)) {
        const error = textOf(parsed, 'error');
        if (error !== '') {
          throw new PodmanError(500, error, 'pull failed');
        }
        id = textOf(parsed, 'id') || id;
      }
    }
    return id;
  }

  /** Loads a docker or OCI archive; answers the names of what was in it. */
  async loadImages(archive: Readable): Promise<string[]> {
    const answer = await this.#http.json({ method: 'POST', path: '/images/load', stream: archive }, { timeoutMs: 'never' });
    return textsOf(fieldsOf(answer, 'the loaded images'), 'Names');
  }

  /** Makes an image from a tar of its root file system; `changes` are Dockerfile lines (`CMD ["sh"]`). Answers its id. */
  async importImage(tar: Readable, reference: string, changes: string[] = []): Promise<string> {
    const query = new URLSearchParams({ reference });
    for (const change of changes) {
      query.append('changes', change);
    }
    const answer = await this.#http.json({ method: 'POST', path: `/images/import?${query.toString()}`, stream: tar }, { timeoutMs: 'never' });
    return requiredText(fieldsOf(answer, 'the imported image'), 'Id', 'the imported image');
  }

  async tagImage(name: string, repository: string, tag: string): Promise<void> {
    await this.#http.json({ method: 'POST', path: `/images/${encode(name)}/tag`, query: { repo: repository, tag } });
  }

  /** Removes names and, with the last, the image. Throws PodmanError 409 when a container uses it and `force` is false. */
  async removeImage(name: string, force = false): Promise<void> {
    await this.#http.json({ method: 'DELETE', path: `/images/${encode(name)}`, query: { force: String(force) } });
  }

  /** Removes images without a name and containers; answers their ids. */
  async pruneImages(): Promise<string[]> {
    const answer = await this.#http.json({ method: 'POST', path: '/images/prune' });
    return listOf(answer ?? [], 'the pruned images').map((one) => textOf(fieldsOf(one, 'a pruned image'), 'Id'));
  }
}
