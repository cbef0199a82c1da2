/** One running guest as this node knows it: its monitor, its console, and what both last said. */
import { chmod, chown } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../../apimachinery/log.ts';
import { isObject } from '../../apimachinery/values.ts';
import { Console } from './console.ts';
import { messageOf } from './errors.ts';
import { QMP_SOCKET, SERIAL_SOCKET, VNC_SOCKET } from './layout.ts';
import { Qmp, type QmpEvent } from './qmp.ts';

/** How long QEMU may take from its container's start to its monitor: image checks and memory set-up on a busy machine. */
const CONNECT_TIMEOUT_MS = 60_000;
/** A monitor lost while QEMU lives is connected again after this long. */
const RECONNECT_MS = 500;
/** A power button pressed while the guest still boots goes unheard: it is pressed again, milliseconds. */
const POWERDOWN_REPEAT_MS = 3000;
/** A guest that does not follow a soft reboot within this long keeps running. */
const SOFT_REBOOT_LIMIT_MS = 300_000;
/** What Linux prints when it panics; the rest of the line says why. */
const PANIC_TEXT = /Kernel panic - not syncing: ([^\r\n]{1,200})[\r\n]/;
/** QEMU's word of a panic waits this long for the console to say why, also when QEMU ends meanwhile. */
const PANIC_WAIT_MS = 250;
const PANIC_HELD_TEXT = /Kernel panic - not syncing/;

export type GuestState = 'starting' | 'running' | 'paused' | 'ended';

export interface GuestListener {
  /** State or accelerator changed: what the API says may have to follow. */
  changed(guest: Guest): void;
  panicked(guest: Guest, why: string): void;
}

export interface GuestIdentity {
  namespace: string;
  name: string;
  vmiUid: string;
  podUid: string;
}

export interface GuestOptions extends GuestIdentity {
  /** Folder with the sockets, on the host. */
  sockets: string;
  hasConsole: boolean;
  hasDisplay: boolean;
  hasAcpi: boolean;
  scrollback(): Promise<Buffer>;
  listener: GuestListener;
  log: Log;
}

export class Guest {
  readonly options: GuestOptions;
  readonly #log: Log;
  #state: GuestState = 'starting';
  #kvm = false;
  #qmp: Qmp | undefined;
  #console: Console | undefined;
  #softReboot: NodeJS.Timeout | undefined;
  /** Its run state is being worked on: nothing is told of it. */
  #held = false;
  #panic = '';
  #panicTimer: NodeJS.Timeout | undefined;
  readonly #stopped = new AbortController();

  constructor(options: GuestOptions) {
    this.options = options;
    this.#log = options.log.child({ vmi: `${options.namespace}/${options.name}` });
  }

  get state(): GuestState {
    return this.#state;
  }

  /** True when the processor is emulated in software. */
  get emulated(): boolean {
    return !this.#kvm;
  }

  get console(): Console | undefined {
    return this.#console;
  }

  /** Aborts when the guest has ended or is left alone. */
  get gone(): AbortSignal {
    return this.#stopped.signal;
  }

  /** Throws when it is not connected. */
  get monitor(): Qmp {
    return this.#monitor();
  }

  /** Ends QEMU at once. Nothing to do when it ends already. */
  async quit(): Promise<void> {
    const qmp = this.#qmp;
    if (qmp === undefined || qmp.closed) {
      return;
    }
    try {
      await qmp.execute('quit');
    } catch (error) {
      // It may go before it has answered.
      if (!qmp.closed) {
        throw error;
      }
    }
  }

  /** Until `release`, QEMU's stops and starts are not the guest's. */
  hold(): void {
    this.#held = true;
  }

  async release(): Promise<void> {
    this.#held = false;
    if (this.#qmp?.closed === false) {
      await this.#look(this.#qmp);
    }
  }

  /** Path of the display's socket, when there is a display. */
  get display(): string | undefined {
    return this.options.hasDisplay ? join(this.options.sockets, VNC_SOCKET) : undefined;
  }

