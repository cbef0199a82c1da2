/**
 * One pod's worker: compares what the pod should be with what its containers are, takes the next steps, and looks again when
 * either changed. Level-based: it keeps no plan, so it may be stopped anywhere and taken up by another process.
 */
import type { Log } from '../../apimachinery/log.ts';
import { formatTime } from '../../apimachinery/object.ts';
import { isStatusError } from '../../apimachinery/status.ts';
import { PODS } from '../../client/resources.ts';
import type { Pod } from '../../kinds/generated/core.ts';
import type { InspectedContainer } from '../podman/types.ts';
import { refusalOf } from './admission.ts';
import { newestOf, publishedStatus } from './adoption.ts';
import { PodContainers } from './containers.ts';
import type { PodContext } from './context.ts';
import { addEphemeral, startEphemeral } from './ephemeral.ts';
import { messageOf, PodStartError } from './errors.ts';
import type { PodExtension } from './extension.ts';
import { Launcher, LauncherSignals } from './launcher.ts';
import { Resizer } from './resizer.ts';
import { PodSandbox } from './sandbox.ts';
import { holdsBack, isTerminal, recordsFromStatus, shouldRestart } from './state.ts';
import type { ContainerRecord, PodState } from './state.ts';
import { phaseOf, podStatus } from './status.ts';
import { StatusWriter } from './statuswriter.ts';
import { deadlineOf, deletionGrace } from './times.ts';

/** "ContainerCreating" is published only when starting takes longer than this, milliseconds. */
const CREATING_DELAY_MS = 300;
/** What went wrong without a back-off of its own is tried again after 0.5 s, doubling to this, milliseconds. */
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 120_000;

export class PodWorker {
  readonly uid: string;
  readonly #context: PodContext;
  readonly #extension: PodExtension | undefined;
  readonly #sandbox: PodSandbox;
  readonly #containers: PodContainers;
  readonly #state: PodState;
  readonly #status: StatusWriter;
  readonly #resizer: Resizer;
  readonly #launcher: Launcher;
  readonly #log: Log;
  readonly #finished: (uid: string) => void;
  #pod: Pod;
  /** The object is gone, or marked for deletion. */
  #orphan = false;
  readonly #signals = new LauncherSignals();
  #hurryTimer: NodeJS.Timeout | undefined;
  /** Application containers were made in this sandbox: init containers are not run again. */
  #begun = false;
  #running: Promise<void> | undefined;
  #again = false;
  #timer: NodeJS.Timeout | undefined;
  #retryMs = 0;
  #closed = false;
  #released = false;
  #clock: NodeJS.Timeout | undefined;

