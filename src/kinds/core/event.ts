import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { column, NAME, since, UNKNOWN, wide } from '../columns.ts';
import type { Event } from '../generated/core.ts';
import { defineKind, type Column } from '../kind.ts';

const firstSeen = (event: Event, now: number): string => since(event.firstTimestamp ?? event.eventTime, now);

function lastSeen(event: Event, now: number): string {
  const last = since(event.series?.lastObservedTime ?? event.lastTimestamp, now);
  return last === UNKNOWN ? firstSeen(event, now) : last;
}

function subject({ involvedObject: { kind = '', name } }: Event): string {
  return name ? `${kind.toLowerCase()}/${name}` : kind.toLowerCase();
}

function source(event: Event): string {
  const component = event.source?.component || event.reportingComponent || '';
  const where = event.source?.component ? event.source.host : event.reportingInstance;
  return where ? `${component}, ${where}` : component;
}

/** The columns of both groups' events, which share their stored form. */
export const EVENT_COLUMNS: readonly Column<Event>[] = [
  column('Last Seen', lastSeen, { description: 'Time of the last occurrence' }),
  column('Type', ({ type }) => type ?? ''),
  column('Reason', ({ reason }) => reason ?? ''),
  column('Object', subject),
  wide('Subobject', ({ involvedObject }) => involvedObject.fieldPath ?? ''),
  wide('Source', source),
  column('Message', ({ message }) => (message ?? '').trim()),
  wide('First Seen', firstSeen),
  wide('Count', ({ series, count }) => series?.count ?? (count || 1)),
  { ...NAME, priority: 1 },
];

export const EVENT_FIELDS: Readonly<Record<string, (event: Event) => string>> = {
  'involvedObject.kind': ({ involvedObject }) => involvedObject.kind ?? '',
  'involvedObject.namespace': ({ involvedObject }) => involvedObject.namespace ?? '',
  'involvedObject.name': ({ involvedObject }) => involvedObject.name ?? '',
  'involvedObject.uid': ({ involvedObject }) => involvedObject.uid ?? '',
  'involvedObject.apiVersion': ({ involvedObject }) => involvedObject.apiVersion ?? '',
  'involvedObject.resourceVersion': ({ involvedObject }) => involvedObject.resourceVersion ?? '',
  'involvedObject.fieldPath': ({ involvedObject }) => involvedObject.fieldPath ?? '',
  reason: ({ reason }) => reason ?? '',
  reportingComponent: ({ reportingComponent }) => reportingComponent ?? '',
  source: (event) => event.source?.component || event.reportingComponent || '',
  type: ({ type }) => type ?? '',
};

/** An event stands in the namespace of what it is about; those about cluster-scoped objects in `default`. */
export function namespaceErrors(field: string, namespace: string, subjectNamespace: string | undefined): FieldError[] {
  const matches = subjectNamespace ? namespace === subjectNamespace : namespace === '' || namespace === 'default';
  return matches ? [] : [fieldError.invalid(field, subjectNamespace ?? '', 'does not match event.namespace')];
}

export const event = defineKind<Event>({
  group: '', version: 'v1', kind: 'Event', plural: 'events', singular: 'event',
  namespaced: true, type: 'core/v1.Event', origin: 'builtin',
  shortNames: ['ev'],
  columns: EVENT_COLUMNS,
  selectableFields: EVENT_FIELDS,
  rules: {
    generation: false,
    defaults(object) { object.involvedObject ??= {}; },
    validate: ({ metadata, involvedObject }) =>
      namespaceErrors('involvedObject.namespace', metadata.namespace ?? '', involvedObject.namespace),
  },
});
