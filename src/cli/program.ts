/** The command line: one file per command; here only their list. */
import { join } from 'node:path';
import { Command } from 'commander';
import { PACKAGE_ROOT, packageVersion } from '../addon/package-root.js';
import { batchCommand } from './batch.js';
import { benchCommand } from './bench.js';
import { buildCommand } from './build.js';
import { chatCommand } from './chat.js';
import { completeCommand, completionCommand } from './completion.js';
import { convertCommand } from './convert.js';
import { doctorCommand } from './doctor.js';
import { evalCommand } from './eval.js';
import { inspectCommand } from './inspect.js';
import { modelsCommand } from './models.js';
import { pullCommand } from './pull.js';
import { quantizeCommand } from './quantize.js';
import { runCommand } from './run.js';
import { schemaCommand } from './schema.js';
import { serveCommand } from './serve.js';
import { silenceProgress } from './shared/progress.js';
import { explainUnknownCommand } from './shared/unknown-command.js';
import { complainOfUnknownFirst } from './shared/unknown-first.js';
import { verifyCommand } from './verify.js';

const DESCRIPTION =
  'Runs LLaVA-OneVision on your own machine. A model is named (0.5b-ov, 7b-ov, …, demo; a file, a folder or a repository of the hub): ' +
  'what is not there yet is downloaded and converted once. Progress goes to stderr, results to stdout.';

const EXAMPLES = `
Examples:
  $ llava-onevision chat demo
  $ llava-onevision run 0.5b-ov photo.jpg "What is shown in this image?"
  $ llava-onevision batch 7b-ov --input 'photos/*.jpg' --prompt "Describe it." --out captions.jsonl

Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted.`;

/** Where a command is explained. */
function docsOf(name: string): string {
  return `\nMore: ${join(PACKAGE_ROOT, 'docs', 'cli.md')}#${name}`;
}

/** @param onCommand is told which one is about to run */
export function createProgram(onCommand: (command: Command) => void = () => {}): Command {
  const program = new Command('llava-onevision')
    .description(DESCRIPTION)
    .version(packageVersion(), '-V, --version')
    .option('--quiet', 'no progress on stderr, whatever the command')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', `${EXAMPLES}${docsOf('the-command-line')}`)
    .showHelpAfterError('(--help shows the options)')
    .exitOverride();
  const commands = [
    runCommand(),
    chatCommand(),
    serveCommand(),
    batchCommand(),
    modelsCommand(),
    pullCommand(),
    convertCommand(),
    quantizeCommand(),
    schemaCommand(),
    inspectCommand(),
    verifyCommand(),
    doctorCommand(),
    benchCommand(),
    buildCommand(),
    evalCommand(),
    completionCommand(),
  ];
  explainUnknownCommand(program);
  program.addCommand(completeCommand(program), { hidden: true });
  for (const command of commands) {
    program.addCommand(command.copyInheritedSettings(program));
    command.addHelpText('after', docsOf(command.name()));
    for (const sub of command.commands) sub.copyInheritedSettings(command);
    for (const each of [command, ...command.commands]) complainOfUnknownFirst(each);
  }
  return program.hook('preAction', (_, command) => {
    onCommand(command);
    if (program.opts().quiet) silenceProgress();
  });
}
