/** The files that benchmarks' own servers score, from what a folder of results holds. */
import { readAnswers } from './answers.js';
import type { Answered, Benchmark, SubmissionFile } from './benchmark.js';
import { answersPath, type Manifest } from './results.js';
import { keyOf } from './select.js';
import { answeredOf } from './tally.js';

/** @returns one file per part that has answers @throws ERR_EVAL_RESULTS */
export async function makeSubmissions(
  dir: string,
  benchmark: Benchmark,
  { rules }: Pick<Manifest, 'rules'>,
): Promise<SubmissionFile[]> {
  const { submission } = benchmark;
  if (!submission) return [];
  const files: SubmissionFile[] = [];
  for (const part of submission.parts) {
    const answers = await answersOfPart(answersPath(dir, benchmark.name), part);
    if (answers.length > 0) files.push(submission.write(answers, { part, rules }));
  }
  return files;
}

/** In the order of the data, which runs under way at a time do not keep. */
async function answersOfPart(path: string, part: string): Promise<Answered[]> {
  const answers = new Map<string, { index: number; answered: Answered }>();
  for await (const record of readAnswers(path))
    if (record.part === part && record.answer !== undefined)
      answers.set(keyOf(record), { index: record.index, answered: answeredOf(record) });
  const sorted = [...answers.values()].sort((a, b) => a.index - b.index);
  return sorted.map(({ answered }) => answered);
}
