/**
 * Containers whose standard input outlasts their clients. A container's monitor closes the input as soon as any client that was attached
 * goes; Kubernetes wants that only of `stdinOnce`. So of containers with an input and no terminal the node itself is the one client, from
 * the first attach until the container or the node ends, and hands on what it gets.
 */
import { Duplex } from 'node:stream';
import type { ContainerStream, PodmanClient } from '../podman/client.ts';
import { Demultiplexer, frameOf } from './multiplex.ts';

/** Containers held at a time; beyond it clients are attached by themselves, with what that does to the input. */
const MAX_HELD = 256;

/** One client's end: reads multiplexed frames as Podman sends them, writes to the container's input, whose end it cannot cause. */
class Client extends Duplex {
  readonly #held: Held;

  constructor(held: Held) {
    super({ allowHalfOpen: true });
    this.#held = held;
  }

  override _read(): void {
    this.#held.ready(this);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#held.input(chunk, done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#held.leave(this);
    done(error);
  }
}

class Held {
  readonly #source: Duplex;
  readonly #demultiplexer = new Demultiplexer();
  readonly #clients = new Set<Client>();
  /** Clients that take no more for now: the container waits for the slowest, as with any runtime. */
  readonly #full = new Set<Client>();

  constructor({ socket, head }: ContainerStream, ended: () => void) {
    this.#source = socket;
    socket.on('data', (chunk: Buffer) => { this.#output(chunk); });
    // Why it broke is for whoever watches the container; here it is the end.
    socket.on('error', () => { socket.destroy(); });
    socket.on('end', () => { socket.destroy(); });
    socket.on('close', () => {
      ended();
      for (const client of this.#clients) {
        client.push(null);
      }
      this.#clients.clear();
    });
    if (head.length > 0) {
      this.#output(head);
    }
  }

  get alive(): boolean {
    return !this.#source.destroyed;
  }

  client(): Duplex {
    const client = new Client(this);
    this.#clients.add(client);
    return client;
  }

  ready(client: Client): void {
    if (this.#full.delete(client) && this.#full.size === 0) {
      this.#source.resume();
    }
  }

  input(chunk: Buffer, done: (error?: Error | null) => void): void {
    if (this.#source.writable) {
      this.#source.write(chunk, done);
    } else {
      done();
    }
  }

  leave(client: Client): void {
    this.#clients.delete(client);
    this.ready(client);
  }

  close(): void {
    this.#source.destroy();
  }

  #output(chunk: Buffer): void {
    for (const { stream, data } of this.#demultiplexer.push(chunk)) {
      const frame = frameOf(stream, data);
      for (const client of this.#clients) {
        if (!client.push(frame)) {
          this.#full.add(client);
          this.#source.pause();
        }
      }
    }
  }
}

export class Attachments {
  readonly #podman: Pick<PodmanClient, 'attachContainer'>;
  readonly #held = new Map<string, Promise<Held>>();

  constructor(podman: Pick<PodmanClient, 'attachContainer'>) {
    this.#podman = podman;
  }

  /** A client's stream of the container, multiplexed, which may go without a trace. */
  async attach(containerId: string): Promise<ContainerStream> {
    const known = this.#held.get(containerId);
    // Nothing is awaited before the entry is made: clients that come together share it.
    let held = known === undefined ? undefined : await known;
    if (held?.alive !== true) {
      if (this.#held.size >= MAX_HELD) {
        return await this.#podman.attachContainer(containerId, { stdin: true, stdout: true, stderr: true });
      }
      const opening = this.#open(containerId);
      this.#held.set(containerId, opening);
      held = await opening;
    }
    return { socket: held.client(), head: Buffer.alloc(0) };
  }

  /** Lets go of all: with that the inputs end. */
  async close(): Promise<void> {
    for (const held of await Promise.allSettled(this.#held.values())) {
      if (held.status === 'fulfilled') {
        held.value.close();
      }
    }
  }

  async #open(containerId: string): Promise<Held> {
    const forget = (): void => { this.#held.delete(containerId); };
    try {
      return new Held(await this.#podman.attachContainer(containerId, { stdin: true, stdout: true, stderr: true }), forget);
    } catch (error) {
      forget();
      throw error;
    }
  }
}
