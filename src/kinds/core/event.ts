import type { Event } from '../generated/core.ts';
import { defineKind } from '../kind.ts';

export const event = defineKind<Event>({
  group: '', version: 'v1', kind: 'Event', plural: 'events', singular: 'event',
  namespaced: true, type: 'core/v1.Event', origin: 'builtin',
  shortNames: ['ev'],
  columns: [],
  rules: {},
});
