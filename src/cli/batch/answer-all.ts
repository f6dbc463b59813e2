/** `batch`: looks at its inputs, loads the model, asks what has no answer yet. */
import { formatSeconds } from '../../eval/report-text.js';
import type { BatchProgress } from '../../index.js';
import { type FormatFlags, formatOf } from '../shared/format-flags.js';
import { Interrupted } from '../shared/interrupt.js';
import { createItemProgress, rateText } from '../shared/item-progress.js';
import { loadModel, type ModelFlags } from '../shared/model-flags.js';
import { tell } from '../shared/progress.js';
import { type SamplingFlags, samplingOf } from '../shared/sampling-flags.js';
import { type Inputs, openInputs } from './inputs.js';

export interface BatchFlags extends ModelFlags, SamplingFlags, FormatFlags {
  model: string;
  input: string[];
  media?: string;
  prompt?: string;
  system?: string;
  frames?: number;
  out: string;
  format?: 'jsonl' | 'csv';
  concurrency: number;
  retryErrors?: true;
  failOnError?: true;
  prefixCache?: true;
  json?: true;
}

/** Pictures of a folder are seldom asked about again: rows of some that follow each other are enough. */
const VISUAL_CACHE_BYTES = 128 << 20;

/** @throws what the library does, and the signal's reason */
export async function answerAll(flags: BatchFlags, signal: AbortSignal): Promise<void> {
  const { input, prompt, media, out } = flags;
  const inputs = await openInputs(input, { prompt, media });
  const started = performance.now();
  const ended = await askAll(flags, inputs, signal)
    .catch((error) => {
      if (error instanceof Interrupted)
        process.stderr.write('Interrupted: the same command goes on from here.\n');
      throw error;
    })
    .finally(inputs.close);
  tell(summary(ended, (performance.now() - started) / 1000, out));
  if (flags.json) process.stdout.write(`${JSON.stringify(ended)}\n`);
  if (flags.failOnError && ended.errors > 0) process.exitCode = 1;
}

async function askAll(
  flags: BatchFlags,
  inputs: Inputs,
  signal: AbortSignal,
): Promise<BatchProgress> {
  const { prompt, system, frames, out, format, concurrency, retryErrors } = flags;
  const responseFormat = await formatOf(flags, signal);
  const model = await loadModel(flags, {
    signal,
    more: {
      maxSequences: concurrency,
      // Without it no answer depends on what was asked before, nor on where a run was interrupted.
      prefixCache: flags.prefixCache === true,
      visualCacheBytes: VISUAL_CACHE_BYTES,
    },
  });
  const bar = createItemProgress('Asking');
  try {
    const batch = model.batch(inputs.items(), {
      ...samplingOf(flags),
      ...responseFormat,
      ...{ prompt, system, frames, out, format, concurrency },
      retryErrors: retryErrors === true,
      signal,
      onProgress: (progress) => {
        const total = inputs.total === undefined ? undefined : inputs.total - progress.repeated;
        bar.update({ ...progress, total });
      },
    });
    return await batch.result;
  } finally {
    bar.stop();
    await model.dispose();
  }
}

function summary({ done, asked, errors }: BatchProgress, seconds: number, out: string): string {
  const speed = asked > 0 ? `, ${rateText(asked / seconds)}` : '';
  const failed =
    errors > 0 ? `, ${errors} of them with an error (--retry-errors asks them again)` : '';
  return `${done} items in ${out}${failed}; ${asked} asked now, in ${formatSeconds(seconds)}${speed}.`;
}
