/** The frames of SPDY/3.1 as values, and their numbers on the wire. */
import type { Headers } from './headers.ts';

export const VERSION = 3;
/** Bytes before the body of every frame. */
export const FRAME_HEAD_BYTES = 8;

export const TYPE = {
  synStream: 1, synReply: 2, rstStream: 3, settings: 4, ping: 6, goAway: 7, headers: 8, windowUpdate: 9,
} as const;

export const FLAG_FIN = 1;
export const FLAG_UNIDIRECTIONAL = 2;

/** Why a stream was reset. */
export const RST = {
  protocolError: 1, invalidStream: 2, refusedStream: 3, unsupportedVersion: 4, cancel: 5, internalError: 6, flowControlError: 7, streamInUse: 8,
  streamAlreadyClosed: 9, frameTooLarge: 11,
} as const;

/** Why a connection ends. */
export const GOAWAY = { ok: 0, protocolError: 1, internalError: 2 } as const;

/** The entry of SETTINGS that says how much may be sent on a new stream, bytes. */
export const SETTING_INITIAL_WINDOW = 7;

export interface Setting {
  id: number;
  value: number;
}

export type Frame =
  | { type: 'synStream'; streamId: number; associatedTo: number; priority: number; headers: Headers; fin: boolean; unidirectional: boolean }
  | { type: 'synReply'; streamId: number; headers: Headers; fin: boolean }
  | { type: 'rstStream'; streamId: number; status: number }
  | { type: 'settings'; settings: readonly Setting[] }
  | { type: 'ping'; id: number }
  | { type: 'goAway'; lastStreamId: number; status: number }
  | { type: 'headers'; streamId: number; headers: Headers; fin: boolean }
  | { type: 'windowUpdate'; streamId: number; delta: number }
  /** A piece of a data frame as it arrived; `fin` comes with the last piece. */
  | { type: 'data'; streamId: number; data: Buffer; fin: boolean };

export type ControlFrame = Exclude<Frame, { type: 'data' }>;
