/** exec and attach: a container's streams in Podman's connection joined to a client's WebSocket or SPDY session. */
import type { Duplex } from 'node:stream';
import type { Log } from '../../apimachinery/log.ts';
import { badRequest, internalError, type Status } from '../../apimachinery/status.ts';
import type { ContainerStream, PodmanClient } from '../podman/client.ts';
import { PodmanError } from '../podman/errors.ts';
import type { Attachments } from './attachments.ts';
import { Channels } from './channels.ts';
import { STDERR, STDOUT } from './clientstreams.ts';
import type { ClientStreams, Outcome } from './clientstreams.ts';
import { Demultiplexer } from './multiplex.ts';
import { SpdyChannels } from './spdychannels.ts';
import { upgradeKind } from './upgrades.ts';
import type { Upgrade } from './upgrades.ts';

/** How long Podman may take to note the exit code after the streams ended, milliseconds. */
const EXIT_PATIENCE_MS = 5_000;
const EXIT_POLL_MS = 20;

export interface StreamOptions {
  command: string[];
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
}

export function streamOptions(query: URLSearchParams): StreamOptions {
  const flag = (...names: string[]): boolean => names.some((name) => ['1', 'true'].includes(query.get(name) ?? ''));
  const options = {
    command: query.getAll('command'), stdin: flag('input', 'stdin'), stdout: flag('output', 'stdout'), stderr: flag('error', 'stderr'), tty: flag('tty'),
  };
  if (!options.stdin && !options.stdout && !options.stderr) {
    throw badRequest('you must specify at least 1 of stdin, stdout, stderr');
  }
  return options;
}

const SUCCESS: Pick<Status, 'metadata' | 'status'> = { metadata: {}, status: 'Success' };

function exitStatus(code: number): Outcome & Partial<Status> {
  return code === 0 ? SUCCESS : {
    metadata: {}, status: 'Failure', message: `command terminated with non-zero exit code: exit status ${code}`, reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
  };
}

/** What Podman says of its own pipe, after it has said why the program could not be started: of no use to anybody else. */
const OWN_PIPE = /^Error: read unixpacket @->\/proc\/self\/fd\/\d+\/attach: read: connection reset by peer\s*$/;
/** Longest such line, bytes. */
const MAX_OWN_PIPE_BYTES = 200;

/** Whether a piece of standard error is such a line. */
export const isAboutPodmansPipe = (data: Buffer): boolean => data.length <= MAX_OWN_PIPE_BYTES && OWN_PIPE.test(data.toString('utf8'));

/** Joins both until the container's side ends, or the client goes away. Resolves when the container's side has ended. */
function join(channels: ClientStreams, stream: ContainerStream, options: StreamOptions, resize: (width: number, height: number) => void): Promise<void> {
  const { socket } = stream;
  const demultiplexer = options.tty ? undefined : new Demultiplexer();
  const resume = (): void => { socket.resume(); };
  const show = (chunk: Buffer): void => {
    const frames = demultiplexer === undefined ? [{ stream: 1, data: chunk }] : demultiplexer.push(chunk);
    for (const { stream: number, data } of frames) {
      const wanted = number === 2 ? options.stderr && !isAboutPodmansPipe(data) : options.stdout;
      if (wanted && !channels.send(number === 2 ? STDERR : STDOUT, data, resume)) {
        socket.pause();
      }
    }
  };
  channels.listen({
    stdin: (data) => {
      if (options.stdin && !socket.destroyed && !socket.writableEnded && !socket.write(data)) {
        channels.pause();
        socket.once('drain', () => { channels.resume(); });
      }
    },
    stdinEnd: () => { socket.end(); },
    resize,
    closed: () => { socket.destroy(); },
  });
  // An empty frame tells the client that the connection stands.
  channels.send(options.stdout ? STDOUT : STDERR, Buffer.alloc(0), () => undefined);
  return ended(socket, stream.head, show);
}

