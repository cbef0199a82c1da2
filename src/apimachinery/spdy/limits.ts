/** Bounds of a SPDY connection. Whatever goes beyond one ends the connection or the stream, never the process. */

/** Longest control frame taken, bytes after its eight of header: what the header block of a stream may weigh compressed. */
export const MAX_CONTROL_FRAME_BYTES = 32 * 1024;
/** Longest header block after decompression, bytes. */
export const MAX_HEADER_BLOCK_BYTES = 64 * 1024;
/** Headers of one block. */
export const MAX_HEADERS = 100;
/** Entries of one SETTINGS frame. */
export const MAX_SETTINGS = 64;
/** Longest data frame written, bytes: short enough that streams take turns. */
export const MAX_DATA_FRAME_BYTES = 32 * 1024;
/** What a peer that counts may send before it hears of more, bytes: the specification's initial window. */
export const INITIAL_WINDOW_BYTES = 64 * 1024;
/** Largest window that 31 bits hold. */
export const MAX_WINDOW_BYTES = 0x7fff_ffff;
