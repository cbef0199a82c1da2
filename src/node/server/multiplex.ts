/** Podman's streams of a process without a terminal: frames of eight bytes of header (stream number, length) and data. */

const HEADER_BYTES = 8;
const LENGTH_AT = 4;

export interface Frame {
  /** 1 standard output, 2 standard error. */
  stream: number;
  data: Buffer;
}

/** Cuts received bytes into frames; a frame's data comes as it arrives, not when it is complete. */
export class Demultiplexer {
  #header = Buffer.alloc(0);
  #stream = 0;
  #left = 0;

  push(chunk: Buffer): Frame[] {
    const frames: Frame[] = [];
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#left === 0) {
        const taken = rest.subarray(0, HEADER_BYTES - this.#header.length);
        this.#header = Buffer.concat([this.#header, taken]);
        rest = rest.subarray(taken.length);
        if (this.#header.length < HEADER_BYTES) {
          break;
        }
        this.#stream = this.#header[0] ?? 0;
        this.#left = this.#header.readUInt32BE(LENGTH_AT);
        this.#header = Buffer.alloc(0);
        continue;
      }
      const data = rest.subarray(0, this.#left);
      this.#left -= data.length;
      rest = rest.subarray(data.length);
      frames.push({ stream: this.#stream, data });
    }
    return frames;
  }
}

/** One frame as Podman writes it. */
export function frameOf(stream: number, data: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = stream;
  header.writeUInt32BE(data.length, LENGTH_AT);
  return Buffer.concat([header, data]);
}
