/** What the page shows of single samples: the worst first, with small copies of their pictures where the data is at hand. */
import { LlavaError } from '../../errors.js';
import { pictureUrl } from '../../media/drawing.js';
import { DEFAULT_MAX_PIXELS, type ImageSource, openImage } from '../../media/image.js';
import { type AnswerRecord, readAnswers } from '../answers.js';
import type { Benchmark } from '../benchmark.js';
import { findImages, presentImages } from '../data/media.js';
import { type OpenData, openData } from '../data/open-data.js';
import { readTally } from '../report.js';
import { answersPath, type Manifest } from '../results.js';
import { hashPrompt, keyOf } from '../select.js';
import type { Entry } from '../tally.js';

export interface ShownSample {
  benchmark: string;
  id: string;
  category: string;
  prompt: string;
  answer: string;
  gold: string;
  /** Null: not answered, or not scored. */
  score: number | null;
  /** Why there is no score. */
  problem: string;
  /** data: URLs. */
  pictures: string[];
}

export interface SampleOptions {
  /** Of each benchmark. */
  limit: number;
  /** The dataset's folder, for pictures. */
  data?: string | undefined;
  media?: string | undefined;
  signal: AbortSignal;
}

const MAX_PICTURES = 4;
const BOX = { width: 160, height: 160 };

/** @returns the samples, and how many there are in all @throws ERR_EVAL_RESULTS, ERR_EVAL_DATA, signal.reason */
export async function shownSamples(
  dir: string,
  benchmark: Benchmark,
  { manifest, limit, data, media, signal }: SampleOptions & { manifest: Manifest },
): Promise<{ samples: ShownSample[]; total: number }> {
  const { entries } = await readTally(dir, benchmark, manifest);
  const worst = [...entries.values()].sort((a, b) => rank(a) - rank(b)).slice(0, limit);
  const wanted = new Map(worst.map((entry) => [keyOf(entry), entry]));
  const records = new Map<string, AnswerRecord>();
  for await (const record of readAnswers(answersPath(dir, benchmark.name)))
    if (wanted.has(keyOf(record))) records.set(keyOf(record), record);
  const subset = manifest.benchmarks[benchmark.name]?.selection.subset;
  const opened = data === undefined ? null : await openData(benchmark, { data, media, subset });
  const samples: ShownSample[] = [];
  try {
    for (const [key, entry] of wanted) {
      signal.throwIfAborted();
      const record = records.get(key)!;
      const pictures = opened ? await picturesOf(record, benchmark, { opened, manifest }) : [];
      samples.push({ ...shown(record, entry, benchmark), pictures });
    }
  } finally {
    await opened?.close();
  }
  return { samples, total: entries.size };
}

/** Failures, then scores from the lowest, then what has none. */
function rank({ error, scored }: Entry): number {
  if (error) return Number.NEGATIVE_INFINITY;
  return scored ? scored.score : Number.MAX_VALUE;
}

function shown(
  { id, part, category = '', prompt, answer = '', gold, error }: AnswerRecord,
  { scored, unscored }: Entry,
  { name, data }: Benchmark,
): Omit<ShownSample, 'pictures'> {
  return {
    benchmark: name,
    id: data.parts.length > 1 ? `${part}/${id}` : id,
    ...{ category, prompt, answer },
    gold: gold === undefined ? '' : typeof gold === 'string' ? gold : JSON.stringify(gold),
    score: scored?.score ?? null,
    problem: error ? `${error.code}: ${error.message}` : (unscored ?? ''),
  };
}

/** None where the data has changed, or does not have them. */
async function picturesOf(
  { part, index, promptHash }: AnswerRecord,
  benchmark: Benchmark,
  { opened, manifest: { rules } }: { opened: OpenData; manifest: Manifest },
): Promise<string[]> {
  const open = opened.list.find((each) => each.part.name === part);
  if (!open || index >= open.table.rows) return [];
  const sample = benchmark.sample(await open.table.row(index), { part, rules, index });
  if (!sample || hashPrompt(sample) !== promptHash) return [];
  const values = presentImages([presentImages(sample.images), presentImages([sample.frames])]);
  const urls: string[] = [];
  for (const value of values.slice(0, MAX_PICTURES)) {
    try {
      const [source] = await findImages([value], open.folders);
      urls.push(await smallCopy(source!));
    } catch (error) {
      if (!(error instanceof LlavaError)) throw error;
    }
  }
  return urls;
}

async function smallCopy(source: ImageSource): Promise<string> {
  const image = await openImage(source, { maxPixels: DEFAULT_MAX_PIXELS, autoOrient: true });
  return pictureUrl(await image.decode(), BOX);
}
