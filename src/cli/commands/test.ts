/** `telar test`: the tests, in a process of their own. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Option, type Command } from 'commander';
import { ensureMachine, findingLine } from '../doctor/examine.ts';
import { dataDirOf } from '../instance/record.ts';
import { text } from '../messages/index.ts';
import type { Probe, Wiring } from '../wiring.ts';

const RUNNER = fileURLToPath(new URL('../../../scripts/test.ts', import.meta.url));
const PARTS = ['lint', 'types', 'unit', 'conformance', 'e2e'] as const;
/** These need nothing of the machine but Node.js. */
const BARE = new Set<string>(['lint', 'types']);

/** What only the tests need: a program without libraries to make images of. */
const TOOLS: Probe = {
  name: 'test tools', packages: ['busybox-static'],
  run: () => Promise.resolve(existsSync('/bin/busybox') ? { status: 'ok', detail: 'busybox' } : { status: 'missing', detail: 'busybox is not installed' }),
};

interface TestFlags {
  long?: boolean;
  only?: string;
  yes?: boolean;
}

export function addTest(program: Command, wiring: Wiring): void {
  program.command('test').description(text('test.description'))
    .argument('[path...]', text('test.argument.path'))
    .option('--long', text('test.option.long'))
    .addOption(new Option('--only <part>', text('test.option.only', { parts: PARTS.join(', ') })).choices(PARTS))
    .option('-y, --yes', text('option.yes'))
    .action(async (paths: readonly string[], flags: TestFlags) => {
      if (process.getuid?.() === 0 && !BARE.has(flags.only ?? '')) {
        await ensureMachine({ ...wiring, probes: async (target) => [...await wiring.probes(target), TOOLS] }, {
          dataDir: dataDirOf(undefined), yes: flags.yes === true,
          show: (finding) => process.stdout.write(`${findingLine(finding, process.stdout.isTTY)}\n`),
          // The tests choose ports of their own.
        }, ['port']);
      }
      const args = [...(flags.long === true ? ['--long'] : []), ...(flags.only === undefined ? [] : ['--only', flags.only]), ...paths];
      const child = spawn(process.execPath, [...process.execArgv, RUNNER, ...args], { stdio: 'inherit' });
      process.exitCode = await new Promise<number>((resolve, reject) => {
        child.once('error', reject);
        child.once('close', (code) => resolve(code ?? 1));
      });
    });
}
