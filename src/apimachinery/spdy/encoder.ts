/** Frames as bytes of a SPDY/3.1 connection. */
import { FLAG_FIN, FLAG_UNIDIRECTIONAL, TYPE, VERSION } from './frames.ts';
import type { ControlFrame, Setting } from './frames.ts';
import { HeaderDeflater } from './headers.ts';

const CONTROL_BIT = 0x8000_0000;
const PRIORITY_SHIFT = 5;

function numbers(...values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(values.length * 4);
  values.forEach((value, index) => bytes.writeUInt32BE(value, index * 4));
  return bytes;
}

function control(type: number, flags: number, ...body: readonly Buffer[]): Buffer {
  const length = body.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([numbers(((CONTROL_BIT >>> 0) + VERSION * 0x1_0000 + type) >>> 0, ((flags << 24) | length) >>> 0), ...body]);
}

const settingsBody = (settings: readonly Setting[]): Buffer => numbers(settings.length, ...settings.flatMap(({ id, value }) => [id, value]));

/** The eight bytes before `length` bytes of data. */
export function dataHead(streamId: number, length: number, fin: boolean): Buffer {
  return numbers(streamId, (((fin ? FLAG_FIN : 0) << 24) | length) >>> 0);
}

/** Writes one direction of a connection. Frames have to be sent in the order in which they were encoded. */
export class FrameEncoder {
  readonly #deflater = new HeaderDeflater();

  encode(frame: ControlFrame): Buffer {
    switch (frame.type) {
      case 'synStream': return control(TYPE.synStream, (frame.fin ? FLAG_FIN : 0) | (frame.unidirectional ? FLAG_UNIDIRECTIONAL : 0),
        numbers(frame.streamId, frame.associatedTo), Buffer.from([frame.priority << PRIORITY_SHIFT, 0]), this.#deflater.deflate(frame.headers));
      case 'synReply': return control(TYPE.synReply, frame.fin ? FLAG_FIN : 0, numbers(frame.streamId), this.#deflater.deflate(frame.headers));
      case 'headers': return control(TYPE.headers, frame.fin ? FLAG_FIN : 0, numbers(frame.streamId), this.#deflater.deflate(frame.headers));
      case 'rstStream': return control(TYPE.rstStream, 0, numbers(frame.streamId, frame.status));
      case 'settings': return control(TYPE.settings, 0, settingsBody(frame.settings));
      case 'ping': return control(TYPE.ping, 0, numbers(frame.id));
      case 'goAway': return control(TYPE.goAway, 0, numbers(frame.lastStreamId, frame.status));
      default: return control(TYPE.windowUpdate, 0, numbers(frame.streamId, frame.delta));
    }
  }
}
