/** The logger every room is handed. Structurally pino's, so that tests can pass a plain object. */
export interface Log {
  debug(bindings: object, message: string): void;
  info(bindings: object, message: string): void;
  warn(bindings: object, message: string): void;
  error(bindings: object, message: string): void;
  child(bindings: object): Log;
}

const nothing = (): void => {};

/** Discards everything: for tests and for pure commands. */
export const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => silentLog };
