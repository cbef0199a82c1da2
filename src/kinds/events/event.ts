import type { KubeObject } from '../../apimachinery/object.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { oneOf, requiredText } from '../checks.ts';
import { column, NAME, since, wide } from '../columns.ts';
import { namespaceErrors } from '../core/event.ts';
import type { Event } from '../generated/events.ts';
import { defineKind } from '../kind.ts';

/** This group's name of a field → the name under which core/v1, whose shape is stored, has it. */
const RENAMED = [
  ['reportingController', 'reportingComponent'], ['regarding', 'involvedObject'], ['note', 'message'], ['deprecatedSource', 'source'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'], ['deprecatedLastTimestamp', 'lastTimestamp'], ['deprecatedCount', 'count'],
] as const;

function renamed(object: KubeObject, names: ReadonlyMap<string, string>, apiVersion: string): KubeObject {
  const entries = Object.entries(object).map(([name, value]: [string, unknown]) => [names.get(name) ?? name, value] as const);
  return { ...Object.fromEntries(entries), apiVersion, kind: 'Event', metadata: object.metadata };
}

const TO_CORE = new Map<string, string>(RENAMED);
const FROM_CORE = new Map<string, string>(RENAMED.map(([ours, core]) => [core, ours]));

const MAX_NOTE = 1024;
const MAX_TEXT = 128;

function validate(event: Event): FieldError[] {
  return [
    ...namespaceErrors('regarding.namespace', event.metadata.namespace ?? '', event.regarding?.namespace),
    ...(event.eventTime ? [] : [fieldError.required('eventTime')]),
    ...requiredText('reportingController', event.reportingController),
    ...requiredText('reportingInstance', event.reportingInstance),
    ...requiredText('action', event.action),
    ...requiredText('reason', event.reason),
    ...((event.reason ?? '').length > MAX_TEXT ? [fieldError.invalid('reason', event.reason, `can have at most ${MAX_TEXT} characters`)] : []),
    ...((event.note ?? '').length > MAX_NOTE ? [fieldError.invalid('message', '', `can have at most ${MAX_NOTE} characters`)] : []),
    ...(event.type ? oneOf('type', event.type, ['Normal', 'Warning']) : [fieldError.invalid('type', '', 'has invalid value: ')]),
  ];
}

const target = ({ regarding: { kind = '', name } = {} }: Event): string => (name ? `${kind.toLowerCase()}/${name}` : kind.toLowerCase());

export const eventV1 = defineKind<Event>({
  group: 'events.k8s.io', version: 'v1', kind: 'Event', plural: 'events', singular: 'event',
  namespaced: true, type: 'events/v1.Event', origin: 'builtin',
  shortNames: ['ev'],
  storedAs: {
    group: '', version: 'v1', plural: 'events',
    encode: (object) => renamed(object, TO_CORE, 'v1'),
    decode: (stored) => renamed(stored, FROM_CORE, 'events.k8s.io/v1'),
  },
  columns: [
    column('Last Seen', (event, now) => since(event.series?.lastObservedTime ?? event.deprecatedLastTimestamp ?? event.eventTime ?? event.deprecatedFirstTimestamp, now)),
    column('Type', ({ type }) => type ?? ''),
    column('Reason', ({ reason }) => reason ?? ''),
    column('Object', target),
    wide('Subobject', ({ regarding }) => regarding?.fieldPath ?? ''),
    wide('Source', (event) => event.deprecatedSource?.component || event.reportingController || ''),
    column('Message', ({ note }) => (note ?? '').trim()),
    wide('First Seen', (event, now) => since(event.deprecatedFirstTimestamp ?? event.eventTime, now)),
    wide('Count', (event) => event.series?.count ?? (event.deprecatedCount || 1)),
    { ...NAME, priority: 1 },
  ],
  selectableFields: {
    'regarding.kind': ({ regarding }) => regarding?.kind ?? '',
    'regarding.namespace': ({ regarding }) => regarding?.namespace ?? '',
    'regarding.name': ({ regarding }) => regarding?.name ?? '',
    'regarding.uid': ({ regarding }) => regarding?.uid ?? '',
    'regarding.apiVersion': ({ regarding }) => regarding?.apiVersion ?? '',
    'regarding.resourceVersion': ({ regarding }) => regarding?.resourceVersion ?? '',
    'regarding.fieldPath': ({ regarding }) => regarding?.fieldPath ?? '',
    reason: ({ reason }) => reason ?? '',
    reportingController: ({ reportingController }) => reportingController ?? '',
    type: ({ type }) => type ?? '',
  },
  rules: { generation: false, validate },
});
