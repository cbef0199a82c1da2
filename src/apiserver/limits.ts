/** Every bound of the API server, in one place and with a name. */

/** Longest request body, bytes: kube-apiserver's own limit. */
export const MAX_BODY_BYTES = 3 * 1024 * 1024;
/** Bodies, and stored objects, of more bytes are looked at before they are worked on, and with rests in between. */
export const BIG_BODY_BYTES = 8 * 1024;
/** JSON with more values is read in steps. */
export const STEPPED_VALUES = 4_096;
/** Values (members of objects, elements of lists) of a JSON or YAML body: twice those of the largest definitions there are. */
export const MAX_BODY_VALUES = 100_000;
/** Members of one object inside of what is written, e.g. keys of a ConfigMap's data: each step of a write looks at all of them at once. */
export const MAX_MEMBERS = 10_000;
/** YAML documents that wait for the thread that reads the long ones; more get 429. */
export const MAX_WAITING_YAML = 200;
/** Longest time that reading one YAML document may take, ms, and megabytes of memory. */
export const YAML_TIMEOUT_MS = 15_000;
export const YAML_MEMORY_MB = 512;
/** The thread that reads YAML ends when nobody has needed it for this long, ms. */
export const YAML_IDLE_MS = 30_000;
/** Longest request head (request line and headers), bytes. */
export const MAX_HEADER_BYTES = 64 * 1024;
/** Connections of one listener; more are refused by the kernel's accept queue. */
export const MAX_CONNECTIONS = 4096;
/** Streams one HTTP/2 connection may have open. */
export const MAX_HTTP2_STREAMS = 250;
/** Requests being answered at a time, watches apart; more get 429. */
export const MAX_REQUESTS_IN_FLIGHT = 2_000;
/** Watches over HTTP at a time; more get 429. */
export const MAX_WATCHES = 20_000;
/** A client has this long to finish its TLS handshake, ms. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;
/** A client has this long to send its request head, ms. */
export const HEADERS_TIMEOUT_MS = 30_000;
/** A client has this long to send a body, ms. What a node reads itself (images) may take longer. */
export const BODY_TIMEOUT_MS = 60_000;
/** An idle kept-alive connection is closed after this, ms. */
export const KEEP_ALIVE_MS = 180_000;
/** A connection on which nothing moves is probed after this, ms, so that clients that vanished are noticed. */
export const TCP_KEEP_ALIVE_MS = 30_000;
/** A connection that takes nothing of an answer for this long is cut, ms. */
export const STALLED_WRITE_MS = 60_000;
/** After a refusal, what is left of the request is read and thrown away for this long, ms, so that the client sees the answer. */
export const LINGER_MS = 500;
/** On close, requests under way have this long before their connections are cut, ms. */
export const GRACEFUL_CLOSE_MS = 2_000;
/** Answers above this many bytes are compressed for clients that ask for it. */
export const GZIP_THRESHOLD_BYTES = 128 * 1024;
/** A backup is read and written this many bytes at a time. */
export const BACKUP_CHUNK_BYTES = 256 * 1024;
/** Big answers are written in pieces of about this many characters, so that other requests get their turn. */
export const WRITE_CHUNK_CHARS = 512 * 1024;
/** Entries of a list made at a time, where they have to be parsed and written anew: some milliseconds' work. */
export const PIECE_ENTRIES = 100;
/** Parsed Accept headers kept; clients use a handful. */
export const MAX_NEGOTIATIONS = 256;
/** Verified bearer tokens kept. */
export const MAX_CACHED_TOKENS = 1024;
/** A verified token is looked at again after this, ms. */
export const TOKEN_CACHE_MS = 10_000;
/** How often a patch or an unconditional write is tried again after losing a race. */
export const MAX_WRITE_RETRIES = 10;
/** How long a read waits for a revision of the future, ms. */
export const FUTURE_REVISION_WAIT_MS = 3_000;
/** Between bookmarks of a watch that asked for them, ms. */
export const BOOKMARK_INTERVAL_MS = 60_000;
/** A watch without timeoutSeconds ends after between this and twice this, ms: clients are used to it. */
export const MIN_WATCH_MS = 1_800_000;
/** Serialised watch events shared between watchers: the latest this many, and this many bytes of them, are sure to be kept. */
export const MAX_SHARED_FRAMES = 1024;
export const MAX_SHARED_FRAME_BYTES = 4 * 1024 * 1024;
/** Watches write in turns of about this long together, ms: then requests are looked at. */
export const TURN_MS = 0.5;
/** Between the beginnings of two rounds in which every watch has its turn, ms: the longest an event waits for others to go out with. */
export const ROUND_MS = 4;
/** After so long without a round an event is a lone one, ms: it goes out at once, in a turn that may take longer. */
export const QUIET_MS = 10;
export const QUIET_TURN_MS = 5;
/** Bytes of one watch's events written in one turn; the next event may go beyond. */
export const MAX_TURN_BYTES = 128 * 1024;
/** Long work rests after this long, ms. */
export const PACE_MS = 3;
/** Objects scanned at a time by a list with a selector and a limit. */
export const LIST_SCAN_PAGE = 500;
/** Objects a deletecollection deletes at a time. */
export const DELETE_COLLECTION_BATCH = 64;
/** JSON and YAML nesting accepted in bodies is bounded in apimachinery; patches count their operations. */
export const MAX_JSON_PATCH_OPERATIONS = 10_000;
/** Characters of a patch, or of what it made, that an error quotes. */
export const MAX_QUOTED_PATCH_CHARS = 64 * 1024;
/** Shortest and longest life of a requested service-account token, seconds. */
export const MIN_TOKEN_SECONDS = 600;
export const MAX_TOKEN_SECONDS = 2 ** 32;
/** Texts of Warning headers: longest one and all together, characters. */
export const MAX_WARNING_CHARS = 256;
export const MAX_WARNINGS_CHARS = 4096;
/** Longest a proxied request to a node waits for the node's first byte, ms. */
export const NODE_CONNECT_TIMEOUT_MS = 10_000;
/** Events are deleted this long after they were last told, ms; looked for this often; deleted this many at a time. */
export const EVENT_LIFETIME_MS = 3_600_000;
export const EXPIRY_INTERVAL_MS = 60_000;
export const EXPIRY_BATCH = 100;
/** Users whose rights are kept compiled; beyond that all are compiled anew. */
export const MAX_COMPILED_USERS = 4096;
/** Single rights that the rules of one role may multiply out to, for those whose own rights are compared with them. */
export const MAX_RULE_PARTS = 100_000;
/** Objects kept as kinds of another version or group show them. */
export const MAX_KEPT_VIEWS = 10_000;
/** Objects of a deleted definition deleted at a time; those that finalizers hold are looked for this often, ms. */
export const CLEANUP_BATCH = 64;
export const CLEANUP_POLL_MS = 100;
/** A definition whose status could not be written is looked at again after this, ms. */
export const DEFINITION_RETRY_MS = 2_000;
/** Objects sent to a conversion webhook at a time, and how long it has, seconds. */
export const CONVERSION_BATCH = 250;
export const CONVERSION_TIMEOUT_SECONDS = 30;
/** How often certificate requests that are done with are looked for, ms. */
export const CSR_CLEAN_INTERVAL_MS = 3_600_000;
/** Audit events waiting to be written, characters; more are lost, and the server's log says so. */
export const MAX_AUDIT_QUEUE_BYTES = 32 * 1024 * 1024;
/** Aggregated servers are asked this often whether they are there, this soon again after they were not, and given this long, ms. */
export const APISERVICE_CHECK_MS = 30_000;
export const APISERVICE_RETRY_MS = 2_000;
export const APISERVICE_TIMEOUT_MS = 5_000;
/** Longest discovery document of an aggregated server, bytes. */
export const MAX_DISCOVERY_BYTES = 4 * 1024 * 1024;
/** Aggregated group-versions. */
export const MAX_REMOTE_VERSIONS = 256;
