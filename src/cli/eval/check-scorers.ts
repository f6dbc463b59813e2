import { Command } from 'commander';
import type { CheckFailure, CheckReport } from '../../eval/check-scorers.js';

const EXAMPLES = `
Examples:
  $ llava-onevision eval check-scorers scorer-vectors.json
  $ llava-onevision eval check-scorers scorer-vectors.json --json

The file is a list of { family, task, variant, prediction, reference, expected }. Vectors whose expected value is
"RANDOM" are skipped. Ends with status 1 when one fails.`;

export function evalCheckScorersCommand(): Command {
  return new Command('check-scorers')
    .description('run cases of the reference harness through the scorers and prompts of eval')
    .argument('<file>', 'the vectors, a JSON file')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, { json }: { json?: true }) => {
      const { checkScorers } = await import('../../eval/check-scorers.js');
      const report = await checkScorers(file);
      process.stdout.write(json ? `${JSON.stringify(report)}\n` : describe(report));
      if (report.failed > 0) process.exitCode = 1;
    });
}

function describe({ passed, failed, skipped, failures }: CheckReport): string {
  return `${failures.map(describeFailure).join('')}${passed} passed, ${failed} failed, ${skipped} skipped\n`;
}

function describeFailure(failure: CheckFailure): string {
  const { index, family, task, variant, prediction, expected, actual, error } = failure;
  const got = error ?? `got ${JSON.stringify(actual)}`;
  return (
    `vector ${index}: ${family} ${task} ${variant}\n` +
    `  prediction ${JSON.stringify(prediction)}\n` +
    `  expected ${JSON.stringify(expected)}, ${got}\n`
  );
}
