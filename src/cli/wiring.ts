/** What the command line needs of the rest of the house; `main.ts` supplies it, so that commands import no other room. */
import type { Instance } from '../apimachinery/instance.ts';
import type { Log } from '../apimachinery/log.ts';

export interface ServeOptions {
  instance: Instance;
  /** `*,-deployment`: which controllers run. */
  controllers: string;
  log: Log;
  /** Ends everything cleanly when it aborts. */
  signal: AbortSignal;
  /** Called once `/readyz` answers ok. */
  ready: () => void;
}

export interface ProbeResult {
  /** `limited`: Telar works without, worse. `missing`: it does not. */
  status: 'ok' | 'limited' | 'missing';
  detail: string;
}

/** A look at the machine: structurally the node room's. */
export interface Probe {
  name: string;
  /** Debian packages that bring what it looks for. */
  packages: readonly string[];
  run(): Promise<ProbeResult>;
}

export interface ProbeTarget {
  dataDir: string;
  listen: string;
  port: number;
  /** The instance runs and has the port itself. */
  running: boolean;
}

export interface Wiring {
  /** What `telar doctor` looks at, in order. */
  probes(target: ProbeTarget): Promise<readonly Probe[]>;
  /** API server, controllers and node in this process; resolves when all has ended. */
  serve(options: ServeOptions): Promise<void>;
  /** Ends every container and guest of an instance and removes its links, rules and namespaces. */
  teardown(instance: Instance, log: Log): Promise<void>;
  /** The DNS process of an instance; resolves when it ends. */
  gateway(args: readonly string[]): Promise<void>;
}
