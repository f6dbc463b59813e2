#!/usr/bin/env node
/** The command line: one file per command; here only their list, and how failures end. */
import { Command, CommanderError } from 'commander';
import { packageVersion } from '../addon/package-root.js';
import { LlavaError } from '../errors.js';
import { batchCommand } from './batch.js';
import { buildCommand } from './build.js';
import { chatCommand } from './chat.js';
import { convertCommand } from './convert.js';
import { doctorCommand } from './doctor.js';
import { evalCommand } from './eval.js';
import { inspectCommand } from './inspect.js';
import { pullCommand } from './pull.js';
import { quantizeCommand } from './quantize.js';
import { runCommand } from './run.js';
import { schemaCommand } from './schema.js';
import { serveCommand } from './serve.js';
import { withFlags } from './shared/flags.js';
import { Interrupted } from './shared/interrupt.js';
import { silenceProgress } from './shared/progress.js';
import { complainOfUnknownFirst } from './shared/unknown-first.js';
import { verifyCommand } from './verify.js';

const DESCRIPTION =
  'Runs LLaVA-OneVision on your own machine. A checkpoint is converted once, into a decoder and a vision file; ' +
  'then questions about pictures are answered from those two. Progress goes to stderr, results to stdout.';

const EXAMPLES = `
Examples:
  $ llava-onevision convert lmms-lab/llava-onevision-qwen2-0.5b-ov --outdir models
  $ llava-onevision run --model models/NAME-f16.gguf --mmproj models/mmproj-NAME-f16.gguf \\
      --image photo.jpg --prompt "What is shown in this image?"

Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted.`;

/** Whose flags an error may name. */
let running: Command | undefined;

function createProgram(): Command {
  const program = new Command('llava-onevision')
    .description(DESCRIPTION)
    .version(packageVersion(), '-V, --version')
    .option('--quiet', 'no progress on stderr, whatever the command')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', EXAMPLES)
    .showHelpAfterError('(--help shows the options)')
    .exitOverride();
  const commands = [
    pullCommand(),
    convertCommand(),
    quantizeCommand(),
    runCommand(),
    chatCommand(),
    serveCommand(),
    batchCommand(),
    schemaCommand(),
    inspectCommand(),
    verifyCommand(),
    doctorCommand(),
    buildCommand(),
    evalCommand(),
  ];
  for (const command of commands) {
    program.addCommand(command.copyInheritedSettings(program));
    for (const sub of command.commands) sub.copyInheritedSettings(command);
    for (const each of [command, ...command.commands]) complainOfUnknownFirst(each);
  }
  return program.hook('preAction', (_, command) => {
    running = command;
    if (program.opts().quiet) silenceProgress();
  });
}

/** Prints what the user needs of a failure and gives the exit status. */
function report(error: unknown): number {
  // Commander has printed its own; help and version end here too, with status 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof Interrupted) return 130;
  const text =
    error instanceof LlavaError
      ? withFlags(error.message, running)
      : ((error as Error)?.stack ?? error);
  process.stderr.write(`${text}\n`);
  return 1;
}

// A reader that has seen enough (`| head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  process.stderr.write(`Cannot write the result to stdout: ${error.message}\n`);
  process.exit(1);
});

try {
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = report(error);
}
