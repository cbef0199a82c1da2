/** A look at the machine by using it: each probe does, small, what Telar will do with what it looks at. */

/** `limited`: Telar works without, worse. `missing`: it does not. */
export type ProbeStatus = 'ok' | 'limited' | 'missing';

export interface ProbeResult {
  status: ProbeStatus;
  /** What was seen, for people, in a few words. */
  detail: string;
}

export interface Probe {
  /** Stable, in lower case: the key of the texts that say what it is for. */
  name: string;
  /** Debian packages that bring what it looks for; none when no package helps. */
  packages: readonly string[];
  /** Never throws and leaves nothing behind. */
  run(): Promise<ProbeResult>;
}

export const ok = (detail: string): ProbeResult => ({ status: 'ok', detail });
export const limited = (detail: string): ProbeResult => ({ status: 'limited', detail });
export const missing = (detail: string): ProbeResult => ({ status: 'missing', detail });
