/** A running container's probes: each on a timer of its own, liveness and readiness only once the startup probe passed. */
import type { Container, Probe } from '../../kinds/generated/core.ts';
import type { ActionResult } from './actions.ts';

const DEFAULT_PERIOD_S = 10;
const DEFAULT_TIMEOUT_S = 1;
const DEFAULT_FAILURES = 3;
/** An overdue readiness probe still lets others run. */
const MIN_PERIOD_MS = 100;

export type ProbeKind = 'Startup' | 'Liveness' | 'Readiness';

export interface ProberCallbacks {
  /** Carries out the probe. */
  run(probe: Probe, timeoutMs: number): Promise<ActionResult>;
  /** One probe failed; said even when the threshold is not reached. */
  unhealthy(kind: ProbeKind, output: string): void;
  started(): void;
  ready(ready: boolean): void;
  /** Startup or liveness failed for good: the container must be restarted. */
  failed(kind: 'Startup' | 'Liveness', probe: Probe): void;
}

/** One probe repeated until stopped; calls back when its verdict changes. */
class Repeated {
  readonly #kind: ProbeKind;
  readonly #probe: Probe;
  readonly #callbacks: ProberCallbacks;
  readonly #verdict: (healthy: boolean) => void;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #run = 0;
  #last: boolean | undefined;
  #decided: boolean | undefined;

  constructor(kind: ProbeKind, probe: Probe, callbacks: ProberCallbacks, verdict: (healthy: boolean) => void) {
    this.#kind = kind;
    this.#probe = probe;
    this.#callbacks = callbacks;
    this.#verdict = verdict;
  }

  start(delayMs: number): void {
    this.#timer = setTimeout(() => {
      this.#tick().catch((error: unknown) => {
        this.#count({ ok: false, output: String(error) });
      });
    }, delayMs);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #tick(): Promise<void> {
    const began = performance.now();
    const period = (this.#probe.periodSeconds ?? DEFAULT_PERIOD_S) * 1000;
    const result = await this.#callbacks.run(this.#probe, (this.#probe.timeoutSeconds ?? DEFAULT_TIMEOUT_S) * 1000);
    if (this.#stopped) {
      return;
    }
    this.#count(result);
    if (!this.#stopped) {
      this.start(Math.max(MIN_PERIOD_MS, period - (performance.now() - began)));
    }
  }

  #count(result: ActionResult): void {
    this.#run = this.#last === result.ok ? this.#run + 1 : 1;
    this.#last = result.ok;
    if (!result.ok) {
      this.#callbacks.unhealthy(this.#kind, result.output);
    }
    const threshold = result.ok ? this.#probe.successThreshold ?? 1 : this.#probe.failureThreshold ?? DEFAULT_FAILURES;
    if (this.#run >= threshold && this.#decided !== result.ok) {
      this.#decided = result.ok;
      this.#verdict(result.ok);
    }
  }
}

export class Prober {
  readonly #container: Container;
  readonly #callbacks: ProberCallbacks;
  readonly #running: Repeated[] = [];
  #stopped = false;

  constructor(container: Container, callbacks: ProberCallbacks) {
    this.#container = container;
    this.#callbacks = callbacks;
  }

  /** `startedAt` is when the container started; `passed` that its startup probe did, in an earlier life of this process. */
  start(startedAt: Date, passed: boolean): void {
    const { startupProbe } = this.#container;
    if (startupProbe === undefined || passed) {
      this.#begin(startedAt);
      return;
    }
    const repeated = this.#add('Startup', startupProbe, startedAt, (healthy) => {
      repeated.stop();
      if (healthy) {
        this.#begin(startedAt);
      } else {
        this.#callbacks.failed('Startup', startupProbe);
      }
    });
  }

  stop(): void {
    this.#stopped = true;
    for (const one of this.#running) {
      one.stop();
    }
  }

  #begin(startedAt: Date): void {
    const { livenessProbe, readinessProbe } = this.#container;
    this.#callbacks.started();
    if (this.#stopped) {
      return;
    }
    if (readinessProbe === undefined) {
      this.#callbacks.ready(true);
    } else {
      this.#add('Readiness', readinessProbe, startedAt, (healthy) => { this.#callbacks.ready(healthy); });
    }
    if (livenessProbe !== undefined) {
      const repeated = this.#add('Liveness', livenessProbe, startedAt, (healthy) => {
        if (!healthy) {
          repeated.stop();
          this.#callbacks.failed('Liveness', livenessProbe);
        }
      });
    }
  }

  #add(kind: ProbeKind, probe: Probe, startedAt: Date, verdict: (healthy: boolean) => void): Repeated {
    const repeated = new Repeated(kind, probe, this.#callbacks, verdict);
    const due = startedAt.getTime() + (probe.initialDelaySeconds ?? 0) * 1000;
    repeated.start(Math.max(0, due - Date.now()));
    this.#running.push(repeated);
    return repeated;
  }
}
