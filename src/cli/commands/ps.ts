/** `telar ps`: virtual machines, Deployments, Jobs and lone pods in one table. */
import { setTimeout as sleep } from 'node:timers/promises';
import { InvalidArgumentError, type Command } from 'commander';
import type { KubeObject } from '../../apimachinery/object.ts';
import type { Resource } from '../../client/resource.ts';
import { PODS, VIRTUALMACHINES } from '../../client/resources.ts';
import { text } from '../messages/index.ts';
import { readEstate, type Scope } from '../ps/estate.ts';
import { printRows } from '../ps/print.ts';
import { rowsOf, type Row } from '../ps/rows.ts';
import { withServer, type Server } from '../server.ts';

const FORMATS = ['wide', 'json'];
/** While watching: never more often than this, and at least this often for usage, milliseconds. */
const REDRAW_MIN_MS = 500;
const REDRAW_MAX_MS = 5_000;
const CLEAR = '\u001b[H\u001b[2J';

interface PsFlags {
  dataDir?: string;
  namespace: string;
  allNamespaces?: boolean;
  watch?: boolean;
  output?: string;
}

function formatOf(value: string): string {
  if (!FORMATS.includes(value)) {
    throw new InvalidArgumentError(text('option.output', { formats: FORMATS.join(', ') }));
  }
  return value;
}

const scopeOf = (flags: PsFlags): Scope => (flags.allNamespaces === true ? {} : { namespace: flags.namespace });

function render(rows: readonly Row[], flags: PsFlags): string {
  if (flags.output === 'json') {
    return `${JSON.stringify({ items: rows }, null, 2)}\n`;
  }
  if (rows.length === 0) {
    return `${flags.allNamespaces === true ? text('ps.none') : text('ps.noneIn', { namespace: flags.namespace })}\n`;
  }
  const table = printRows(rows, { allNamespaces: flags.allNamespaces === true, wide: flags.output === 'wide', now: Date.now() });
  return table.endsWith('\n') ? table : `${table}\n`;
}

/** Resolves at the first event of a resource; quietly when `signal` ends the wait. */
async function firstEvent<T extends KubeObject>(server: Server, resource: Resource<T>, scope: Scope, signal: AbortSignal): Promise<void> {
  try {
    const { metadata } = await server.client.list(resource, { ...scope, limit: 1, signal });
    for await (const event of server.client.watch(resource, { ...scope, resourceVersion: metadata.resourceVersion ?? '0', signal })) {
      if (event.type !== 'BOOKMARK') {
        return;
      }
    }
  } catch (error) {
    if (!signal.aborted) {
      throw error;
    }
  }
}

/** Resolves at the next change of a pod or virtual machine, or when the usage is worth another look. */
async function nextChange(server: Server, scope: Scope): Promise<void> {
  const stop = new AbortController();
  const waits = [firstEvent(server, PODS, scope, stop.signal), firstEvent(server, VIRTUALMACHINES, scope, stop.signal)];
  const timer = sleep(REDRAW_MAX_MS, undefined, { signal: stop.signal }).catch((error: unknown) => {
    if (!stop.signal.aborted) {
      throw error;
    }
  });
  try {
    await Promise.race([timer, ...waits]);
  } finally {
    stop.abort();
  }
  await Promise.all([timer, ...waits]);
}

export function addPs(program: Command): void {
  program.command('ps').description(text('ps.description'))
    .option('--data-dir <dir>', text('option.dataDir'))
    .option('-n, --namespace <namespace>', text('ps.option.namespace'), 'default')
    .option('-A, --all-namespaces', text('ps.option.all'))
    .option('-w, --watch', text('ps.option.watch'))
    .option('-o, --output <format>', text('option.output', { formats: FORMATS.join(', ') }), formatOf)
    .action(async (flags: PsFlags) => withServer(flags.dataDir, async (server) => {
      const scope = scopeOf(flags);
      for (;;) {
        const output = render(rowsOf(await readEstate(server, scope)), flags);
        if (flags.watch !== true) {
          process.stdout.write(output);
          return;
        }
        process.stdout.write(process.stdout.isTTY ? `${CLEAR}${output}` : `${output}\n`);
        await Promise.all([nextChange(server, scope), sleep(REDRAW_MIN_MS)]);
      }
    }));
}
