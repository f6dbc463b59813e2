import { Command } from 'commander';
import { parsePositive } from '../shared/flags.js';
import type { ReportFlags } from './print-report.js';

export function evalReportCommand(): Command {
  return new Command('report')
    .description('score a folder of results again and print the table')
    .argument('<results>', 'folder that eval run wrote')
    .option('--html [file]', 'also a page with charts and samples (default: report.html there)')
    .option('--data <folder>', "the dataset's folder, for the samples' pictures on the page")
    .option('--media <folder>', "pictures, if not in the dataset's folder")
    .option('--samples <n>', 'samples of each benchmark on the page', parsePositive, 300)
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      '\nAlso writes report.json, report.md and submission files into the folder.',
    )
    .action(async (dir: string, flags: ReportFlags) => {
      const { printReport } = await import('./print-report.js');
      const { interruptible } = await import('../shared/interrupt.js');
      await interruptible((signal) => printReport(dir, flags, signal));
    });
}
