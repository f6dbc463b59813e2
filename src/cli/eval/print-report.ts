/** Scores a folder of results, writes the report into it and prints it: the end of several subcommands. */
import { makeReport } from '../../eval/report.js';
import { reportTable } from '../../eval/report-text.js';
import { writeReport } from '../../eval/write-report.js';

/** @throws ERR_EVAL_RESULTS, ERR_WRITE */
export async function printReport(dir: string, asJson: boolean): Promise<void> {
  const report = await makeReport(dir);
  const submissions = await writeReport(dir, report);
  process.stdout.write(asJson ? `${JSON.stringify(report)}\n` : reportTable(report));
  for (const path of submissions) process.stderr.write(`Submission: ${path}\n`);
}
