/** get and list. */
import type { ListMeta } from '../../apimachinery/object.ts';
import { badRequest, fieldError } from '../../apimachinery/status.ts';
import type { AnyKind } from '../../kinds/kind.ts';
import { CompactedError, type ListOptions, type Revision, type Stored } from '../../store/store.ts';
import { LIST_SCAN_PAGE } from '../limits.ts';
import { Pace } from '../pace.ts';
import type { Answer, Call } from '../types.ts';
import { decodeContinue, encodeContinue, expiredContinue, type Continuation } from './continue.ts';
import type { Core } from './core.ts';
import { filterOf, type Filter } from './filter.ts';
import { awaitRevision, invalidListOptions, listRevision, listTooOld, parseRevision } from './revisions.ts';

/** GET of one object: always the current state, whatever `resourceVersion` asks for as a minimum. */
export function get(core: Core, call: Call, kind: AnyKind): Answer | Promise<Answer> {
  const { namespace, name } = call.info;
  const target = { kind, namespace: kind.namespaced ? namespace : '', name };
  const revision = call.query.size === 0 ? undefined : parseRevision(call.query.get('resourceVersion'));
  if (revision !== undefined && revision > core.store.currentRevision) {
    return awaitRevision(core.store, revision).then(() => answered(kind, core.fetch(target)));
  }
  return answered(kind, core.fetch(target));
}

const answered = (kind: AnyKind, found: Stored | Promise<Stored>): Answer | Promise<Answer> =>
  (found instanceof Promise ? found.then((stored) => ({ type: 'stored', code: 200, kind, stored })) : { type: 'stored', code: 200, kind, stored: found });

export interface Page {
  items: Stored[];
  revision: Revision;
  /** Key of the last object given, when more may follow. */
  last: string | undefined;
  remaining: number | undefined;
}

interface Scan {
  kind: AnyKind;
  prefix: string;
  filter: Filter | undefined;
  limit: number;
  start: Continuation | undefined;
  revision: Revision | undefined;
}

const listOptions = (limit: number, after: string | undefined, revision: Revision | undefined): ListOptions => ({
  ...(limit === 0 ? {} : { limit }),
  ...(after === undefined ? {} : { after }),
  ...(revision === undefined ? {} : { revision }),
});

/** How many objects are looked at between two looks at the clock. */
const PACE_OBJECTS = 64;

/** Objects looked at in one page; 0 for all of them. What a webhook converts comes in pages always. */
const pageSize = ({ limit, kind }: Scan): number => (limit === 0 && kind.storedAs?.remote === undefined ? 0 : LIST_SCAN_PAGE);

/** Whether the text of a stored value already shows that the filter passes over it: only where it is shown as it is stored. */
function isPassedOver(stored: Stored, kind: AnyKind, filter: Filter): boolean {
  return stored.parsed !== true && (kind.storedAs === undefined || kind.storedAs.isCurrent?.(stored) === true) && !filter.mayMatch(stored.json);
}

/** A list that a selector thins out, page by page until there are `limit` matches. Rests now and then: it may have to parse every object. */
async function scanFiltered(core: Core, scan: Scan, filter: Filter): Promise<Page> {
  const items: Stored[] = [];
  const pace = new Pace();
  let looked = 0;
  let after = scan.start === undefined ? undefined : scan.prefix + scan.start.after;
  let revision = scan.revision;
  for (;;) {
    const page = core.store.list(scan.prefix, listOptions(pageSize(scan), after, revision));
    revision = page.revision;
    const prepared = await core.prepare(scan.kind, page.items);
    let at = -1;
    for (const stored of page.items) {
      at += 1;
      looked += 1;
      if (looked % PACE_OBJECTS === 0 && pace.due) {
        await pace.rest();
      }
      after = stored.key;
      if (isPassedOver(stored, scan.kind, filter)) {
        continue;
      }
      const seen = prepared?.[at] ?? core.view(scan.kind, stored);
      if (filter.matches(seen.object)) {
        items.push(seen);
        if (items.length === scan.limit) {
          const more = page.more || stored !== page.items.at(-1);
          return { items, revision, last: more ? stored.key : undefined, remaining: undefined };
        }
      }
    }
    if (!page.more) {
      return { items, revision, last: undefined, remaining: undefined };
    }
  }
}

