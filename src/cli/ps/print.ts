/** Rows for a terminal and for programs. */
import { formatBytes } from '../../apimachinery/quantity.ts';
import { humanDuration, renderTable } from '../../apimachinery/tables.ts';
import type { Row } from './rows.ts';

export interface PrintOptions {
  allNamespaces: boolean;
  wide: boolean;
  /** Milliseconds, for ages. */
  now: number;
}

const MISSING = '-';

const cores = (value: number): string => (value < 10 ? value.toFixed(2) : value.toFixed(1));
const bytes = (value: number): string => (value === 0 ? MISSING : formatBytes(value));
const used = (value: number | null, show: (value: number) => string): string => (value === null ? MISSING : show(value));

/** The first address, and how many more there are unless all are wanted. */
function addresses(list: readonly string[], wide: boolean): string {
  const [first] = list;
  if (first === undefined) {
    return MISSING;
  }
  return wide ? list.join(',') : list.length === 1 ? first : `${first} +${list.length - 1}`;
}

interface PsColumn {
  header: string;
  shown: (options: PrintOptions) => boolean;
  cell: (row: Row, options: PrintOptions) => string;
}

const always = (): boolean => true;
const COLUMNS: readonly PsColumn[] = [
  { header: 'NAMESPACE', shown: ({ allNamespaces }) => allNamespaces, cell: ({ namespace }) => namespace },
  { header: 'NAME', shown: always, cell: ({ name }) => name },
  { header: 'KIND', shown: always, cell: ({ kind }) => kind },
  { header: 'STATUS', shown: always, cell: ({ status }) => status },
  { header: 'READY', shown: always, cell: ({ ready }) => ready },
  { header: 'RESTARTS', shown: always, cell: ({ restarts }) => String(restarts) },
  { header: 'CPU', shown: always, cell: ({ cpu }) => used(cpu, cores) },
  { header: 'MEMORY', shown: always, cell: ({ memory, memoryAsked }) => `${used(memory, bytes)}/${bytes(memoryAsked)}` },
  { header: 'ADDRESS', shown: always, cell: (row, { wide }) => addresses(row.addresses, wide) },
  { header: 'AGE', shown: always, cell: ({ created }, { now }) => (created === '' ? MISSING : humanDuration(now - Date.parse(created))) },
  { header: 'CPU ASKED', shown: ({ wide }) => wide, cell: ({ cpuAsked }) => (cpuAsked === 0 ? MISSING : cores(cpuAsked)) },
  { header: 'NODE', shown: ({ wide }) => wide, cell: ({ nodes }) => nodes.join(',') || MISSING },
];

export function printRows(rows: readonly Row[], options: PrintOptions): string {
  const columns = COLUMNS.filter(({ shown }) => shown(options));
  return renderTable(columns.map(({ header }) => header), rows.map((row) => columns.map(({ cell }) => cell(row, options))));
}
