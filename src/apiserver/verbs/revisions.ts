/** resourceVersion and resourceVersionMatch of lists and watches, and the errors of revisions that cannot be served. */
import { expired, fieldError, invalid, timeout, type FieldError, type StatusError } from '../../apimachinery/status.ts';
import { FutureRevisionError, type Revision, type Store } from '../../store/store.ts';
import { FUTURE_REVISION_WAIT_MS } from '../limits.ts';

export type RevisionMatch = 'unset' | 'any' | 'notOlderThan' | 'exact';

export interface RevisionRequest {
  match: RevisionMatch;
  /** Meaningful for `notOlderThan` and `exact`. */
  revision: Revision;
}

export const invalidListOptions = (errors: readonly FieldError[]): StatusError =>
  invalid({ group: 'meta.k8s.io', resource: 'ListOptions', name: '' }, errors);

/** A resourceVersion text; undefined when empty. Throws Invalid. */
export function parseRevision(text: string | null): Revision | undefined {
  if (text === null || text === '') {
    return undefined;
  }
  if (!/^[0-9]{1,20}$/.test(text) || !Number.isSafeInteger(Number(text))) {
    throw invalidListOptions([fieldError.invalid('resourceVersion', text, `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`)]);
  }
  return Number(text);
}

/** What a list asks of revisions, by the table of Kubernetes' API concepts page. Throws Invalid. */
export function listRevision(query: URLSearchParams, limited: boolean): RevisionRequest {
  const text = query.get('resourceVersion');
  const revision = parseRevision(text);
  const match = query.get('resourceVersionMatch') ?? '';
  if (match === '') {
    if (revision === undefined) {
      return { match: 'unset', revision: 0 };
    }
    if (revision === 0) {
      return { match: 'any', revision };
    }
    // Kubernetes keeps this for old clients: with a limit, a bare revision is exact.
    return { match: limited ? 'exact' : 'notOlderThan', revision };
  }
  if (revision === undefined) {
    throw invalidListOptions([fieldError.forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided')]);
  }
  if (match === 'NotOlderThan') {
    return { match: revision === 0 ? 'any' : 'notOlderThan', revision };
  }
  if (match !== 'Exact') {
    throw invalidListOptions([fieldError.notSupported('resourceVersionMatch', match, ['Exact', 'NotOlderThan'])]);
  }
  if (revision === 0) {
    throw invalidListOptions([fieldError.forbidden('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"')]);
  }
  return { match: 'exact', revision };
}

function tooLargeRevision(revision: Revision, current: Revision): StatusError {
  return timeout(`Too large resource version: ${revision}, current: ${current}`, 1,
    [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }]);
}

/** Waits a little for a revision of the future. Throws Timeout when it does not come. */
export async function awaitRevision(store: Store, revision: Revision): Promise<void> {
  if (revision <= store.currentRevision) {
    return;
  }
  try {
    await store.waitFor(revision, FUTURE_REVISION_WAIT_MS);
  } catch (error) {
    throw error instanceof FutureRevisionError ? tooLargeRevision(revision, store.currentRevision) : error;
  }
}

export const listTooOld = (): StatusError => expired('The provided resource version for the list is too old.');

export const watchTooOld = (revision: Revision, oldest: Revision): StatusError =>
  expired(`too old resource version: ${revision} (${oldest})`);
