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
  ready(): void;
}

export interface Wiring {
  /** API server, controllers and node in this process; resolves when all has ended. */
  serve(options: ServeOptions): Promise<void>;
  /** Ends every container and guest of an instance and removes its links, rules and namespaces. */
  teardown(instance: Instance, log: Log): Promise<void>;
  /** The DNS process of an instance; resolves when it ends. */
  gateway(args: readonly string[]): Promise<void>;
}