function ended(socket: Duplex, head: Buffer, show: (chunk: Buffer) => void): Promise<void> {
  return new Promise((resolve) => {
    if (head.length > 0) {
      show(head);
    }
    socket.on('data', show);
    // A broken connection to Podman ends the stream like any other end: the exit code says how the process fared.
    socket.on('error', () => { resolve(); });
    socket.on('close', () => { resolve(); });
    socket.on('end', () => { resolve(); });
  });
}

async function exitCodeOf(podman: PodmanClient, execId: string): Promise<number> {
  const deadline = Date.now() + EXIT_PATIENCE_MS;
  for (;;) {
    const state = await podman.inspectExec(execId);
    if (!state.running || Date.now() > deadline) {
      return state.exitCode;
    }
    await new Promise((resolve) => { setTimeout(resolve, EXIT_POLL_MS); });
  }
}

/** Podman's words about a program that cannot be run, with the exit code shells use for it. */
function startFailure(error: unknown): Outcome & Partial<Status> {
  if (!(error instanceof PodmanError)) {
    return internalError(error instanceof Error ? error.message : String(error)).status;
  }
  const failure = internalError(`error executing command in container: ${error.message}`);
  return failure.status;
}

const accept = (upgrade: Upgrade, options: StreamOptions): Promise<ClientStreams> =>
  (upgradeKind(upgrade.req) === 'websocket' ? Channels.accept(upgrade) : SpdyChannels.accept(upgrade, options));

/** What the streams of a container need of the node. */
export interface StreamContext {
  podman: PodmanClient;
  attachments: Attachments;
  log: Log;
}

/** Gives a terminal its client's size. */
async function resize(context: StreamContext, id: string, change: () => Promise<void>): Promise<void> {
  try {
    await change();
  } catch (error) {
    // The process may have ended meanwhile: then there is nothing to resize.
    context.log.debug({ id, error: error instanceof Error ? error.message : String(error) }, 'a terminal could not be resized');
  }
}

/** Runs a command in a container. Throws Status errors before the upgrade; later failures go over the error channel. */
export async function execStream(context: StreamContext, containerId: string, options: StreamOptions, upgrade: Upgrade): Promise<void> {
  const { podman } = context;
  if (options.command.length === 0) {
    throw badRequest('you must specify the command to execute');
  }
  const channels = await accept(upgrade, options);
  let size: { width: number; height: number } | undefined;
  let running = '';
  const applySize = async (): Promise<void> => {
    if (size !== undefined && options.tty && running !== '') {
      const { width, height } = size;
      await resize(context, running, () => podman.resizeExec(running, width, height));
    }
  };
  try {
    const execId = await podman.createExec(containerId, options);
    const stream = await podman.startExec(execId, { tty: options.tty });
    running = execId;
    await join(channels, stream, options, (width, height) => {
      size = { width, height };
      void applySize();
    });
    channels.finish(exitStatus(await exitCodeOf(podman, execId)));
  } catch (error) {
    channels.finish(startFailure(error));
  }
}

export interface AttachedContainer {
  id: string;
  /** It was made with a terminal: then its output is one raw stream. */
  tty: boolean;
  /** It has an input, which does (`once`) or does not end with the first client. */
  stdin: 'none' | 'once' | 'lasting';
}

/** Joins the client to the container's own process. */
export async function attachStream(context: StreamContext, container: AttachedContainer, options: StreamOptions, upgrade: Upgrade): Promise<void> {
  const { podman } = context;
  const channels = await accept(upgrade, options);
  try {
    // A terminal's input does not end with a client; another's does, unless it is the node that is attached.
    const lasts = !container.tty && (container.stdin === 'lasting' || (container.stdin === 'once' && !options.stdin));
    const stream = await (lasts ? context.attachments.attach(container.id) : podman.attachContainer(container.id, options));
    await join(channels, stream, { ...options, tty: container.tty }, (width, height) => {
      if (container.tty) {
        void resize(context, container.id, () => podman.resizeContainer(container.id, width, height));
      }
    });
    channels.finish(SUCCESS);
  } catch (error) {
    channels.finish(startFailure(error));
  }
}
