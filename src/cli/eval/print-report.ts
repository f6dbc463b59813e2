/** Scores a folder of results, writes the report into it and prints it: the end of several subcommands. */
import { join } from 'node:path';
import { makeReport, type Report } from '../../eval/report.js';
import { reportTable } from '../../eval/report-text.js';
import { writeReport } from '../../eval/write-report.js';
import { writeWhole } from '../../files/whole-file.js';

export interface ReportFlags {
  json?: true;
  html?: string | true;
  data?: string;
  media?: string;
  samples?: number;
}

/** @throws ERR_EVAL_RESULTS, ERR_EVAL_DATA, ERR_WRITE, signal.reason */
export async function printReport(
  dir: string,
  flags: ReportFlags,
  signal: AbortSignal,
): Promise<void> {
  const report = await makeReport(dir);
  const submissions = await writeReport(dir, report);
  if (flags.html) await writePage(dir, report, { ...flags, signal });
  process.stdout.write(flags.json ? `${JSON.stringify(report)}\n` : reportTable(report));
  for (const path of submissions) process.stderr.write(`Submission: ${path}\n`);
}

async function writePage(
  dir: string,
  report: Report,
  { html, samples: limit = 300, data, media, signal }: ReportFlags & { signal: AbortSignal },
): Promise<void> {
  const { reportHtml } = await import('../../eval/html/report-html.js');
  const path = typeof html === 'string' ? html : join(dir, 'report.html');
  await writeWhole(path, await reportHtml(dir, report, { limit, data, media, signal }));
}
