/** Where the last lines of a file begin, found from its end in blocks. */
import type { FileHandle } from 'node:fs/promises';

const BLOCK_BYTES = 64 * 1024;
const NEWLINE = 10;

export interface TailStart {
  /** Byte at which the lines begin. */
  offset: number;
  /** Lines the file lacks to as many as were asked for. */
  missing: number;
}

/** Offset of the last `lines` lines of the first `size` bytes. */
export async function tailStart(file: FileHandle, size: number, lines: number): Promise<TailStart> {
  if (lines <= 0) {
    return { offset: size, missing: 0 };
  }
  const block = Buffer.alloc(BLOCK_BYTES);
  let found = 0;
  let end = size;
  while (end > 0) {
    const start = Math.max(0, end - BLOCK_BYTES);
    const { bytesRead } = await file.read(block, 0, end - start, start);
    for (let index = bytesRead - 1; index >= 0; index -= 1) {
      // The newline that ends the file ends a line, it does not begin one.
      if (block[index] === NEWLINE && start + index !== size - 1) {
        found += 1;
        if (found === lines) {
          return { offset: start + index + 1, missing: 0 };
        }
      }
    }
    end = start;
  }
  return { offset: 0, missing: size === 0 ? lines : lines - found - 1 };
}
