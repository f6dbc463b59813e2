/** `eval judge`: the two stages after generation of the rows that a language model judges. */
import { openData } from '../../eval/data/open-data.js';
import {
  askJudge,
  importReplies,
  type JudgeOptions,
  pendingRequests,
  writeRequests,
} from '../../eval/judge/judge.js';
import { type JudgeImages, judgeImages } from '../../eval/judge/judge-images.js';
import { type NamedBenchmark, namedBenchmarks } from '../../eval/named-benchmarks.js';
import { lockResults, type Manifest, readManifest } from '../../eval/results.js';
import { createProgress } from '../shared/progress.js';
import { printReport } from './print-report.js';

export interface JudgeFlags {
  replies?: string;
  endpoint?: string;
  endpointModel?: string;
  apiKey?: string;
  data?: string;
  media?: string;
  concurrency: number;
  json?: true;
}

type Judging = JudgeFlags & { signal: AbortSignal };

/** @throws ERR_EVAL_RESULTS, ERR_EVAL_DATA, ERR_ENDPOINT, ERR_WRITE, ERR_INVALID_ARGUMENT, the signal's reason */
export async function judgeResults(dir: string, names: string[], flags: Judging): Promise<void> {
  const manifest = await readManifest(dir);
  const unlock = await lockResults(dir);
  try {
    for (const named of judged(manifest, names)) await judgeOne(dir, named, { manifest, flags });
    await printReport(dir, flags.json ? { json: true } : {}, flags.signal);
  } finally {
    await unlock();
  }
}

function judged(manifest: Manifest, names: string[]): NamedBenchmark[] {
  const own = names.length > 0 ? names : Object.keys(manifest.benchmarks);
  return namedBenchmarks(own).filter(
    ({ benchmark }) => benchmark.judge && manifest.benchmarks[benchmark.name],
  );
}

async function judgeOne(
  dir: string,
  { benchmark }: NamedBenchmark,
  { manifest, flags }: { manifest: Manifest; flags: Judging },
): Promise<void> {
  const options: JudgeOptions = { dir, benchmark, rules: manifest.rules };
  const { replies, signal } = flags;
  if (replies !== undefined) {
    const { taken, unknown } = await importReplies(options, replies);
    const rest = unknown > 0 ? `, ${unknown} lines answer no request of it` : '';
    process.stderr.write(`${benchmark.name}: ${taken} replies taken in${rest}\n`);
  }
  const pending = await pendingRequests(options);
  const hasImages = pending.some((request) => request.hasImages);
  const { subset } = manifest.benchmarks[benchmark.name]!.selection;
  await using data =
    hasImages && flags.data !== undefined
      ? await openData(benchmark, { data: flags.data, media: flags.media, subset })
      : null;
  const images = data ? await judgeImages(dir, benchmark, { data, ...manifest }) : undefined;
  if (flags.endpoint === undefined) await write(options, images);
  else await ask(options, images, flags, signal);
}

async function write(options: JudgeOptions, images: JudgeImages | undefined): Promise<void> {
  const pending = await pendingRequests(options);
  const path = await writeRequests(options, pending, images);
  const missing = pending.some(({ hasImages }) => hasImages) && !images;
  const note = missing ? ' without their pictures, which need --data' : '';
  process.stderr.write(`${options.benchmark.name}: ${pending.length} requests in ${path}${note}\n`);
}

async function ask(
  options: JudgeOptions,
  images: JudgeImages | undefined,
  { endpoint, endpointModel, apiKey, concurrency }: Judging,
  signal: AbortSignal,
): Promise<void> {
  const bar = createProgress(`Judging ${options.benchmark.name}`);
  const api = { url: endpoint!, model: endpointModel!, apiKey };
  const onProgress = (done: number, total: number) =>
    bar.update(done / total, `${done} of ${total}`);
  await askJudge({
    ...options,
    api,
    concurrency,
    signal,
    onProgress,
    ...(images && { images }),
  }).finally(bar.stop);
}
