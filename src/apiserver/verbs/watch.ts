/** watch: what a request's resourceVersion, sendInitialEvents and selectors mean. */
import { badRequest, fieldError, type FieldError, type StatusError } from '../../apimachinery/status.ts';
import type { AnyKind } from '../../kinds/kind.ts';
import { CompactedError, type Revision, type Watcher } from '../../store/store.ts';
import { MIN_WATCH_MS } from '../limits.ts';
import { PreparedWatcher } from '../custom/preparedwatcher.ts';
import { flag } from '../params.ts';
import type { Answer, Call } from '../types.ts';
import type { Core } from './core.ts';
import { filterOf } from './filter.ts';
import { currentPage, type Page } from './list.ts';
import { awaitRevision, invalidListOptions, parseRevision, watchTooOld } from './revisions.ts';
import { WatchStream } from './watchstream.ts';

const NOT_OLDER = 'NotOlderThan';

interface Wanted {
  revision: Revision | undefined;
  /** Begin with the current objects as ADDED. */
  initial: boolean;
  announceInitialEnd: boolean;
  bookmarks: boolean;
}

function initialEvents(query: URLSearchParams): boolean | undefined {
  return (query.get('sendInitialEvents') ?? '') === '' ? undefined : flag(query, 'sendInitialEvents');
}

/** What Kubernetes refuses of a watch's options (apimachinery's ValidateListOptions). */
function optionErrors(query: URLSearchParams, asked: boolean | undefined): FieldError[] {
  const match = query.get('resourceVersionMatch') ?? '';
  const field = 'resourceVersionMatch';
  const errors: FieldError[] = [];
  if (asked !== undefined && match !== NOT_OLDER) {
    errors.push(fieldError.forbidden(field, `sendInitialEvents requires setting resourceVersionMatch to ${NOT_OLDER}`));
  }
  if (match === '') {
    return errors;
  }
  if (asked === undefined) {
    errors.push(fieldError.forbidden(field, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'));
  }
  if (match !== NOT_OLDER) {
    errors.push(fieldError.notSupported(field, match, [NOT_OLDER]));
  }
  if ((query.get('continue') ?? '') !== '') {
    errors.push(fieldError.forbidden(field, 'resourceVersionMatch is forbidden when continue is provided'));
  }
  return errors;
}

/** Throws Invalid for combinations Kubernetes refuses. */
function wanted(query: URLSearchParams): Wanted {
  const revision = parseRevision(query.get('resourceVersion'));
  const asked = initialEvents(query);
  const bookmarks = flag(query, 'allowWatchBookmarks');
  const errors = optionErrors(query, asked);
  if (errors.length > 0) {
    throw invalidListOptions(errors);
  }
  if (asked === undefined) {
    const initial = revision === undefined || revision === 0;
    // A bookmark with this annotation also ends the initial objects of a plain watch from 0.
    return { revision, initial, announceInitialEnd: bookmarks && revision === 0, bookmarks };
  }
  if (!asked && (revision === undefined || revision === 0)) {
    return { revision: undefined, initial: false, announceInitialEnd: false, bookmarks };
  }
  return { revision, initial: asked, announceInitialEnd: asked && bookmarks, bookmarks };
}

function timeoutOf(query: URLSearchParams): number {
  const text = query.get('timeoutSeconds') ?? '';
  if (text === '' || text === '0') {
    // Spread, so that many watches opened together do not end together.
    return MIN_WATCH_MS * (1 + Math.random());
  }
  if (!/^[0-9]{1,9}$/.test(text)) {
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  return Math.min(Number(text) * 1000, 2 ** 31 - 1);
}

function open(core: Core, kind: AnyKind, prefix: string, from: Revision): Watcher {
  try {
    const source = core.store.watch(prefix, from);
    return kind.storedAs?.remote === undefined ? source : new PreparedWatcher(core, kind, source);
  } catch (error) {
    throw error instanceof CompactedError ? watchTooOld(from, core.store.compactedRevision) : error;
  }
}

/** Opens the watch; the answer's stream must be closed by whoever consumes it. */
export async function watch(core: Core, call: Call, kind: AnyKind): Promise<Answer> {
  const { query, info } = call;
  const want = wanted(query);
  const filter = filterOf(kind, query, info.name);
  const timeoutMs = query.has('timeoutSeconds') || call.http !== undefined ? timeoutOf(query) : undefined;
  if (want.revision !== undefined) {
    await awaitRevision(core.store, want.revision);
  }
  const namespace = kind.namespaced ? info.namespace : '';
  const prefix = core.registry.storagePrefix(kind, namespace);
  const page: Page | undefined = want.initial ? await currentPage(core, kind, namespace, filter) : undefined;
  const from = page?.revision ?? want.revision ?? core.store.currentRevision;
  const expired = expiredStart(core, from);
  if (expired !== undefined) {
    throw expired;
  }
  const stream = new WatchStream(core, open(core, kind, prefix, from), {
    kind, filter, initial: page?.items ?? [], from, timeoutMs,
    bookmarks: want.bookmarks, announceInitialEnd: want.announceInitialEnd,
  });
  return { type: 'watch', kind, stream };
}

const expiredStart = (core: Core, from: Revision): StatusError | undefined =>
  (from < core.store.compactedRevision ? watchTooOld(from, core.store.compactedRevision) : undefined);
