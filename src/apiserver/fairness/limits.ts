/** Bounds of priority and fairness. */

/** Requests of all priority levels together that are worked on at a time: kube-apiserver's 400 reading and 200 changing ones. */
export const TOTAL_CONCURRENCY = 600;
/** A request that has waited this long for its turn is refused, ms: a quarter of a request's minute, as in Kubernetes. */
export const MAX_WAIT_MS = 15_000;
/** How often waiting requests are looked through for such, ms. */
export const SWEEP_MS = 1_000;
/** Waiting requests of one level when its configuration does not say, and of one flow: Kubernetes' defaults for queues, their length and a flow's hand of them. */
export const DEFAULT_QUEUES = 64;
export const DEFAULT_QUEUE_LENGTH = 50;
export const DEFAULT_HAND_SIZE = 8;
/** Waiting requests of a level are begun for at most this long at a stretch, ms. */
export const SLICE_MS = 5;
/** After this a refused client may try again, s. */
export const RETRY_AFTER_SECONDS = 1;
