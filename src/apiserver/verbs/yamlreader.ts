/**
 * Long YAML documents, read by another thread, one at a time: users take turns, so that one who sends many makes the others wait for one
 * document only. The thread is there while it is needed.
 */
import { Worker } from 'node:worker_threads';
import { badRequest, failure, StatusError, tooLarge, type Status } from '../../apimachinery/status.ts';
import { MAX_WAITING_YAML, YAML_IDLE_MS, YAML_MEMORY_MB, YAML_TIMEOUT_MS } from '../limits.ts';

export type YamlAnswer = { readonly json: Uint8Array; readonly duplicates: string[] } | { readonly refused: Status };

/** The document as JSON. */
export interface YamlRead {
  readonly json: Uint8Array;
  readonly duplicates: string[];
}

interface Job {
  readonly text: string;
  resolve(read: YamlRead): void;
  reject(error: Error): void;
}

// Sources run as they are; what is published has been compiled beside them.
const SCRIPT = new URL(import.meta.url.endsWith('.ts') ? './yamlworker.ts' : './yamlworker.js', import.meta.url);

export class YamlReader {
  /** Those who wait, in the order in which it is their turn. */
  readonly #waiting = new Map<string, Job[]>();
  #count = 0;
  #current: Job | undefined;
  #worker: Worker | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** Rejects with BadRequest for what is no YAML or takes too long, RequestEntityTooLarge, and TooManyRequests when too many wait already. */
  read(user: string, text: string): Promise<YamlRead> {
    if (this.#count >= MAX_WAITING_YAML) {
      return Promise.reject(failure('TooManyRequests', 'too many YAML documents wait to be read; JSON need not wait', { retryAfterSeconds: 1 }));
    }
    const { promise, resolve, reject } = Promise.withResolvers<YamlRead>();
    const jobs = this.#waiting.get(user) ?? [];
    jobs.push({ text, resolve, reject });
    this.#waiting.set(user, jobs);
    this.#count += 1;
    this.#next();
    return promise;
  }

  /** The first document of the user whose turn it is; who has more comes again after all others. */
  #take(): Job | undefined {
    for (const [user, jobs] of this.#waiting) {
      const job = jobs.shift();
      this.#waiting.delete(user);
      if (jobs.length > 0) {
        this.#waiting.set(user, jobs);
      }
      if (job !== undefined) {
        this.#count -= 1;
        return job;
      }
    }
    return undefined;
  }

  #next(): void {
    if (this.#current !== undefined) {
      return;
    }
    this.#current = this.#take();
    clearTimeout(this.#timer);
    if (this.#current === undefined) {
      this.#worker?.unref();
      this.#timer = setTimeout(() => this.#stop(), YAML_IDLE_MS).unref();
      return;
    }
    this.#worker ??= this.#start();
    this.#worker.ref();
    this.#worker.postMessage(this.#current.text, []);
    this.#timer = setTimeout(() => {
      this.#stop();
      this.#end((job) => job.reject(badRequest(`error converting YAML to JSON: yaml: the document takes longer than ${YAML_TIMEOUT_MS / 1000} s to read`)));
    }, YAML_TIMEOUT_MS);
  }

  /** The document being read is done with, one way or the other. */
  #end(settle: (job: Job) => void): void {
    const job = this.#current;
    this.#current = undefined;
    if (job !== undefined) {
      settle(job);
    }
    this.#next();
  }

  #start(): Worker {
    const worker = new Worker(SCRIPT, { name: 'telar-yaml', execArgv: [], resourceLimits: { maxOldGenerationSizeMb: YAML_MEMORY_MB } });
    worker.on('message', (answer: YamlAnswer) => {
      if (worker === this.#worker) {
        this.#end((job) => ('refused' in answer ? job.reject(new StatusError(answer.refused)) : job.resolve(answer)));
      }
    });
    worker.on('error', (error) => this.#lost(worker, error));
    worker.on('exit', () => this.#lost(worker, new Error('the thread that reads YAML has ended')));
    return worker;
  }

  #lost(worker: Worker, error: unknown): void {
    if (worker !== this.#worker) {
      // It was stopped, and another has taken its place.
      return;
    }
    this.#worker = undefined;
    const outOfMemory = error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
    this.#end((job) => job.reject(outOfMemory ? tooLarge('the YAML document takes too much memory to read') : new Error('a YAML document could not be read', { cause: error })));
  }

  #stop(): void {
    const worker = this.#worker;
    this.#worker = undefined;
    void worker?.terminate();
  }
}
