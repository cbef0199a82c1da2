/** What is wrong with a peer's bytes. The connection cannot go on after it: its compression or framing is out of step. */
export class SpdyError extends Error {
  override readonly name = 'SpdyError';
}
