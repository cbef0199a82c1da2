/** Priority levels in `/metrics`, under kube-apiserver's names. Levels without limits are not counted. */
import type { Exposition } from '../paths/exposition.ts';
import type { LevelCounts } from './level.ts';

interface Family {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly value: (counts: LevelCounts) => number;
}

const FAMILIES: readonly Family[] = [
  { name: 'apiserver_flowcontrol_nominal_limit_seats', type: 'gauge', help: 'Requests of a priority level that may be under way.', value: ({ seats }) => seats },
  { name: 'apiserver_flowcontrol_current_executing_requests', type: 'gauge', help: 'Requests of a priority level under way.', value: ({ executing }) => executing },
  { name: 'apiserver_flowcontrol_current_inqueue_requests', type: 'gauge', help: 'Requests of a priority level that wait for their turn.', value: ({ waiting }) => waiting },
  { name: 'apiserver_flowcontrol_dispatched_requests_total', type: 'counter', help: 'Requests begun, since the configuration of levels last changed.',
    value: ({ dispatched }) => dispatched },
  { name: 'apiserver_flowcontrol_rejected_requests_total', type: 'counter', help: 'Requests refused because too many waited, or too long, since the configuration of levels last changed.',
    value: ({ rejected }) => rejected },
];

export function writeLevels(levels: readonly LevelCounts[], out: Exposition): void {
  for (const { name, type, help, value } of FAMILIES) {
    out.family(name, type, help);
    for (const counts of levels) {
      out.sample(name, { priority_level: counts.name }, value(counts));
    }
  }
}
