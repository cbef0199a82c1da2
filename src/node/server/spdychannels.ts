/** Kubernetes' remote command protocols over SPDY: the client opens a stream for each of error, stdin, stdout, stderr and resize. */
import { finished } from 'node:stream/promises';
import { SpdySession } from './spdy/session.ts';
import type { SpdyStream } from './spdy/stream.ts';
import { outcomeText, STDERR, terminalSize } from './clientstreams.ts';
import type { ChannelListeners, ClientStreams, Outcome, STDOUT } from './clientstreams.ts';
import { acceptSpdy, negotiateSpdy } from './upgrades.ts';
import type { Upgrade } from './upgrades.ts';

const PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io'];
/** Since this version there is a stream for the terminal's size. */
const RESIZE_VERSION = 3;
/** The client has this long to open its streams, ms: the kubelet's own. */
const STREAMS_TIMEOUT_MS = 30_000;
/** An unfinished message of the resize stream, characters. */
const MAX_RESIZE_CHARS = 1024;

export interface WantedStreams {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
}

const versionOf = (protocol: string): number => Number(/^v(\d)\./.exec(protocol)?.[1] ?? 1);

function namesOf(wanted: WantedStreams, version: number): string[] {
  return [
    'error', ...(wanted.stdin ? ['stdin'] : []), ...(wanted.stdout ? ['stdout'] : []), ...(wanted.stderr && !wanted.tty ? ['stderr'] : []),
    ...(wanted.tty && version >= RESIZE_VERSION ? ['resize'] : []),
  ];
}

export class SpdyChannels implements ClientStreams {
  readonly #streams = new Map<string, SpdyStream>();
  readonly #version: number;
  readonly #session: SpdySession;
  readonly #expected: Set<string>;
  readonly #complete = Promise.withResolvers<undefined>();
  #listeners: ChannelListeners | undefined;
  #resizeText = '';

  private constructor({ socket, head }: Upgrade, protocol: string, wanted: WantedStreams) {
    this.#version = versionOf(protocol);
    this.#expected = new Set(namesOf(wanted, this.#version));
    acceptSpdy(socket, protocol);
    this.#session = new SpdySession(socket, {
      role: 'server', head,
      stream: (stream) => { this.#opened(stream); },
      closed: () => {
        this.#complete.reject(new Error('the client went away before its streams were open'));
        this.#listeners?.closed();
      },
    });
  }

  /** Throws a Status error while the connection is still HTTP; rejects with a plain Error once it is not, and the connection is gone. */
  static async accept(upgrade: Upgrade, wanted: WantedStreams): Promise<SpdyChannels> {
    const channels = new SpdyChannels(upgrade, negotiateSpdy(upgrade.req, PROTOCOLS), wanted);
    const timer = setTimeout(() => { channels.#session.destroy(); }, STREAMS_TIMEOUT_MS);
    try {
      await channels.#complete.promise;
    } finally {
      clearTimeout(timer);
    }
    return channels;
  }

  listen(listeners: ChannelListeners): void {
    this.#listeners = listeners;
    if (this.#session.closed) {
      listeners.closed();
      return;
    }
    const stdin = this.#streams.get('stdin');
    stdin?.on('data', (data: Buffer) => { listeners.stdin(data); });
    stdin?.on('end', () => { listeners.stdinEnd(); });
    this.#streams.get('resize')?.on('data', (data: Buffer) => { this.#resized(data.toString(), listeners); });
  }

  pause(): void {
    this.#streams.get('stdin')?.pause();
  }

  resume(): void {
    this.#streams.get('stdin')?.resume();
  }

  send(channel: typeof STDOUT | typeof STDERR, data: Buffer, drained: () => void): boolean {
    const stream = this.#streams.get(channel === STDERR ? 'stderr' : 'stdout');
    if (stream === undefined || !stream.writable || data.length === 0 || stream.write(data)) {
      return true;
    }
    stream.once('drain', drained);
    return false;
  }

  finish(outcome: Outcome): void {
    const ends = ['stdout', 'stderr', 'error'].flatMap((name) => this.#streams.get(name) ?? []);
    const text = outcomeText(this.#version, outcome);
    const error = this.#streams.get('error');
    if (text !== '' && error?.writable === true) {
      error.write(text);
    }
    for (const stream of ends) {
      stream.end();
    }
    void this.#endAfter(ends);
  }

  async #endAfter(streams: readonly SpdyStream[]): Promise<void> {
    // A stream that the client resets is over too.
    await Promise.allSettled(streams.map((stream) => finished(stream, { readable: false })));
    this.#session.end();
  }

  /** Throws to refuse what was not agreed upon. */
  #opened(stream: SpdyStream): void {
    const name = stream.headers.get('streamtype') ?? '';
    if (!this.#expected.delete(name)) {
      throw new Error(`unexpected stream type: ${JSON.stringify(name)}`);
    }
    this.#streams.set(name, stream);
    if (name !== 'stdin' && name !== 'resize') {
      // The client has nothing to say on it but that it is over.
      stream.resume();
    }
    if (this.#expected.size === 0) {
      this.#complete.resolve(undefined);
    }
  }

  #resized(text: string, listeners: ChannelListeners): void {
    const messages = `${this.#resizeText}${text}`.split('}');
    this.#resizeText = (messages.pop() ?? '').slice(0, MAX_RESIZE_CHARS);
    const size = terminalSize(messages.at(-1) ?? '');
    if (size !== undefined) {
      listeners.resize(size.width, size.height);
    }
  }
}
