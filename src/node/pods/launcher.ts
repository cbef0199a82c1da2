/** Starting, stopping and restarting the containers of one pod, with back-off, hooks and events. */
import { setTimeout as sleep } from 'node:timers/promises';
import { formatTime } from '../../apimachinery/object.ts';
import type { Container, Probe } from '../../kinds/generated/core.ts';
import { runAction } from './actions.ts';
import { BackOff, goDuration } from './backoff.ts';
import type { PodContainers } from './containers.ts';
import type { PodContext, PodImage } from './context.ts';
import { targetNamespace } from './ephemeral.ts';
import { messageOf, PodStartError } from './errors.ts';
import type { ContainerOverride, PodExtension } from './extension.ts';
import { pullImage } from './pullimage.ts';
import type { PodSandbox } from './sandbox.ts';
import { ContainerStartFailure, startContainer } from './starter.ts';
import { containerId, listOf } from './state.ts';
import type { ContainerRecord } from './state.ts';
import { stopContainer } from './stopper.ts';

const DEFAULT_GRACE_S = 30;
const POST_START_TIMEOUT_MS = 300_000;
/** A start that failed is looked at again this soon, milliseconds; its back-off decides how soon it is tried. */
const LOOK_AGAIN_MS = 500;

export class LauncherSignals {
  /** Aborts waiting for images and places when the pod is to end. */
  readonly starting = new AbortController();
  /** Aborts the rest of grace periods. */
  readonly hurry = new AbortController();
  /** Aborts when this process ends: containers are left as they are. */
  readonly abandon = new AbortController();
}

export interface LauncherOptions {
  context: PodContext;
  sandbox: PodSandbox;
  containers: PodContainers;
  extension: PodExtension | undefined;
  signals: LauncherSignals;
  /** A record changed in a way others wait to see. */
  published: () => void;
}

export class Launcher {
  readonly #options: LauncherOptions;
  readonly #context: PodContext;
  readonly #containers: PodContainers;
  readonly #backOff = new BackOff();
  /** When pulling an image failed last. */
  readonly #failures = new Map<string, number>();
  readonly #stopSignals = new Map<string, string>();
  #overrides: Record<string, ContainerOverride> | undefined;

  constructor(options: LauncherOptions) {
    this.#options = options;
    this.#context = options.context;
    this.#containers = options.containers;
  }

