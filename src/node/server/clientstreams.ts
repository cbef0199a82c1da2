/** A client's side of exec and attach, whichever protocol carries it. */

/** Channel numbers, as the WebSocket protocols have them. */
export const STDIN = 0;
export const STDOUT = 1;
export const STDERR = 2;
export const ERROR = 3;
export const RESIZE = 4;

/** How it ended: a Status, of which old protocols get the message alone. */
export interface Outcome {
  status: string;
  message?: string;
}

export interface ChannelListeners {
  stdin(data: Buffer): void;
  /** The client sends no more input. */
  stdinEnd(): void;
  /** Columns and rows of the client's terminal. */
  resize(width: number, height: number): void;
  /** The connection is over. */
  closed(): void;
}

export interface ClientStreams {
  /** Begins to hand out what the client sends. */
  listen(listeners: ChannelListeners): void;
  /** The client is to send no more input for now. */
  pause(): void;
  resume(): void;
  /** False when so much waits to be sent that the caller should stop until `drained` is called. */
  send(channel: typeof STDOUT | typeof STDERR, data: Buffer, drained: () => void): boolean;
  /** Tells how it ended, and ends the connection once everything is sent. */
  finish(outcome: Outcome): void;
}

/** What the error channel says: from version 4 on a Status, before that the text of a failure alone. */
export function outcomeText(version: number, outcome: Outcome): string {
  return version >= 4 ? JSON.stringify(outcome) : outcome.status === 'Success' ? '' : outcome.message ?? '';
}

/** `{"Width":80,"Height":24}` as clients send it; undefined for anything else. */
export function terminalSize(text: string): { width: number; height: number } | undefined {
  const [, width] = /"Width"\s*:\s*(\d{1,5})\b/.exec(text) ?? [];
  const [, height] = /"Height"\s*:\s*(\d{1,5})\b/.exec(text) ?? [];
  return width === undefined || height === undefined ? undefined : { width: Number(width), height: Number(height) };
}
