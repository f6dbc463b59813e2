import { Command } from 'commander';
import type { ListedRow } from '../../eval/list.js';

export function evalListCommand(): Command {
  return new Command('list')
    .description('show the rows of the model card and the files they want')
    .option('--all', 'also benchmarks that are not on the card')
    .option('--json', 'print them as a JSON array')
    .action(async ({ all, json }: { all?: true; json?: true }) => {
      const { listRows } = await import('../../eval/list.js');
      const rows = listRows({ all: all === true });
      process.stdout.write(json ? `${JSON.stringify(rows)}\n` : describe(rows));
    });
}

function describe(rows: readonly ListedRow[]): string {
  const blocks = rows.map(({ name, title, family, samples, judge, card, ...about }) => {
    const score = card === null ? '' : `, card ${card}`;
    const judged = judge === null ? '' : `, judged by ${judge}`;
    const parts = about.parts.length > 1 ? `\n    parts  ${about.parts.join(', ')}` : '';
    const note = about.note === undefined ? '' : `\n    note   ${about.note}`;
    return `${name}: ${title}, ${family}, about ${samples} samples${score}${judged}
    files  ${about.files.join(', ')}
    from   ${about.datasets.join(' or ')}${parts}${note}`;
  });
  return `${blocks.join('\n')}\n`;
}
