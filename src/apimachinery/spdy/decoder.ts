/** Bytes of a SPDY/3.1 connection as frames. */
import { SpdyError } from './errors.ts';
import { FLAG_FIN, FLAG_UNIDIRECTIONAL, FRAME_HEAD_BYTES, TYPE, VERSION } from './frames.ts';
import type { Frame, Setting } from './frames.ts';
import { HeaderInflater } from './headers.ts';
import { MAX_CONTROL_FRAME_BYTES, MAX_SETTINGS } from './limits.ts';

const CONTROL_BIT = 0x8000_0000;
/** Stream ids, window sizes and the like have 31 bits. */
const MASK_31 = 0x7fff_ffff;
const MASK_24 = 0xff_ffff;
const PRIORITY_SHIFT = 5;
const SETTING_BYTES = 8;

interface Control {
  type: number;
  flags: number;
  body: Buffer;
}

interface DataHead {
  streamId: number;
  fin: boolean;
  left: number;
}

function expectLength({ body }: Control, length: number, name: string): void {
  if (body.length !== length) {
    throw new SpdyError(`${name} of ${body.length} bytes instead of ${length}`);
  }
}

function atLeast({ body }: Control, length: number, name: string): void {
  if (body.length < length) {
    throw new SpdyError(`${name} of ${body.length} bytes, fewer than ${length}`);
  }
}

function settingsOf(control: Control): Setting[] {
  atLeast(control, 4, 'SETTINGS');
  const { body } = control;
  const count = body.readUInt32BE(0);
  if (count > MAX_SETTINGS) {
    throw new SpdyError(`more than ${MAX_SETTINGS} settings`);
  }
  expectLength(control, 4 + count * SETTING_BYTES, 'SETTINGS');
  return Array.from({ length: count }, (_, index) => {
    const at = 4 + index * SETTING_BYTES;
    return { id: body.readUInt32BE(at) & MASK_24, value: body.readUInt32BE(at + 4) };
  });
}

/** Cuts a connection into frames. Throws SpdyError, after which nothing more can be read. */
export class FrameDecoder {
  readonly #inflater = new HeaderInflater();
  /** The beginning of a frame whose rest has not come yet; shorter than the longest control frame. */
  #pending: Buffer = Buffer.alloc(0);
  #data: DataHead | undefined;

  /** The frames that are complete with these bytes; data is handed out as it comes, without a copy. */
  push(chunk: Buffer): Frame[] {
    const frames: Frame[] = [];
    let bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    for (;;) {
      const taken = this.#data === undefined ? this.#frame(bytes, frames) : this.#piece(this.#data, bytes, frames);
      if (taken === 0) {
        // A copy: the rest of a large chunk must not keep it alive.
        this.#pending = Buffer.from(bytes);
        return frames;
      }
      bytes = bytes.subarray(taken);
    }
  }

  /** Bytes taken; 0 when there are too few. */
  #frame(bytes: Buffer, frames: Frame[]): number {
    if (bytes.length < FRAME_HEAD_BYTES) {
      return 0;
    }
    const first = bytes.readUInt32BE(0);
    const second = bytes.readUInt32BE(4);
    const length = second & MASK_24;
    const flags = second >>> 24;
    if ((first & CONTROL_BIT) === 0) {
      const fin = (flags & FLAG_FIN) !== 0;
      if (length === 0) {
        frames.push({ type: 'data', streamId: first, data: Buffer.alloc(0), fin });
      } else {
        this.#data = { streamId: first, fin, left: length };
      }
      return FRAME_HEAD_BYTES;
    }
    const version = (first >>> 16) & 0x7fff;
    if (version !== VERSION) {
      throw new SpdyError(`a frame of version ${version}`);
    }
    if (length > MAX_CONTROL_FRAME_BYTES) {
      throw new SpdyError(`a control frame of ${length} bytes, more than ${MAX_CONTROL_FRAME_BYTES}`);
    }
    const end = FRAME_HEAD_BYTES + length;
    if (bytes.length < end) {
      return 0;
    }
    const frame = this.#control({ type: first & 0xffff, flags, body: bytes.subarray(FRAME_HEAD_BYTES, end) });
    if (frame !== undefined) {
      frames.push(frame);
    }
    return end;
  }

  #piece(head: DataHead, bytes: Buffer, frames: Frame[]): number {
    const data = bytes.subarray(0, head.left);
    if (data.length === 0) {
      return 0;
    }
    head.left -= data.length;
    if (head.left === 0) {
      this.#data = undefined;
    }
    frames.push({ type: 'data', streamId: head.streamId, data, fin: head.fin && head.left === 0 });
    return data.length;
  }

  /** Undefined for types nobody knows, which are to be ignored. */
  #control(control: Control): Frame | undefined {
    const { type, body } = control;
    switch (type) {
      case TYPE.synStream: return this.#synStream(control);
      case TYPE.synReply: return { type: 'synReply', ...this.#withHeaders(control, 'SYN_REPLY') };
      case TYPE.headers: return { type: 'headers', ...this.#withHeaders(control, 'HEADERS') };
      case TYPE.rstStream:
        expectLength(control, 8, 'RST_STREAM');
        return { type: 'rstStream', streamId: body.readUInt32BE(0) & MASK_31, status: body.readUInt32BE(4) };
      case TYPE.settings: return { type: 'settings', settings: settingsOf(control) };
      case TYPE.ping:
        expectLength(control, 4, 'PING');
        return { type: 'ping', id: body.readUInt32BE(0) };
      case TYPE.goAway:
        expectLength(control, 8, 'GOAWAY');
        return { type: 'goAway', lastStreamId: body.readUInt32BE(0) & MASK_31, status: body.readUInt32BE(4) };
      case TYPE.windowUpdate:
        expectLength(control, 8, 'WINDOW_UPDATE');
        return { type: 'windowUpdate', streamId: body.readUInt32BE(0) & MASK_31, delta: body.readUInt32BE(4) & MASK_31 };
      default: return undefined;
    }
  }

  #synStream(control: Control): Frame {
    atLeast(control, 10, 'SYN_STREAM');
    const { body, flags } = control;
    return {
      type: 'synStream', streamId: body.readUInt32BE(0) & MASK_31, associatedTo: body.readUInt32BE(4) & MASK_31,
      priority: body.readUInt8(8) >> PRIORITY_SHIFT, headers: this.#inflater.inflate(body.subarray(10)),
      fin: (flags & FLAG_FIN) !== 0, unidirectional: (flags & FLAG_UNIDIRECTIONAL) !== 0,
    };
  }

  #withHeaders(control: Control, name: string): Pick<Extract<Frame, { type: 'headers' }>, 'streamId' | 'headers' | 'fin'> {
    atLeast(control, 4, name);
    const { body, flags } = control;
    return { streamId: body.readUInt32BE(0) & MASK_31, headers: this.#inflater.inflate(body.subarray(4)), fin: (flags & FLAG_FIN) !== 0 };
  }
}
