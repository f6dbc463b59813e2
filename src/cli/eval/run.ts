/** `eval run`: its options. What it does is in run-benchmarks.ts, loaded only then: help need not wait for it. */
import { Command, Option } from 'commander';
import {
  collect,
  parseConcurrency,
  parseCount,
  parsePositive,
  reportUsage,
} from '../shared/flags.js';
import { interruptible } from '../shared/interrupt.js';
import { addAskerOptions } from './asker.js';
import type { EvalRunFlags } from './run-benchmarks.js';

const EXAMPLES = `
Examples:
  $ llava-onevision eval run 0.5b-ov ai2d --data datasets --out results
  $ llava-onevision eval run 7b-ov:q8_0 mme-perception --data MME --out results --limit 200 --shuffle --seed 1
  $ llava-onevision eval run docvqa --subset test --data datasets --out results \\
      --endpoint http://localhost:8080/v1 --endpoint-model ov

Answers are appended to RESULTS/NAME/answers.jsonl as they come: after an interruption the same command goes on.
The table goes to stdout; report.json, report.md and submission files into the folder.`;

export function evalRunCommand(): Command {
  const command = new Command('run')
    .description('ask and score benchmarks')
    .usage('MODEL NAME... --data FOLDER --out FOLDER [options]')
    .argument(
      '<words...>',
      'the model, then benchmarks or rows of the card as eval list shows them',
    )
    .requiredOption('--data <folder>', "the dataset's folder, or one that holds several")
    .requiredOption('--out <folder>', 'results; one folder per model and rules')
    .option('--media <folder>', "clips and pictures, if not in the dataset's folder")
    .addOption(
      new Option('--rules <version>', "lmms-eval's: the card's week or newer")
        .choices(['v0.2.2', 'HEAD'])
        .default('v0.2.2'),
    )
    .option('--limit <n>', 'only n samples (more if they are scored in pairs)', parsePositive)
    .option('--shuffle', 'take these at random')
    .option('--seed <n>', 'of the shuffle (default: 0)', parseCount)
    .option('--subset <name>', 'part or category (repeatable; all for every part)', collect)
    .option('--concurrency <n>', 'questions under way at a time', parseConcurrency, 4)
    .option('--retry-errors', 'ask again what failed before')
    .option('--json', 'print the report as JSON');
  return addAskerOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (names: string[], flags: EvalRunFlags) => {
      try {
        const { runEval } = await import('./run-benchmarks.js');
        await interruptible((signal) => runEval(names, flags, { command, signal }));
      } catch (error) {
        reportUsage(error, command);
        throw error;
      }
    });
}