  /** Connects to QEMU, just started or found running. Never throws: what fails is logged, and an end is reported by the pod's worker. */
  async open(): Promise<void> {
    try {
      await Promise.all([this.#openMonitor(CONNECT_TIMEOUT_MS), this.#openConsole()]);
      await this.#lock();
    } catch (error) {
      if (!this.#stopped.signal.aborted) {
        this.#log.warn({ error: messageOf(error) }, "QEMU's sockets cannot be reached");
      }
    }
  }

  /** The container ended. */
  end(): void {
    this.#state = 'ended';
    this.leave();
  }

  /** Lets go of QEMU's sockets; the guest goes on and is taken up again by the next start. */
  leave(): void {
    this.#stopped.abort();
    clearTimeout(this.#softReboot);
    this.#qmp?.close();
    if (this.#panicTimer === undefined) {
      this.#console?.close();
    }
  }

  /** Throws when the monitor is not there or QEMU refuses. */
  async pause(): Promise<void> {
    await this.#monitor().execute('stop');
    this.#moved('paused');
  }

  async unpause(): Promise<void> {
    await this.#monitor().execute('cont');
    this.#moved('running');
  }

  async reset(): Promise<void> {
    await this.#monitor().execute('system_reset');
  }

  /** Presses the power button and turns the guest's power-off into a reset. */
  async softReboot(): Promise<void> {
    const qmp = this.#monitor();
    await qmp.execute('set-action', { shutdown: 'pause' });
    clearTimeout(this.#softReboot);
    this.#softReboot = setTimeout(() => {
      this.#log.info({}, 'the guest did not follow a soft reboot');
      this.#background(this.#powerOffEnds());
    }, SOFT_REBOOT_LIMIT_MS);
    await qmp.execute('system_powerdown');
  }

  /**
   * Asks the guest to power off, again and again until it has or `signal` aborts; resolves once it has been asked.
   * Throws when it cannot be asked: no ACPI, or no monitor.
   */
  async powerDown(signal: AbortSignal): Promise<void> {
    if (!this.options.hasAcpi) {
      throw new Error('the guest has no ACPI: it cannot be asked to power off');
    }
    const qmp = this.#monitor();
    await this.#powerOffEnds();
    if (this.#state === 'paused') {
      await this.unpause();
    }
    await qmp.execute('system_powerdown');
    this.#background(this.#pressAgain(AbortSignal.any([signal, this.#stopped.signal])));
  }

  async #pressAgain(signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await delay(POWERDOWN_REPEAT_MS, undefined, { signal });
      } catch {
        // Ended, or killed: nothing more to ask.
        return;
      }
      if (this.#qmp?.closed === false) {
        await this.#qmp.execute('system_powerdown');
      }
    }
  }

  #monitor(): Qmp {
    if (this.#qmp === undefined || this.#qmp.closed) {
      throw new Error("QEMU's monitor is not connected");
    }
    return this.#qmp;
  }

  async #openMonitor(timeoutMs: number): Promise<void> {
    const listeners = {
      event: (event: QmpEvent) => {
        this.#event(event);
      },
      closed: () => {
        this.#background(this.#reconnect());
      },
    };
    const qmp = await Qmp.connect(join(this.options.sockets, QMP_SOCKET), listeners, timeoutMs, this.#stopped.signal);
    if (this.#stopped.signal.aborted) {
      qmp.close();
      return;
    }
    this.#qmp = qmp;
    const kvm = await qmp.execute('query-kvm');
    this.#kvm = isObject(kvm) && kvm['enabled'] === true;
    await this.#look(qmp);
  }

  async #look(qmp: Qmp): Promise<void> {
    const status = await qmp.execute('query-status');
    const word = isObject(status) && typeof status['status'] === 'string' ? status['status'] : '';
    this.#log.debug({ status: word, kvm: this.#kvm }, 'connected to QEMU');
    if (word === 'shutdown') {
      // A soft reboot was under way when an earlier Telar ended.
      await this.#finishSoftReboot();
    }
    this.#moved(word === 'paused' || word === 'prelaunch' ? 'paused' : 'running');
  }

  async #reconnect(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      await delay(RECONNECT_MS);
      if (this.#stopped.signal.aborted) {
        return;
      }
      try {
        await this.#openMonitor(RECONNECT_MS);
        return;
      } catch (error) {
        this.#log.debug({ error: messageOf(error) }, "QEMU's monitor is away");
      }
    }
  }

  async #openConsole(): Promise<void> {
    if (!this.options.hasConsole) {
      return;
    }
    this.#console = new Console({
      path: join(this.options.sockets, SERIAL_SOCKET), timeoutMs: CONNECT_TIMEOUT_MS, scrollback: await this.options.scrollback(),
      watch: (text) => {
        this.#watch(text);
      },
    });
    await this.#console.open();
  }

  /**
   * QEMU has made its sockets: from here on their folder is root's, so that whoever takes QEMU over cannot put a link to another
   * socket of the host where this process will connect again.
   */
  async #lock(): Promise<void> {
    await chown(this.options.sockets, 0, 0);
    await chmod(this.options.sockets, 0o711);
  }

  #watch(text: string): void {
    const match = PANIC_TEXT.exec(text);
    if (match !== null) {
      this.#panicked(match[1] ?? '');
    } else if (match === null && !PANIC_HELD_TEXT.test(text) && this.#panic !== '' && text.includes('Linux version')) {
      // Booting again: the next panic is news.
      this.#panic = '';
    }
  }

  /** Told once for each boot. */
  #panicked(why: string): void {
    clearTimeout(this.#panicTimer);
    this.#panicTimer = undefined;
    if (this.#panic === '') {
      this.#panic = why;
      this.options.listener.panicked(this, why);
    }
    if (this.#state === 'ended') {
      this.#console?.close();
    }
  }

  #event({ event, data }: QmpEvent): void {
    this.#log.debug({ event, data }, 'QEMU says');
    switch (event) {
      case 'STOP':
        // A power-off being turned into a reset stops the machine for a moment.
        if (this.#softReboot === undefined) {
          this.#moved('paused');
        }
        return;
      case 'RESUME': this.#moved('running'); return;
      case 'SHUTDOWN':
        if (this.#softReboot !== undefined && data['reason'] === 'guest-shutdown') {
          this.#background(this.#finishSoftReboot());
        }
        return;
      case 'GUEST_PANICKED':
        this.#panicTimer ??= setTimeout(() => {
          this.#panicked('the guest reported a panic');
        }, PANIC_WAIT_MS);
        return;
      default:
    }
  }

  async #finishSoftReboot(): Promise<void> {
    await this.#monitor().execute('system_reset');
    await this.#monitor().execute('cont');
    await this.#powerOffEnds();
    this.#moved('running');
  }

  async #powerOffEnds(): Promise<void> {
    clearTimeout(this.#softReboot);
    this.#softReboot = undefined;
    await this.#monitor().execute('set-action', { shutdown: 'poweroff' });
  }

  #moved(state: GuestState): void {
    if (this.#held || this.#state === 'ended' || this.#state === state) {
      return;
    }
    this.#state = state;
    this.options.listener.changed(this);
  }

  #background(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (!this.#stopped.signal.aborted) {
        this.#log.warn({ error: messageOf(error) }, 'QEMU did not do as it was told');
      }
    });
  }
}
