/** `bench`: how fast a model answers on this machine. What is measured, and how, is in bench/measure.ts. */
import { Command } from 'commander';
import { byteSize } from '../byte-size.js';
import type { ModelInfo } from '../index.js';
import type { BenchFigures } from './bench/measure.js';
import { parsePositive, reportUsage } from './shared/flags.js';
import { interruptible } from './shared/interrupt.js';
import { addModelOptions, loadModel, type ModelFlags } from './shared/model-flags.js';
import { addModelFiles, MODEL_ARGUMENT, takeModel } from './shared/named-model.js';
import { createProgress } from './shared/progress.js';

interface BenchFlags extends ModelFlags {
  image?: string;
  runs: number;
  promptTokens: number;
  tokens: number;
  json?: true;
}

const EXAMPLES = `
Examples:
  $ llava-onevision bench 0.5b-ov
  $ llava-onevision bench 7b-ov:q4_k_m --threads 4
  $ llava-onevision bench 0.5b-ov --image photo.jpg --json

Medians of --runs, after a first answer that does not count. What else the machine does is in the figures too.`;

export function benchCommand(): Command {
  const command = new Command('bench')
    .description('measure how fast a model answers here')
    .argument('[model]', MODEL_ARGUMENT);
  addModelFiles(command)
    .option('--image <file>', 'path or URL of a picture (default: one of 1024x768 that is drawn)')
    .option('--runs <n>', 'how often', parsePositive, 3)
    .option(
      '--prompt-tokens <n>',
      'about how long the prompt without a picture is',
      parsePositive,
      512,
    )
    .option('--tokens <n>', 'how long the answer to it is', parsePositive, 64);
  return addModelOptions(command)
    .option('--json', 'print the figures as JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (word: string | undefined, flags: BenchFlags) => {
      try {
        const model = takeModel(flags, [word], command);
        await interruptible((signal) => bench({ ...flags, model }, signal));
      } catch (error) {
        reportUsage(error, command);
        throw error;
      }
    });
}

/** @throws what loading and chats do, and the signal's reason */
async function bench(flags: BenchFlags & { model: string }, signal: AbortSignal): Promise<void> {
  const { measure } = await import('./bench/measure.js');
  // Nothing that one run leaves may help the next.
  const more = { prefixCache: false, visualCacheBytes: 0 };
  await using model = await loadModel(flags, { signal, more });
  const { image, runs, promptTokens, tokens, json } = flags;
  const progress = createProgress('Measuring');
  const figures = await measure(model, {
    ...{ runs, promptTokens, tokens, ...(image !== undefined && { image }) },
    signal,
    onRun: (done) => progress.update(done / runs),
  }).finally(progress.stop);
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  const { info } = model;
  const result = {
    model: flags.model,
    ...figures,
    memory: { peakBytes, gpuBytes: info.memory.gpu },
  };
  if (json) process.stdout.write(`${JSON.stringify({ ...result, info, runs })}\n`);
  else process.stdout.write(describe(result, info, runs));
}

function describe(
  {
    model,
    picture,
    prefill,
    generation,
    memory,
  }: BenchFigures & {
    model: string;
    memory: { peakBytes: number; gpuBytes: number };
  },
  { description, backend, threads, kernels }: ModelInfo,
  runs: number,
): string {
  const ms = (time: number) =>
    time < 10_000 ? `${Math.round(time)} ms` : `${(time / 1000).toFixed(1)} s`;
  const rate = (figure: { tokens: number; tokensPerSecond: number }) =>
    `${figure.tokensPerSecond.toFixed(1)} tokens/s (${figure.tokens} tokens)`;
  const onGpu = memory.gpuBytes > 0 ? `, ${byteSize(memory.gpuBytes)} on GPUs` : '';
  const lines = [
    ['Model', `${model}: ${description}`],
    ['Runs on', `${backend.name}, ${threads} threads${kernels ? `, ${kernels} kernels` : ''}`],
    ...(picture
      ? [
          ['Tile', `${ms(picture.tileMs)} (${picture.tiles} tiles, ${picture.rows} rows)`],
          ['First token', `${ms(picture.firstTokenMs)} after a question about the picture`],
        ]
      : []),
    ['Prompt', rate(prefill)],
    ['Answer', rate(generation)],
    ['Memory', `${byteSize(memory.peakBytes)} at most${onGpu}`],
    ['', `medians of ${runs}`],
  ];
  return lines.map(([label, text]) => `${label!.padEnd(12)} ${text}\n`).join('');
}
