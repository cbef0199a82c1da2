/** The last of a container's log as the bytes it wrote: what a console showed before this process was there. */
import { open } from 'node:fs/promises';
import { isMissing } from '../../apimachinery/errno.ts';
import { SCROLLBACK_MAX } from './console.ts';

/** Podman's k8s-file log marks each piece with time and stream; its pieces are small, so more is read than is wanted. */
const READ_BYTES = SCROLLBACK_MAX * 4;
/** `2026-01-01T00:00:00.123456789+00:00 stdout F text`: F ends a line, P goes on. */
const ENTRY = /^\S+ (?:stdout|stderr) ([FP]) /;

export function outputOf(log: Buffer): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  while (at < log.length) {
    const newline = log.indexOf(10, at);
    const end = newline < 0 ? log.length : newline;
    const line = log.subarray(at, end);
    const match = ENTRY.exec(line.subarray(0, 80).toString('latin1'));
    // A line cut at the start of what was read matches nothing.
    if (match !== null) {
      parts.push(line.subarray(match[0].length), ...(match[1] === 'F' ? [Buffer.from('\n')] : []));
    }
    at = end + 1;
  }
  return Buffer.concat(parts).subarray(-SCROLLBACK_MAX);
}

/** Empty when there is no such file. */
export async function recentOutput(path: string): Promise<Buffer> {
  let file;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (isMissing(error)) {
      return Buffer.alloc(0);
    }
    throw error;
  }
  try {
    const { size } = await file.stat();
    const start = Math.max(size - READ_BYTES, 0);
    const buffer = Buffer.alloc(size - start);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
    return outputOf(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}
