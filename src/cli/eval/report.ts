import { Command } from 'commander';

export function evalReportCommand(): Command {
  return new Command('report')
    .description('score a folder of results again and print the table')
    .argument('<results>', 'folder that eval run wrote')
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      '\nAlso writes report.json, report.md and submission files into the folder.',
    )
    .action(async (dir: string, { json }: { json?: true }) => {
      const { printReport } = await import('./print-report.js');
      await printReport(dir, json === true);
    });
}
