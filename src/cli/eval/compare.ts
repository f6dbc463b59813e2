import { Command } from 'commander';
import type { ComparedRow, Comparison } from '../../eval/compare.js';
import { formatInterval, signed } from '../../eval/report-text.js';

const EXAMPLES = `
Examples:
  $ llava-onevision eval compare results-f16 results-q4_k_m
  $ llava-onevision eval compare results-f16 results-q4_k_m --samples

The difference is B - A over the samples that both have scored, with its 95 % interval from the pairs.`;

export function evalCompareCommand(): Command {
  return new Command('compare')
    .description('compare two folders of results sample by sample')
    .argument('<a>', 'results of the first model')
    .argument('<b>', 'results of the second model')
    .option('--samples', 'print every sample whose answer or score changed')
    .option('--json', 'print everything as JSON, changed samples included')
    .addHelpText('after', EXAMPLES)
    .action(async (a: string, b: string, flags: { samples?: true; json?: true }) => {
      // Imported here so that help and usage errors do not wait for it.
      const { compareResults } = await import('../../eval/compare.js');
      const comparison = await compareResults([a, b]);
      process.stdout.write(
        flags.json
          ? `${JSON.stringify(comparison)}\n`
          : describe(comparison, flags.samples === true),
      );
    });
}

function describe({ a, b, rows }: Comparison, withSamples: boolean): string {
  const blocks = rows.map((row) => describeRow(row) + (withSamples ? describeChanges(row) : ''));
  return `A  ${a}\nB  ${b}\n${blocks.join('')}`;
}

function describeRow(row: ComparedRow): string {
  const { title, a, b, difference, interval, digits, samples } = row;
  if (a === null || b === null || difference === null)
    return `${title}: no sample has a score in both\n`;
  const range = interval ? ` (95 %: ${formatInterval(interval, digits + 1)})` : '';
  const others = row.otherQuestions > 0 ? `, ${row.otherQuestions} left out: other questions` : '';
  return (
    `${title}: A ${a.toFixed(digits)}, B ${b.toFixed(digits)}, difference ${signed(difference, digits + 1)}${range}; ` +
    `${samples} samples, ${row.better} better, ${row.worse} worse, ${row.changedAnswers} answered otherwise${others}\n`
  );
}

function describeChanges({ changes }: ComparedRow): string {
  return changes
    .map(({ part, id, gold, answers: [a, b], scores }) => {
      const [before, after] = scores.map((score) => (score === null ? '-' : String(score)));
      const texts = `A ${JSON.stringify(a)}  B ${JSON.stringify(b)}`;
      return `  ${part}/${id}  ${before} -> ${after}  ${texts}  gold ${JSON.stringify(gold)}\n`;
    })
    .join('');
}
