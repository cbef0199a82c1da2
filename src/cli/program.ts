/** The commands, and what happens when one fails: one sentence, no stack, an exit code that is not 0. */
import { Command, CommanderError } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { StatusError } from '../apimachinery/status.ts';
import { addControllers } from './commands/controllers.ts';
import { addBackup } from './commands/backup.ts';
import { addDemo } from './commands/demo.ts';
import { addDoctor } from './commands/doctor.ts';
import { addDown } from './commands/down.ts';
import { addImages } from './commands/images.ts';
import { addKubeconfig } from './commands/kubeconfig.ts';
import { addPs } from './commands/ps.ts';
import { addNode } from './commands/node.ts';
import { addServer } from './commands/server.ts';
import { addStatus } from './commands/status.ts';
import { addSupport } from './commands/support.ts';
import { addTest } from './commands/test.ts';
import { addUp } from './commands/up.ts';
import { addUser } from './commands/user.ts';
import { CliError } from './errors.ts';
import { text } from './messages/index.ts';
import type { Wiring } from './wiring.ts';

const EXIT_FAILED = 1;
/** Commands that go on when nobody reads what they print. */
const SERVING: readonly string[] = ['up', 'server', 'controllers', 'node'];

export function buildProgram(wiring: Wiring): Command {
  const program = new Command('telar').description(text('program.description')).version(packageJson.version)
    .exitOverride().showHelpAfterError();
  addUp(program, wiring);
  addDown(program, wiring);
  addStatus(program);
  addKubeconfig(program);
  addUser(program, wiring);
  addPs(program);
  addImages(program);
  addDoctor(program, wiring);
  addBackup(program, wiring);
  addSupport(program, wiring);
  addDemo(program, wiring);
  addTest(program, wiring);
  addServer(program, wiring);
  addControllers(program, wiring);
  addNode(program, wiring);
  program.command('version').description(text('version.description')).action(() => {
    process.stdout.write(`telar ${packageJson.version}\n`);
  });
  return program;
}

/** What a person is told of an error. */
function sentence(error: unknown): string {
  if (error instanceof CliError || error instanceof StatusError) {
    return error.message;
  }
  return text('error.unexpected', { why: error instanceof Error ? error.message : String(error) });
}

/** The reader of the output went away (`telar ps -w | head -3`): nobody wants the rest. What serves goes on without it. */
function endWithReader(error: NodeJS.ErrnoException, serves: boolean): void {
  if (error.code !== 'EPIPE') {
    throw error;
  }
  if (!serves) {
    process.exit(0);
  }
}

/** Runs one command line; answers the exit code. */
export async function runProgram(wiring: Wiring, argv: readonly string[]): Promise<number> {
  process.stdout.on('error', (error) => { endWithReader(error, SERVING.includes(argv[2] ?? '')); });
  try {
    await buildProgram(wiring).parseAsync(argv);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has already said what is wrong with the words.
      return error.exitCode;
    }
    process.stderr.write(`telar: ${sentence(error)}\n`);
    if (process.env['TELAR_DEBUG'] === '1' && error instanceof Error) {
      process.stderr.write(`${error.stack ?? ''}\n`);
    }
    return error instanceof CliError ? error.exitCode : EXIT_FAILED;
  }
}