function scanAll(core: Core, scan: Scan): Page {
  const after = scan.start === undefined ? undefined : scan.prefix + scan.start.after;
  const page = core.store.list(scan.prefix, listOptions(scan.limit, after, scan.revision));
  const items = scan.kind.storedAs === undefined ? page.items : page.items.map((stored) => core.view(scan.kind, stored));
  return { items, revision: page.revision, last: page.more ? page.items.at(-1)?.key : undefined, remaining: page.more ? page.remaining : undefined };
}

/** A selector by name within one namespace names one key. */
function scanOne(core: Core, scan: Scan, filter: Filter, name: string): Page {
  const stored = core.store.get(scan.prefix + name);
  const seen = stored === undefined ? undefined : core.view(scan.kind, stored);
  const items = seen !== undefined && filter.matches(seen.object) ? [seen] : [];
  return { items, revision: core.store.currentRevision, last: undefined, remaining: undefined };
}

const EVERYTHING: Filter = { name: undefined, matches: () => true, mayMatch: () => true };

function scanned(core: Core, scan: Scan, namespace: string): Page | Promise<Page> {
  const { filter } = scan;
  if (scan.kind.storedAs?.remote !== undefined) {
    return scanFiltered(core, scan, filter ?? EVERYTHING);
  }
  if (filter === undefined) {
    return scanAll(core, scan);
  }
  if (filter.name !== undefined && scan.revision === undefined && scan.start === undefined && (namespace !== '' || !scan.kind.namespaced)) {
    return scanOne(core, scan, filter, filter.name);
  }
  return scanFiltered(core, scan, filter);
}

function readLimit(query: URLSearchParams): number {
  const text = query.get('limit') ?? '';
  if (text === '') {
    return 0;
  }
  if (!/^-?[0-9]{1,15}$/.test(text)) {
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  // A negative limit is none, as in Kubernetes.
  return Math.max(0, Number(text));
}

/** The current state, or that at a revision: what lists and the beginnings of watches show. */
export function currentPage(core: Core, kind: AnyKind, namespace: string, filter: Filter | undefined): Page | Promise<Page> {
  const prefix = core.registry.storagePrefix(kind, namespace);
  return scanned(core, { kind, prefix, filter, limit: 0, start: undefined, revision: undefined }, namespace);
}

function checkListOptions(query: URLSearchParams, start: Continuation | undefined): void {
  if (query.has('sendInitialEvents')) {
    throw invalidListOptions([fieldError.forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list')]);
  }
  const revision = query.get('resourceVersion') ?? '';
  if (start !== undefined && revision !== '' && revision !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  if (start !== undefined && (query.get('resourceVersionMatch') ?? '') !== '') {
    throw invalidListOptions([fieldError.forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided')]);
  }
}

/** What a list request asks for, checked; waits when it asks for the future. */
async function listPage(core: Core, call: Call, kind: AnyKind): Promise<Page> {
  const { query, info } = call;
  const limit = readLimit(query);
  const token = query.get('continue') ?? '';
  const start = token === '' ? undefined : decodeContinue(token);
  checkListOptions(query, start);
  const wanted = start === undefined ? listRevision(query, limit > 0) : { match: 'exact' as const, revision: start.revision ?? 0 };
  const namespace = kind.namespaced ? info.namespace : '';
  const prefix = core.registry.storagePrefix(kind, namespace);
  const filter = filterOf(kind, query, info.name);
  const revision = wanted.match === 'exact' && wanted.revision > 0 ? wanted.revision : undefined;
  if (wanted.revision > core.store.currentRevision) {
    await awaitRevision(core.store, wanted.revision);
  }
  try {
    return await scanned(core, { kind, prefix, filter, limit, start, revision }, namespace);
  } catch (error) {
    if (!(error instanceof CompactedError)) {
      throw error;
    }
    throw start === undefined ? listTooOld() : expiredContinue(start.after);
  }
}

/** list: a snapshot, whole or in pages that `continue` strings together. */
export async function list(core: Core, call: Call, kind: AnyKind): Promise<Answer> {
  const page = await listPage(core, call, kind);
  const prefix = core.registry.storagePrefix(kind, kind.namespaced ? call.info.namespace : '');
  const meta: ListMeta = { resourceVersion: String(page.revision) };
  if (page.last !== undefined) {
    meta.continue = encodeContinue({ after: page.last.slice(prefix.length), revision: page.revision });
    if (page.remaining !== undefined) {
      meta.remainingItemCount = page.remaining;
    }
  }
  return { type: 'list', kind, items: page.items, meta };
}
