/** Image archives as people have them: `docker save app | gzip > app.tar.gz` is common, and Podman's API takes plain tars only. */
import { PassThrough, Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';

interface Packing {
  magic: readonly number[];
  unpack(): Transform;
}

const PACKINGS: readonly Packing[] = [
  { magic: [0x1f, 0x8b], unpack: () => createGunzip() },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], unpack: () => createZstdDecompress() },
];
const LONGEST_MAGIC = Math.max(...PACKINGS.map(({ magic }) => magic.length));

type Chunks = AsyncIterator<Buffer, unknown>;

/** Enough of the beginning to tell the packing by; shorter only when there is no more. */
async function startOf(chunks: Chunks): Promise<Buffer> {
  let start = Buffer.alloc(0);
  while (start.length < LONGEST_MAGIC) {
    const next = await chunks.next();
    if (next.done === true) {
      return start;
    }
    start = Buffer.concat([start, next.value]);
  }
  return start;
}

async function* joined(start: Buffer, chunks: Chunks): AsyncGenerator<Buffer> {
  yield start;
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
    yield next.value;
  }
}

/**
 * Calls `take` with the tar inside an archive, which may be compressed by gzip or zstd. Rejects with what `take` rejects with, or with an
 * error of zlib when the compressed data is damaged.
 */
export async function withTar<T>(archive: Readable, take: (tar: Readable) => Promise<T>): Promise<T> {
  const chunks: Chunks = archive.iterator();
  const start = await startOf(chunks);
  const packing = PACKINGS.find(({ magic }) => magic.every((byte, index) => start[index] === byte));
  const tar = new PassThrough();
  const stages = packing === undefined ? [tar] : [packing.unpack(), tar];
  const [result] = await Promise.all([take(tar), pipeline([Readable.from(joined(start, chunks)), ...stages])]);
  return result;
}