  /** `finished` is called when nothing of the pod is left on this node. */
  constructor(context: PodContext, pod: Pod, finished: (uid: string) => void) {
    this.#context = context;
    this.#pod = pod;
    this.uid = pod.metadata.uid ?? '';
    this.#finished = finished;
    this.#extension = context.extensions.find((one) => one.handles(pod));
    this.#log = context.log.child({ pod: `${pod.metadata.namespace ?? ''}/${pod.metadata.name}` });
    this.#sandbox = new PodSandbox(context, this.uid);
    this.#state = { containers: recordsFromStatus(pod), podIp: pod.status?.podIP ?? '', sandboxReady: false, startTime: formatTime() };
    this.#containers = new PodContainers(context, this.#sandbox, this.#extension, pod, {
      changed: (urgent) => {
        this.#status.publish(urgent ? 0 : CREATING_DELAY_MS);
        this.poke();
      },
      restart: (record, why, probe) => { this.#launcher.restart(record, why, probe); },
    });
    this.#launcher = new Launcher({
      context, sandbox: this.#sandbox, containers: this.#containers, extension: this.#extension, signals: this.#signals,
      published: () => { this.#status.publish(); },
    });
    this.#resizer = new Resizer({
      context, uid: this.uid, state: this.#state, restart: (record, why) => { this.#launcher.end(record, why); }, changed: () => { this.#status.publish(); },
    });
    this.#status = new StatusWriter(context.client, pod, (latest) => podStatus(latest, this.#state, { hostIp: context.hostIp, now: new Date() }), this.#log);
  }

  get pod(): Pod {
    return this.#pod;
  }

  record(container: string): ContainerRecord | undefined {
    return this.#state.containers.get(container);
  }

  get podDir(): string {
    return this.#sandbox.podDir;
  }

  /** The pod's address, empty when it has none yet. */
  get podIp(): string {
    return this.#sandbox.ip(this.#pod);
  }

  /** The network namespace in which the pod's servers listen; undefined where its ports are reached at `localAddress` instead. */
  get netns(): string | undefined {
    // What a guest serves is behind the pod's address, not on its launcher's localhost.
    return this.#extension === undefined ? this.#sandbox.network?.netns : undefined;
  }

  /** Where ports are reached without entering a namespace: the machine's own localhost, or a guest's pod's address. */
  get localAddress(): string {
    return this.#pod.spec?.hostNetwork === true ? '127.0.0.1' : this.podIp;
  }

  /** Containers an earlier process left: take up what runs, record what ended. Called once, before the first `poke`. */
  async adopt(found: readonly InspectedContainer[]): Promise<void> {
    const { taken, rest } = newestOf(found);
    for (const { container, name, attempt } of taken) {
      const record = this.#state.containers.get(name);
      if (record === undefined || container.startedAt === undefined) {
        // Made but never started: starting it anew is simpler than knowing how far it got.
        rest.push(container);
        continue;
      }
      if (record.attempt < attempt && record.terminated !== undefined) {
        record.last = record.terminated;
      }
      record.attempt = attempt;
      const published = publishedStatus(this.#pod, name);
      this.#containers.running(record, container.id, container.startedAt, {
        started: published?.started === true, ready: published?.ready === true, resources: published?.resources,
      });
      await this.#containers.checkEnd(record);
    }
    await Promise.all(rest.map((container) => this.#context.remover.remove(container.id)));
  }

  /** The object changed. */
  update(pod: Pod): void {
    this.#pod = pod;
    this.#containers.pod = pod;
    addEphemeral(pod, this.#state.containers);
    this.#status.observe(pod);
    if (this.#extension === undefined) {
      this.#resizer.check(pod);
    }
    if (pod.metadata.deletionTimestamp !== undefined) {
      this.#signals.starting.abort(new Error('the pod is being deleted'));
      this.#hurryAt(this.#deletionGrace());
    }
    this.poke();
  }

  /** The object is gone: end everything quickly. */
  orphan(): void {
    this.#orphan = true;
    this.#status.forget();
    this.#signals.starting.abort(new Error('the pod was deleted'));
    this.#hurryAt(this.#deletionGrace());
    this.poke();
  }

  /** Grace may be shortened while it runs. */
  #hurryAt(seconds: number): void {
    clearTimeout(this.#hurryTimer);
    this.#hurryTimer = setTimeout(() => { this.#signals.hurry.abort(); }, seconds * 1000);
  }

  /** One of its ConfigMaps or Secrets changed. */
  objectsChanged(): void {
    if (this.#sandbox.ready) {
      this.#refreshVolumes();
    }
    // A container may have waited for it.
    this.poke();
  }

  /** What it failed to pull may be here now: the back-off of pulls is over. */
  imagesArrived(): void {
    if (this.#launcher.forgetPulls()) {
      this.poke();
    }
  }

  /** Podman said that a container ended, or nobody knows what happened meanwhile (`id` undefined). */
  containerChanged(id?: string): void {
    for (const record of this.#state.containers.values()) {
      if (record.phase === 'running' && (id === undefined || record.id === id)) {
        this.#containers.checkEnd(record).catch((error: unknown) => {
          this.#log.warn({ error: messageOf(error), container: record.name }, 'a container could not be inspected');
          this.#wakeIn(FIRST_RETRY_MS);
        });
      }
    }
  }

  /** Resolves when the container's present attempt has ended. */
  ended(record: ContainerRecord): Promise<void> {
    return record.phase === 'running' ? this.#containers.exited(record.id) : Promise.resolve();
  }

  /** Whether the container was made with a terminal, and with an input that ends with the first client or lasts. */
  terminalOf(container: string): { tty: boolean; stdin: 'none' | 'once' | 'lasting' } {
    const { tty = false, stdin = false, stdinOnce = false } = this.#containers.specOf(container);
    return { tty, stdin: !stdin ? 'none' : stdinOnce ? 'once' : 'lasting' };
  }

  /** Containers that run. */
  running(): ContainerRecord[] {
    return [...this.#state.containers.values()].filter((record) => record.phase === 'running');
  }

  /** Podman's ids of the containers that run. */
  runningIds(): string[] {
    return this.running().map((record) => record.id);
  }

  /** End the pod for a reason of the node's: it fails, its containers stop. */
  evict(reason: string, message: string): void {
    this.#state.ended ??= { reason, message };
    this.#signals.starting.abort(new Error(message));
    this.poke();
  }

  /** Look again. */
  poke(): void {
    if (this.#closed) {
      return;
    }
    if (this.#running !== undefined) {
      this.#again = true;
      return;
    }
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      if (this.#again) {
        this.#again = false;
        this.poke();
      }
    });
  }

  /** Take no more steps; containers run on. Resolves when the step under way is done. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of [this.#timer, this.#clock, this.#hurryTimer]) {
      clearTimeout(timer);
    }
    this.#containers.stopProbing();
    this.#signals.starting.abort(new Error('the node is stopping'));
    this.#signals.abandon.abort(new Error('the node is stopping'));
    this.#status.forget();
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      await this.#step();
      this.#retryMs = 0;
    } catch (error) {
      if (this.#closed || this.#signals.starting.signal.aborted && !this.#isEnding()) {
        return;
      }
      this.#retryMs = Math.min(Math.max(FIRST_RETRY_MS, this.#retryMs * 2), LONGEST_RETRY_MS);
      this.#wakeIn(this.#retryMs);
      if (error instanceof PodStartError) {
        this.#context.recorder.event(this.#pod, 'Warning', error.reason, error.message);
        this.#status.publish(CREATING_DELAY_MS);
      } else if (!this.#signals.starting.signal.aborted) {
        this.#log.warn({ error: messageOf(error), againInMs: this.#retryMs }, 'a step of a pod failed; trying again');
      }
    }
  }

  #wakeIn(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => { this.poke(); }, milliseconds);
  }

  #isEnding(): boolean {
    return this.#orphan || this.#pod.metadata.deletionTimestamp !== undefined;
  }

  async #step(): Promise<void> {
    if (this.#isEnding()) {
      await this.#terminate();
      return;
    }
    if (isTerminal(this.#pod) && !this.#anyRunning()) {
      await this.#release();
      return;
    }
    this.#checkLimits();
    if (this.#state.ended !== undefined || this.#isOver()) {
      await this.#launcher.stopAll(this.#launcher.graceSeconds(), [...this.#state.containers.values()]);
      await this.#status.flush();
      await this.#release();
      return;
    }
    await this.#prepare();
    await this.#startContainers();
    this.#watchClock();
  }

  #anyRunning(): boolean {
    return [...this.#state.containers.values()].some((record) => record.phase === 'running');
  }

  #isOver(): boolean {
    const phase = phaseOf(this.#pod, this.#state);
    return phase === 'Failed' || phase === 'Succeeded';
  }

  /** Refusal, and the deadline of the whole pod. */
  #checkLimits(): void {
    const refusal = this.#released ? undefined : refusalOf(this.#pod);
    if (refusal !== undefined && this.#state.ended === undefined) {
      this.#state.ended = refusal;
      this.#context.recorder.event(this.#pod, 'Warning', refusal.reason, refusal.message);
    }
    if (deadlineOf(this.#pod, this.#state) <= Date.now() && this.#state.ended === undefined) {
      this.#state.ended = { reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' };
      this.#context.recorder.event(this.#pod, 'Normal', 'DeadlineExceeded', this.#state.ended.message);
    }
  }

  async #prepare(): Promise<void> {
    if (this.#sandbox.ready) {
      return;
    }
    this.#status.publish(CREATING_DELAY_MS);
    const isNew = await this.#sandbox.prepare(this.#pod);
    this.#initialise(isNew && !this.#anyRunning());
    this.#state.podIp = this.#sandbox.ip(this.#pod);
    this.#state.sandboxReady = true;
  }

  /** After a reboot, or when everything was torn down, a pod begins again with its init containers, as in a new sandbox. */
  #initialise(anew: boolean): void {
    const records = [...this.#state.containers.values()];
    this.#begun = !anew && records.some((record) => record.kind === 'app' && record.attempt >= 0);
    if (anew) {
      for (const record of records) {
        if (record.kind === 'init' && record.terminated !== undefined) {
          record.phase = 'waiting';
          record.last = record.terminated;
          delete record.terminated;
        }
      }
    }
  }

  /** Containers in their order; stops at the first that must be waited for. */
  async #startContainers(): Promise<void> {
    const begun = this.#begun;
    let waitMs = await startEphemeral(this.#state.containers.values(), (record) => this.#launcher.tryStart(record));
    for (const record of this.#state.containers.values()) {
      if (record.kind === 'ephemeral' || record.kind === 'init' && (begun || record.terminated?.exitCode === 0)) {
        continue;
      }
      if (record.phase === 'waiting' || (record.phase === 'exited' && shouldRestart(this.#pod, record))) {
        waitMs = Math.min(waitMs, await this.#launcher.tryStart(record));
        this.#begun ||= record.kind === 'app' && record.attempt >= 0;
      }
      if (!begun && holdsBack(record)) {
        break;
      }
    }
    if (waitMs !== Infinity) {
      this.#wakeIn(waitMs);
    }
  }

  #deletionGrace(): number {
    return deletionGrace(this.#pod, this.#launcher.graceSeconds(), this.#orphan);
  }

  async #terminate(): Promise<void> {
    await this.#launcher.stopAll(this.#deletionGrace(), [...this.#state.containers.values()]);
    if (this.#closed) {
      return;
    }
    if (!this.#orphan) {
      await this.#status.flush();
    }
    await this.#release();
    await this.#sandbox.release(false);
    await this.#deleteObject();
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#hurryTimer);
    clearTimeout(this.#clock);
    this.#status.forget();
    this.#finished(this.uid);
  }

  async #deleteObject(): Promise<void> {
    const { name, namespace } = this.#pod.metadata;
    if (this.#orphan) {
      return;
    }
    try {
      await this.#context.client.delete(PODS, name, namespace, { gracePeriodSeconds: 0, preconditions: { uid: this.uid } });
    } catch (error) {
      // Gone already, or replaced by another pod of the name.
      if (!isStatusError(error, 'NotFound') && !isStatusError(error, 'Conflict')) {
        throw error;
      }
    }
  }

  /** Containers, network and volumes go; logs and status stay. */
  async #release(): Promise<void> {
    if (this.#released) {
      return;
    }
    this.#containers.stopProbing();
    const ids = [...this.#state.containers.values()].map((record) => record.id).filter((id) => id !== '');
    await Promise.all(ids.map((id) => this.#context.remover.remove(id)));
    await this.#extension?.cleanup(this.#pod);
    await this.#sandbox.release(true);
    this.#state.sandboxReady = false;
    this.#released = true;
    this.#status.publish();
  }

  #watchClock(): void {
    const next = Math.min(deadlineOf(this.#pod, this.#state), this.#sandbox.volumes.renewAt);
    if (next !== Infinity && this.#clock === undefined) {
      this.#clock = setTimeout(() => {
        this.#clock = undefined;
        this.#refreshVolumes();
        this.poke();
      }, Math.min(Math.max(0, next - Date.now()), 2 ** 31 - 1));
      this.#clock.unref();
    }
  }

  #refreshVolumes(): void {
    this.#sandbox.volumes.refresh(this.#sandbox.volumeContext(this.#pod)).catch((error: unknown) => {
      this.#context.recorder.event(this.#pod, 'Warning', 'FailedMount', messageOf(error));
    }).finally(() => { this.#watchClock(); });
  }
}
