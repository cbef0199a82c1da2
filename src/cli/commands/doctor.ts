/** `telar doctor`: what the machine has, what that is for, and how to get what is missing. Exit code 1 when something is missing. */
import type { Command } from 'commander';
import { advice, examine, findingLine } from '../doctor/examine.ts';
import { dataDirOf } from '../instance/record.ts';
import { text } from '../messages/index.ts';
import type { Wiring } from '../wiring.ts';

const EXIT_MISSING = 1;

interface DoctorFlags {
  dataDir?: string;
  fix?: boolean;
  yes?: boolean;
  json?: boolean;
}

export function addDoctor(program: Command, wiring: Wiring): void {
  program.command('doctor').description(text('doctor.description'))
    .option('--data-dir <dir>', text('option.dataDir'))
    .option('--fix', text('doctor.option.fix'))
    .option('-y, --yes', text('option.yes'))
    .option('--json', text('doctor.option.json'))
    .action(async (flags: DoctorFlags) => {
      const json = flags.json === true;
      const findings = await examine(wiring, {
        dataDir: dataDirOf(flags.dataDir), fix: flags.fix === true, yes: flags.yes === true,
        show: (finding) => {
          if (!json) {
            process.stdout.write(`${findingLine(finding, process.stdout.isTTY)}\n`);
          }
        },
      });
      const healthy = findings.every(({ status }) => status !== 'missing');
      process.exitCode = healthy ? 0 : EXIT_MISSING;
      if (json) {
        process.stdout.write(`${JSON.stringify({ ok: healthy, probes: findings }, null, 2)}\n`);
        return;
      }
      const closing = healthy ? text('doctor.allGood') : advice(findings);
      process.stdout.write(closing === '' ? '' : `\n${closing}\n`);
    });
}