  /** Starts it unless it must wait; answers after how many milliseconds to look again (Infinity: no need). */
  async tryStart(record: ContainerRecord): Promise<number> {
    const end = record.terminated ?? record.last;
    const endedAt = end?.finishedAt === undefined ? 0 : new Date(end.finishedAt).getTime();
    const restart = record.attempt >= 0 && end !== undefined;
    if (record.phase === 'exited' && record.terminated !== undefined) {
      record.last = record.terminated;
      delete record.terminated;
      record.phase = 'waiting';
    }
    const wait = restart ? this.#backOff.remaining(record.name, endedAt) : 0;
    if (wait > 0) {
      this.#crashLoop(record);
      return wait;
    }
    try {
      await this.#start(record, () => {
        if (restart) {
          this.#backOff.next(record.name, endedAt);
        }
      });
      return Infinity;
    } catch (error) {
      if (error instanceof ContainerStartFailure) {
        return this.#failedStart(record, error);
      }
      if (error instanceof PodStartError) {
        return this.#cannotStart(record, error);
      }
      throw error;
    }
  }

  /** A probe demands it. */
  restart(record: ContainerRecord, why: string, probe: Probe): void {
    this.end(record, why, probe.terminationGracePeriodSeconds);
  }

  /** Ends a container that its worker then starts again. */
  end(record: ContainerRecord, why: string, graceSeconds = this.graceSeconds()): void {
    this.stop(record, graceSeconds, why).catch((error: unknown) => {
      if (!this.#options.signals.abandon.signal.aborted) {
        this.#context.log.warn({ error: messageOf(error), container: record.name, why }, 'a container that was to be restarted could not be stopped');
      }
    });
  }

  graceSeconds(): number {
    return this.#containers.pod.spec?.terminationGracePeriodSeconds ?? DEFAULT_GRACE_S;
  }

  async stop(record: ContainerRecord, graceSeconds: number, event: string): Promise<void> {
    if (record.phase !== 'running') {
      return;
    }
    const { pod } = this.#containers;
    this.#context.recorder.event(pod, 'Normal', 'Killing', event, this.#where(record));
    const container = this.#containers.specOf(record.name);
    await stopContainer(this.#context, {
      pod, container, target: this.#containers.target(record), extension: this.#options.extension,
      stopSignal: await this.#stopSignal(record, container), graceMs: graceSeconds * 1000, exited: this.#containers.exited(record.id),
      hurry: this.#options.signals.hurry.signal, abandon: this.#options.signals.abandon.signal,
    });
    await this.#containers.checkEnd(record);
  }

  /** Application containers together, then sidecars in reverse order, all within the grace period. */
  async stopAll(graceSeconds: number, records: readonly ContainerRecord[]): Promise<void> {
    const deadline = Date.now() + graceSeconds * 1000;
    await Promise.all(records.filter((record) => record.kind !== 'sidecar')
      .map((record) => this.stop(record, graceSeconds, `Stopping container ${record.name}`)));
    for (const record of records.filter((one) => one.kind === 'sidecar').reverse()) {
      await this.stop(record, Math.max(0, (deadline - Date.now()) / 1000), `Stopping container ${record.name}`);
    }
  }

  #where(record: ContainerRecord): { fieldPath: string } {
    return { fieldPath: `spec.${listOf(record)}{${record.name}}` };
  }

  /** The pod's own, else the image's, which an adopted container has to be asked for. */
  async #stopSignal(record: ContainerRecord, container: Container): Promise<string> {
    const own = container.lifecycle?.stopSignal ?? this.#stopSignals.get(record.name);
    if (own !== undefined) {
      return own;
    }
    const image = record.imageId === '' ? undefined : await this.#context.podman.inspectImage(container.image ?? '');
    return image?.stopSignal ?? '';
  }

  /** Pulls that failed are tried again at once. Answers whether there are any. */
  forgetPulls(): boolean {
    for (const key of this.#failures.keys()) {
      this.#backOff.forget(key);
    }
    const any = this.#failures.size > 0;
    this.#failures.clear();
    return any;
  }

  #cannotStart(record: ContainerRecord, error: PodStartError): number {
    const changed = record.waiting.reason !== error.reason || record.waiting.message !== error.message;
    record.waiting = { reason: error.reason, message: error.message };
    if (changed) {
      this.#options.published();
    }
    if (error.reason === 'ErrImagePull' || error.reason === 'ImagePullBackOff') {
      const key = `image ${this.#containers.specOf(record.name).image ?? ''}`;
      return Math.max(LOOK_AGAIN_MS, this.#backOff.remaining(key, this.#failures.get(key) ?? 0));
    }
    if (changed && error.reason !== 'ErrImageNeverPull' && error.reason !== 'InvalidImageName') {
      this.#context.recorder.event(this.#containers.pod, 'Warning', 'Failed', `Error: ${error.message}`, this.#where(record));
    }
    const key = `create ${record.name}`;
    this.#backOff.next(key, Date.now());
    return this.#backOff.delay(key);
  }

  #crashLoop(record: ContainerRecord): void {
    const { name, namespace = '', uid = '' } = this.#containers.pod.metadata;
    const message = `back-off ${goDuration(this.#backOff.delay(record.name))} restarting failed container=${record.name} pod=${name}_${namespace}(${uid})`;
    if (record.waiting.reason !== 'CrashLoopBackOff' || record.waiting.message !== message) {
      record.waiting = { reason: 'CrashLoopBackOff', message };
      this.#context.recorder.event(this.#containers.pod, 'Warning', 'BackOff',
        `Back-off restarting failed container ${record.name} in pod ${name}_${namespace}(${uid})`, this.#where(record));
      this.#options.published();
    }
  }

  /** It was made, so it counts as an attempt that failed, as with any runtime. */
  #failedStart(record: ContainerRecord, error: ContainerStartFailure): number {
    this.#context.recorder.event(this.#containers.pod, 'Warning', 'Failed', `Error: ${error.message}`, this.#where(record));
    const now = formatTime();
    record.attempt += 1;
    record.id = error.id;
    record.phase = 'exited';
    record.terminated = { exitCode: 128, reason: 'StartError', message: error.message, startedAt: now, finishedAt: now, containerID: containerId(error.id) };
    this.#context.remover.removeLater(error.id);
    this.#options.published();
    return LOOK_AGAIN_MS;
  }

  async #start(record: ContainerRecord, trying: () => void): Promise<void> {
    const container = this.#containers.specOf(record.name);
    const override = await this.#overrideFor(record);
    const image = override.rootfs === undefined ? await this.#image(record, container.image ?? '') : undefined;
    await this.#imageVolumes(record, override);
    const pidNamespace = await targetNamespace(this.#containers.pod, record.name, (target) => this.#containers.processOf(target));
    trying();
    const previous = record.id;
    const attempt = record.attempt + 1;
    const started = await startContainer(this.#context, this.#options.sandbox, {
      pod: this.#containers.pod, container, attempt, override, fieldPath: this.#where(record).fieldPath, ...(image === undefined ? {} : { image }),
      ...(pidNamespace === undefined ? {} : { pidNamespace }),
    }, this.#options.signals.starting.signal);
    record.attempt = attempt;
    record.imageId = image?.reference ?? '';
    this.#stopSignals.set(record.name, container.lifecycle?.stopSignal ?? image?.stopSignal ?? '');
    this.#containers.running(record, started.id, started.startedAt, undefined);
    this.#options.published();
    this.#context.recorder.event(this.#containers.pod, 'Normal', 'Started', `Started container ${record.name}`, this.#where(record));
    if (previous !== '' && previous !== started.id) {
      this.#context.remover.removeLater(previous);
    }
    await this.#postStart(record, container);
  }

  /** An extension is asked again before each restart, for what it made may have gone with the container. */
  async #overrideFor(record: ContainerRecord): Promise<ContainerOverride> {
    if (this.#overrides === undefined || record.attempt >= 0) {
      this.#overrides = await this.#options.sandbox.overrides(this.#containers.pod, this.#options.extension);
    }
    return this.#overrides[record.name] ?? {};
  }

  async #imageVolumes(record: ContainerRecord, override: ContainerOverride): Promise<void> {
    const images = (override.imageVolumes ?? []).map(({ image }) => image);
    for (const volume of this.#containers.pod.spec?.volumes ?? []) {
      if (volume.image?.reference !== undefined) {
        images.push(volume.image.reference);
      }
    }
    for (const image of images) {
      await this.#image(record, image);
    }
  }

  /** Waits for the image, but not when the pod is to end meanwhile. */
  async #image(record: ContainerRecord, image: string): Promise<PodImage> {
    const request = { pod: this.#containers.pod, container: this.#containers.specOf(record.name), list: listOf(record), image };
    const { signal } = this.#options.signals.starting;
    signal.throwIfAborted();
    const { promise, reject } = Promise.withResolvers<never>();
    const abort = (): void => { reject(signal.reason instanceof Error ? signal.reason : new Error('aborted')); };
    signal.addEventListener('abort', abort);
    try {
      return await Promise.race([pullImage(this.#context, request, this.#backOff, this.#failures), promise]);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  async #postStart(record: ContainerRecord, container: Container): Promise<void> {
    const hook = container.lifecycle?.postStart;
    if (hook === undefined) {
      return;
    }
    if (hook.sleep !== undefined) {
      await sleep(hook.sleep.seconds * 1000, undefined, { signal: this.#options.signals.starting.signal });
      return;
    }
    const result = await runAction(hook, this.#containers.target(record), POST_START_TIMEOUT_MS);
    if (!result.ok) {
      this.#context.recorder.event(this.#containers.pod, 'Warning', 'FailedPostStartHook', `PostStartHook failed: ${result.output}`, this.#where(record));
      await this.stop(record, this.graceSeconds(), 'FailedPostStartHook');
    }
  }
}
