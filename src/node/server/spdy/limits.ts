/** Bounds of a SPDY session. */

/** Streams a peer may have open at a time; a further one is refused. A port-forward has two for each connection. */
export const MAX_STREAMS = 1024;
/** Received and not yet read by its taker, bytes of one stream; above it the whole connection is not read on, as the peers do not count. */
export const STREAM_BUFFER_BYTES = 512 * 1024;
/** The same of all streams of a session together, bytes; looked at whenever so much has come in. */
export const SESSION_BUFFER_BYTES = 8 * 1024 * 1024;
export const SESSION_SUM_BYTES = 256 * 1024;
/** While a session holds more, it is looked at again this often, ms. */
export const SESSION_RELIEF_MS = 20;
/** Answers (to PING, to refused streams) that a peer does not take, bytes; a peer that only asks is cut off. */
export const MAX_UNSENT_BYTES = 4 * 1024 * 1024;
/** A session on which nothing moves is ended after this long, ms: the kubelet's own. */
export const IDLE_MS = 4 * 3_600_000;
/** After GOAWAY the peer has this long to end the connection itself, ms. */
export const LINGER_MS = 2_000;
