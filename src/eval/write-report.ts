/** Puts a report beside the results it is of: report.json, report.md, and NAME/ with the files for benchmarks' servers. */
import { join } from 'node:path';
import { writeWhole } from '../files/whole-file.js';
import { benchmarks } from './benchmarks/index.js';
import type { Report } from './report.js';
import { reportMarkdown } from './report-text.js';
import { readManifest } from './results.js';
import { makeSubmissions } from './submissions.js';

/** @returns paths of submission files @throws ERR_WRITE, ERR_EVAL_RESULTS */
export async function writeReport(dir: string, report: Report): Promise<string[]> {
  await writeWhole(join(dir, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
  await writeWhole(join(dir, 'report.md'), reportMarkdown(report));
  const manifest = await readManifest(dir);
  const paths: string[] = [];
  for (const benchmark of benchmarks.filter(({ name }) => manifest.benchmarks[name]))
    for (const { name, content } of await makeSubmissions(dir, benchmark, manifest)) {
      const path = join(dir, benchmark.name, name);
      await writeWhole(path, content);
      paths.push(path);
    }
  return paths;
}
